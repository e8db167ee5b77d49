use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};
use taf_files::write_atomic;

use super::member::END;
use super::{CacheOrigin, SamplePlace};
use crate::{Error, Result};

/// The version written, and the only one gone on from.
const VERSION: u64 = 1;

/// Which videos a shard holds and how: the first line of its index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShardPlan {
    taf_shard: u64,
    pub cache: CacheOrigin,
    /// Place of the first video in the manifest, from 0.
    pub first: usize,
    pub videos: usize,
}

impl ShardPlan {
    pub(super) fn new(cache: CacheOrigin, first: usize, videos: usize) -> Self {
        Self { taf_shard: VERSION, cache, first, videos }
    }
}

impl fmt::Display for ShardPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CacheOrigin { source, short_side, quality } = &self.cache;
        let side = short_side.map_or_else(|| "any".to_owned(), |side| side.to_string());
        let last = self.first + self.videos;
        let source = source.get(..12).unwrap_or(source);
        write!(f, "videos {} to {last} of manifest {source}, short side {side}, quality {quality}", self.first + 1)
    }
}

/// What became of one video: any other line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Stored(SamplePlace),
    /// Why it could not be read.
    LeftOut(String),
}

/// What a finished shard holds, as JSON Lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ShardIndex {
    pub plan: ShardPlan,
    /// One for each video, in the order of the manifest.
    pub outcomes: Vec<Outcome>,
}

impl ShardIndex {
    /// Reads an index; `None` where there is none, or one that cannot be read and is made again.
    pub(super) fn read(path: &Path) -> Result<Option<Self>> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidData) => return Ok(None),
            Err(error) => return Err(Error::io("read", path, error)),
        };
        Ok(Self::parse(&text).filter(|index| index.outcomes.len() == index.plan.videos))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let plan = serde_json::from_str(lines.next()?).ok()?;
        let outcomes = lines.map(|line| serde_json::from_str(line).ok()).collect::<Option<_>>()?;
        Some(Self { plan, outcomes })
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let json = |result: serde_json::Result<String>| result.expect("strings and numbers are always JSON");
        let plan = json(serde_json::to_string(&self.plan));
        let lines = self.outcomes.iter().map(|outcome| json(serde_json::to_string(outcome)));
        let text: String = std::iter::once(plan).chain(lines).map(|line| line + "\n").collect();
        Ok(write_atomic(path, text.as_bytes())?)
    }

    /// Bytes of the tar file.
    pub(super) fn tar_bytes(&self) -> u64 {
        let ends = self.outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Stored(place) => place.offset.checked_add(place.bytes),
            Outcome::LeftOut(_) => None,
        });
        ends.max().unwrap_or(0).saturating_add(END.len() as u64)
    }

    pub(super) fn is_complete(&self) -> bool {
        self.outcomes.iter().all(|outcome| matches!(outcome, Outcome::Stored(_)))
    }
}
