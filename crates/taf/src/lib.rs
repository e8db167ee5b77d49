//! Temporal adversarial augmentation and fine-tuning for video recognition.

pub mod adversary;
pub mod attention;
pub mod conformance;
pub mod data;
pub mod eval;
pub mod metrics;
pub mod model;
pub mod ops;
pub mod recipe;
pub mod report;
pub mod run;
pub mod train;
