//! Plain training and TAF: one loop whose only varying piece is the perturbed half of a step.

mod average;
mod checkpoint;
mod config;
mod course;
mod examples;
mod freeze;
mod loss;
mod optimizer;
mod pictures;
mod schedule;
mod step;
mod taf;
mod terms;
mod trainer;

pub use average::{Average, AverageConfig};
pub use checkpoint::{Checkpoint, CheckpointError, CheckpointFolder, CheckpointInfo, Progress};
pub use config::TrainConfig;
pub use course::Course;
pub use freeze::{freeze, frozen};
pub use loss::{classification_loss, cross_entropy, divergence, soft_targets};
pub use optimizer::{AdamwConfig, Factors, GradientSum, Optimizer, OptimizerConfig, SgdConfig};
pub use schedule::{Anneal, Decay, Moment, OneCycle, Schedule};
pub use step::{Step, StepOutcome};
pub use taf::{Crafting, TafConfig};
pub use terms::unevenness;
pub use trainer::{Event, Outcome, TrainError, Trainer};
