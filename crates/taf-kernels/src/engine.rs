//! The implicit matrix product every convolution and linear layer is made of.
mod kernel;
mod machine;
mod output;
mod pack;
mod prefetch;
mod product;
mod reduction;
#[cfg(test)]
mod tests;
mod transpose;
mod window;

pub(crate) use machine::Machine;
pub(crate) use output::Output;
pub(crate) use pack::Weights;
pub(crate) use product::{Done, Prepared, Product, Task, run};
pub(crate) use reduction::{Reduction, run as reduce};
pub(crate) use window::{Placement, Tap, Window};
