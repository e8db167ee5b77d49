//! How good a model is: on clips as they are, too early, too late, lossy or noisy, and what it attends to meanwhile.
//!
//! An [`Evaluation`] is a list of videos and the way a network is shown them; it knows nothing of how the network was
//! trained. It asks any [`VideoModel`](crate::model::VideoModel) about one [`Version`] of the videos at a time, and a
//! [`Suite`] puts versions together to one number. A [`Store`] keeps the [`Answers`], of which a [`Leaderboard`] makes a file for
//! a server, and a [`Protocol`] says how a paper tests.

mod answers;
mod asking;
mod attack;
mod average;
mod benchmark;
mod condition;
mod encoders;
mod evaluation;
mod explanation;
mod faithfulness;
mod interview;
mod labels;
mod leaderboard;
mod probe;
mod protocol;
mod robustness;
mod shown;
mod store;
mod suite;
mod together;
mod trial;
mod version;
mod views;

pub use answers::Answers;
pub use asking::{AnswerError, ask};
pub use attack::{Attack, MaskingTrial, RobustTrial, STEP, Target, TransferTrial};
pub use average::Average;
pub use benchmark::{Benchmark, BenchmarkRow, PublishedRow, PublishedSet, UnknownBenchmark};
pub use condition::Condition;
pub use encoders::MissingEncoders;
pub use evaluation::{Evaluation, Progress};
pub use explanation::{Explanation, Seen};
pub use faithfulness::{AttentionChange, AttentionTrial, FrameRemoval, RemovalTrial, Replacement};
pub use interview::{Interview, Kept, Subject, Told};
pub use labels::Labelled;
pub(crate) use leaderboard::likeliest;
pub use leaderboard::{Leaderboard, LeaderboardError};
pub use protocol::{Protocol, UnknownProtocol};
pub use robustness::robustness;
pub use shown::Shown;
pub use store::{AnswerKey, Store};
pub use suite::{Suite, UnknownSuite};
pub use together::Examinee;
pub use trial::{Trial, TrialFile, TrialKey, Tried, Underway};
pub use version::{UnknownVersion, Version};
pub use views::Views;

use std::time::Duration;

use taf_video::dataset::Record;

/// Between the times that what is not finished is kept: answers and findings of trials.
const KEEP_EVERY: Duration = Duration::from_secs(60);

/// Why an evaluation ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// A video could not be read.
    #[error(transparent)]
    Data(#[from] taf_video::Error),
    /// The model does not answer numbers.
    #[error("{source}: {video}")]
    Answer {
        /// Path of the video in the manifest.
        video: String,
        /// What it answers.
        source: AnswerError,
    },
    /// The list is empty.
    #[error("expected at least one video, found none")]
    NoVideos,
    /// Nobody is asked.
    #[error("expected at least one network, found none")]
    NoNetworks,
    /// The model's answers are no scores.
    #[error(transparent)]
    Metrics(#[from] taf_report::metrics::Error),
    /// It was told to stop.
    #[error("stopped after {answered} of {asked} answers ({condition})")]
    Stopped {
        /// What was asked about.
        condition: Condition,
        /// Answers that are there, of all networks that were asked together.
        answered: usize,
        /// Answers there would be.
        asked: usize,
    },
    /// FFmpeg lacks what some versions of the videos need.
    #[error(transparent)]
    Encoders(#[from] MissingEncoders),
    /// A setting makes no sense.
    #[error(transparent)]
    Setting(#[from] crate::setting::SettingError),
    /// A picture could not be drawn.
    #[error(transparent)]
    Picture(#[from] taf_report::page::Error),
}

impl EvaluationError {
    /// Why one video has no answer. What cannot be read names itself.
    fn answer(record: &Record, source: AnswerError) -> Self {
        match source {
            AnswerError::Video(error) => Self::Data(error),
            source @ AnswerError::NotFinite { .. } => Self::Answer { video: record.path.clone(), source },
        }
    }
}
