//! Miniatures of published data sets: MovingShapes under names of real classes, as files of the very form in which the real
//! videos and lists are distributed. A rehearsal on one meets what the real data set brings.

mod diving48;
mod form;
mod jester;
mod sample;
mod something_v1;
mod something_v2;
mod store;
mod traits;
mod write;

pub use form::Form;
pub use write::{ClipsPerClass, Miniature};
