//! The folder of one run: what it was told, where it came from, what it measured, and what it can go on from.
//!
//! | file | holds |
//! |---|---|
//! | `recipe.toml` | the resolved recipe |
//! | `provenance.json` | [`Provenance`]: version, commit, device, seeds, data, command line, times |
//! | `metrics.jsonl` | what every step and evaluation measured, one [`Line`] each, see [`MetricsLog`] |
//! | `events.out.tfevents.*.taf` | the same for TensorBoard, with pictures; `tensorboard --logdir` takes the folder or one above it |
//! | `checkpoints/` | what training goes on from |
//! | `predictions/` | what the run's network said about videos |
//! | `report.html`, `report.json`, `report.md` | results |
//! | `finished.json` | present once the run came to its end |
//!
//! Every file but the log and the event file is replaced atomically: after a crash there is the old file or the new one, never half of one.

mod dir;
mod error;
mod event_file;
mod find;
mod lock;
mod log_end;
mod metrics_log;
mod provenance;
mod record;

pub use dir::{Existing, RunDir};
pub use error::{Error, Result};
pub use find::{Found, State};
pub use lock::Lock;
pub use log_end::{LogEnd, Pace};
pub use metrics_log::{MetricsLog, read_metrics};
pub use provenance::{DataSource, Provenance, sha256};
pub use record::{EvaluationRecord, Line, Record, StepRecord, VideoRecord, accuracies, epoch_means, replaced, steps};

/// Records for tests.
#[cfg(test)]
pub(crate) use record::tests as testing;
