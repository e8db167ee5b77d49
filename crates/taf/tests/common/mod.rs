// Each test program uses a part of it.
#[allow(dead_code)]
pub mod golden;
#[allow(dead_code)]
pub mod network;
