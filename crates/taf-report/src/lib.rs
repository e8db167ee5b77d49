//! Results as plain values, and where they lie: what a model's answers are worth, the pages that tell it, the folder of a run,
//! what a grid of runs leaves behind.
//!
//! Nothing here knows a tensor or a video.

pub mod experiment;
pub mod metrics;
pub mod page;
pub mod run;
