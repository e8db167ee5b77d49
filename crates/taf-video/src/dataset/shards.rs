//! Videos that lie in shards, held to what is recorded.

use super::Record;
use super::lines::ProblemKind;
use super::place::Place;
use super::problem::Problem;
use crate::Error;
use crate::cache::{CachedVideo, SamplePlace};

/// What is wrong with the sample of a record in the shard at `place`, every picture of which is read.
pub(super) fn shard_problem(
    place: &Place,
    sample: &SamplePlace,
    record: &Record,
    min_frames: usize,
) -> Option<Problem> {
    match CachedVideo::open(&place.file, sample, &record.id()).and_then(|mut video| video.verify()) {
        Ok(frames) => place.other_count(frames, record.frames).or_else(|| place.too_short(frames, min_frames)),
        Err(Error::Content { expected, found, .. }) => {
            let expected = format!("{expected} (a shard that is removed is stored anew by the same `taf data cache`)");
            Some(place.problem(ProblemKind::Unreadable, expected, found))
        }
        Err(error) => Some(place.problem(ProblemKind::Unreadable, "a shard that can be read", error.to_string())),
    }
}
