//! Python's pickle format (protocols 0 to 5) as inert data.
//!
//! What Python would import, call or build stays a description of it in an arena of values. Values refer to each other by
//! number, so that a pickle that nests deeply, shares parts or contains itself costs what its bytes cost and no more.

mod input;
mod machine;
mod opcode;
mod programs;
mod value;

pub(crate) use machine::load;
pub(crate) use value::{Id, Pickle, Value, name_of};
