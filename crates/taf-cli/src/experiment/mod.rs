//! A grid of runs: which cells are done, each other one as a process of its own, the table.

mod bill;
mod cell;
mod children;
mod estimate;
mod fit;
mod place;
mod queue;
mod selection;
mod state;
mod test_split;
#[cfg(test)]
mod testing;
mod work;

pub use cell::cell;
pub use place::Place;
pub use selection::{Chosen, Shard};
pub use work::{Work, dry_run, work};
