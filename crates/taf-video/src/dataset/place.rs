use std::path::PathBuf;

use super::lines::ProblemKind;
use super::problem::Problem;

/// The file of a record, and its line.
pub(super) struct Place {
    pub file: PathBuf,
    pub line: usize,
}

impl Place {
    pub(super) fn problem(&self, kind: ProblemKind, expected: impl Into<String>, found: impl Into<String>) -> Problem {
        Problem { kind, file: self.file.clone(), line: Some(self.line), expected: expected.into(), found: found.into() }
    }

    /// If a video has fewer frames than were asked for.
    pub(super) fn too_short(&self, frames: usize, min_frames: usize) -> Option<Problem> {
        let expected = || format!("at least {min_frames} frames");
        (frames < min_frames).then(|| self.problem(ProblemKind::TooShort, expected(), frames.to_string()))
    }

    /// If a video has another number of frames than is recorded.
    pub(super) fn other_count(&self, frames: usize, recorded: usize) -> Option<Problem> {
        let expected = || format!("{recorded} frames as recorded");
        (frames != recorded).then(|| self.problem(ProblemKind::FrameCount, expected(), frames.to_string()))
    }
}
