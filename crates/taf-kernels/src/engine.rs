//! The implicit matrix product every convolution and linear layer is made of.
//!
//! A convolution multiplies a matrix of patches (a row per output pixel, a column per tap and channel) with its weights.
//! The patches are never built: a [`Window`] says which source pixel each tap of a position reads, and the kernel
//! broadcasts the values from there. A tap is a distance in frames, lines and columns and a run of channels, so 2-D, 3-D,
//! groups, strides (one product per phase) and the temporal shift (three taps where there was one) are all the same.
//!
//! **Registers.** A tile is 6 positions x 4 vectors of columns (64 with AVX-512, 16 with NEON; 6 x 2 with the 16 registers
//! of AVX2): 24 sums, 4 vectors of weights, one broadcast value. A step takes 10 loads for 24 multiply-adds.
//!
//! **First-level cache.** The weights are divided into panels as wide as a tile and blocks of 256 rows. A block (64 KiB) is
//! read once per tile, at 21 bytes a cycle, which the second level delivers as well as the first; it starts at a cache line,
//! as loads across two lines cost up to a fifth of the speed. The source needs 2 bytes a cycle.
//!
//! **Second level.** A task has at most some hundred positions and 512 columns, so that its block of weights, results and
//! source stay there, and what follows (bias, ReLU, statistics) finds them there.
//!
//! **Edges.** Positions of a task are sorted by the taps that fall on the source; a tile skips a tap that no position of it
//! has, and the reduction skips single positions. At 7x7 that saves a fifth of a 3x3 layer: its figures, which count all
//! operations, may exceed those of a plain product.
//!
//! **Threads.** Tasks depend on the shape alone. Where pixels are few, each panel is one task that packs its own weights.

mod kernel;
mod machine;
mod output;
mod pack;
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
