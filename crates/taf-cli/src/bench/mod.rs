//! How fast this machine computes: what `taf bench` measures and how it says it.

mod machine;
mod measure;
mod page;
mod workbench;

pub use machine::{available_memory, memory, peak_memory};
pub use measure::{Bench, Setting, measure};
pub use page::page;
pub use workbench::{Workbench, Workload, noise};
