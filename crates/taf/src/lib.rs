//! Temporal adversarial augmentation and fine-tuning for video recognition.

pub mod adversary;
pub mod attention;
pub mod metrics;
pub mod model;
pub mod ops;
pub mod report;
pub mod run;
