//! Results as plain values, and where they lie: what a model's answers are worth, the pages that tell it, the folder of a run.
//!
//! Nothing here knows a tensor or a video.

pub mod metrics;
pub mod page;
pub mod run;
