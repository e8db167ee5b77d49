//! Files written whole or not at all, and what a command may write where.
//!
//! * [`write_atomic`] and [`write_atomic_with`] replace a file; [`Unfinished`] does so for encoders that open a path themselves.
//! * [`check_outputs`] refuses, before any work is done, what would destroy an input or could not be written in the end.
//! * [`lock`] keeps other processes away from a file.
//! * [`free_bytes`] says how much room is left.
//! * [`Identity`] tells whether two names lead to one file.

mod error;
mod folder;
mod lock;
mod outputs;
mod place;
mod sibling;
mod space;
mod whole;

pub use error::{Error, Result};
pub use folder::{create_folder, remove_unfinished};
pub use lock::{Lock, lock};
pub use outputs::{Input, Output, check_outputs};
pub use place::Identity;
pub use space::free_bytes;
pub use whole::{Unfinished, write_atomic, write_atomic_with};
