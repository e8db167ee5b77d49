use std::path::PathBuf;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::Cache;
use crate::{Error, Result};

/// What is left to do of a cache takes about so much.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Videos that are not stored yet.
    pub videos: usize,
    /// How many of them were stored on trial to find out.
    pub tried: usize,
    /// Space on the disk.
    pub bytes: u64,
    /// Time on all cores.
    pub duration: Duration,
    /// Space there is; `None` where the operating system doesn't tell.
    pub free_bytes: Option<u64>,
    folder: PathBuf,
}

/// Videos that are tried at least, if there are as many.
const FEWEST_TRIED: usize = 8;

impl Cache<'_> {
    /// Stores some videos, spread evenly over those that are left, in memory to learn what all of them will take.
    ///
    /// # Errors
    /// If the folder holds another cache, or none of those videos can be read.
    pub fn estimate(&self) -> Result<Estimate> {
        let left = self.left()?;
        let tried = FEWEST_TRIED.max(2 * rayon::current_num_threads()).min(left.len());
        let places: Vec<usize> = (0..tried).map(|i| left[(2 * i + 1) * left.len() / (2 * tried)]).collect();
        let begin = Instant::now();
        let sizes: Vec<Result<[u64; 2]>> = places.par_iter().map(|&video| self.frames_and_bytes(video)).collect();
        let seconds = begin.elapsed().as_secs_f64();
        let (found, errors): (Vec<_>, Vec<_>) = sizes.into_iter().partition(Result::is_ok);
        if let (true, Some(Err(error))) = (found.is_empty(), errors.into_iter().next()) {
            return Err(error);
        }
        let [frames, bytes] =
            found.into_iter().flatten().fold([0; 2], |sum, size| [sum[0] + size[0], sum[1] + size[1]]);
        let all: u64 = left.iter().map(|&video| self.manifest.records()[video].frames as u64).sum();
        let ratio = all as f64 / frames.max(1) as f64;
        Ok(Estimate {
            videos: left.len(),
            tried,
            bytes: (bytes as f64 * ratio) as u64,
            duration: Duration::try_from_secs_f64(seconds * ratio).unwrap_or(Duration::MAX),
            free_bytes: taf_files::free_bytes(&self.folder),
            folder: self.folder.clone(),
        })
    }

    fn frames_and_bytes(&self, video: usize) -> Result<[u64; 2]> {
        let frames = self.manifest.records()[video].frames as u64;
        Ok([frames, self.stored(video)?.bytes.len() as u64])
    }
}

impl Estimate {
    /// Refuses to begin what the disk has no room for.
    ///
    /// # Errors
    /// [`Error::Content`] with what is needed and what is there.
    pub fn check(&self) -> Result<()> {
        match self.free_bytes {
            Some(free) if free < self.bytes => {
                let expected = format!("about {} MB of free space", self.bytes >> 20);
                Err(Error::content(&self.folder, expected, format!("{} MB", free >> 20)))
            }
            _ => Ok(()),
        }
    }
}
