//! The `taf` command line.

fn main() {}
