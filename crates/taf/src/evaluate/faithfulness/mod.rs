//! Whether the attention of a network can be trusted: what it answers as frames are taken away in the order of attention, and
//! attention by several definitions, or of several networks, on the same clips.

mod attended;
mod change;
mod measured;
mod removal;

pub use attended::AttentionTrial;
pub use change::AttentionChange;
pub use measured::RemovalTrial;
pub use removal::{FrameRemoval, Replacement};
