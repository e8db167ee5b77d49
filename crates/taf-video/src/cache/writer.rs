use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use taf_files::{Lock, Unfinished, create_folder, remove_unfinished, write_atomic};

use super::index::{Outcome, ShardIndex, ShardPlan};
use super::member::END;
use super::sample::Sample;
use super::{CacheOrigin, SamplePlace, dali};
use crate::dataset::{Manifest, Progress, Unreadable};
use crate::{Error, Result};

/// How videos are cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheOptions {
    /// Pixels of the shorter side of pictures that are larger; smaller ones stay as they are. `None` keeps all.
    pub short_side: Option<usize>,
    /// Quality of the JPEG pictures, 1 to 100. Default 90.
    pub quality: u8,
    /// Videos in a tar file, at least 1. Default 256.
    pub videos_per_shard: usize,
    /// Leave unreadable videos out instead of stopping at the first.
    pub keep_going: bool,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self { short_side: None, quality: 90, videos_per_shard: 256, keep_going: false }
    }
}

/// The videos of a manifest and the folder they are cached in.
pub struct Cache<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) folder: PathBuf,
    pub(super) origin: CacheOrigin,
    options: CacheOptions,
}

/// A finished cache.
#[derive(Clone, Debug)]
pub struct Cached {
    /// The videos, read from the shards.
    pub manifest: Manifest,
    /// The videos left out; empty unless [`CacheOptions::keep_going`].
    pub left_out: Vec<Unreadable>,
    /// How many tar files there are.
    pub shards: usize,
    /// Their bytes together.
    pub bytes: u64,
}

/// Where the tar files lie in a cache's folder.
const SHARDS: &str = "shards";
/// The file that is locked while a process writes the cache.
const LOCK: &str = ".lock";

impl<'a> Cache<'a> {
    /// Plans a cache; nothing is read or written yet.
    ///
    /// # Errors
    /// [`Error::Setting`] for an option out of range.
    pub fn new(manifest: &'a Manifest, folder: &Path, options: CacheOptions) -> Result<Self> {
        let CacheOptions { short_side, quality, videos_per_shard, .. } = options;
        let origin = CacheOrigin { source: manifest.hash(), short_side, quality };
        origin.verify()?;
        if videos_per_shard == 0 {
            return Err(Error::setting("videos_per_shard", "at least 1", 0));
        }
        Ok(Self { manifest, folder: folder.to_owned(), origin, options })
    }

    /// Decodes every video and stores its pictures, on all cores. Shards that an earlier run finished in the folder are
    /// kept, so that a run that was killed is taken up again; the same videos and options give the same bytes.
    ///
    /// # Errors
    /// If the folder cannot be written or holds another cache; at a video that cannot be read, unless
    /// [`CacheOptions::keep_going`], and then only where none can be read.
    pub fn write(&self, progress: Progress) -> Result<Cached> {
        let total = self.manifest.records().len();
        create_folder(&self.folder.join(SHARDS))?;
        let _alone = self.lock()?;
        remove_unfinished(&self.folder.join(SHARDS))?;
        let (mut outcomes, mut bytes) = (Vec::with_capacity(total), 0);
        for shard in 0..self.num_shards() {
            let before = outcomes.len();
            let index = match self.finished(shard)? {
                Some(index) => index,
                None => self.write_shard(shard, &|done, _| progress(before + done, total))?,
            };
            bytes += index.tar_bytes();
            outcomes.extend(index.outcomes);
            progress(outcomes.len(), total);
        }
        let (manifest, left_out) = self.listed(outcomes)?;
        Ok(Cached { manifest, left_out, shards: self.num_shards(), bytes })
    }

    /// Keeps other processes out of the folder, since each removes what another has not finished, until the file is closed.
    fn lock(&self) -> Result<File> {
        let path = self.folder.join(LOCK);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(|source| Error::io("open", &path, source))?;
        match taf_files::lock(&file).map_err(|source| Error::io("lock", &path, source))? {
            Lock::Held | Lock::Unsupported => Ok(file),
            Lock::Taken => {
                Err(Error::content(&self.folder, "a cache that nobody else writes", "a process that does so right now"))
            }
        }
    }

    /// Writes the manifest of what was stored.
    fn listed(&self, outcomes: Vec<Outcome>) -> Result<(Manifest, Vec<Unreadable>)> {
        let (mut places, mut left_out) = (Vec::with_capacity(outcomes.len()), Vec::new());
        for (record, outcome) in self.manifest.records().iter().zip(outcomes) {
            places.push(match outcome {
                Outcome::Stored(place) => Some(place),
                Outcome::LeftOut(reason) => {
                    left_out.push(Unreadable { path: record.id().into_owned(), reason });
                    None
                }
            });
        }
        if left_out.len() == places.len() {
            let found = left_out.first().map_or_else(|| "none".to_owned(), ToString::to_string);
            return Err(Error::content(self.manifest.folder(), "a video that can be read", found));
        }
        let manifest = self.manifest.in_shards(&self.folder, self.origin.clone(), places)?;
        manifest.write(&self.folder.join("manifest.jsonl"))?;
        Ok((manifest, left_out))
    }

    fn num_shards(&self) -> usize {
        self.manifest.records().len().div_ceil(self.options.videos_per_shard)
    }

    /// The videos of a shard, by their places in the manifest.
    fn videos(&self, shard: usize) -> Range<usize> {
        let per_shard = self.options.videos_per_shard;
        shard * per_shard..self.manifest.records().len().min((shard + 1) * per_shard)
    }

    /// The videos that no finished shard holds.
    pub(super) fn left(&self) -> Result<Vec<usize>> {
        let mut left = Vec::new();
        for shard in 0..self.num_shards() {
            if self.finished(shard)?.is_none() {
                left.extend(self.videos(shard));
            }
        }
        Ok(left)
    }

    fn plan(&self, shard: usize) -> ShardPlan {
        let videos = self.videos(shard);
        ShardPlan::new(self.origin.clone(), videos.start, videos.len())
    }

    fn path(&self, shard: usize, ending: &str) -> PathBuf {
        self.folder.join(file_name(shard, ending))
    }

    /// The index of a shard that is done, unless it left videos out that now must not be.
    fn finished(&self, shard: usize) -> Result<Option<ShardIndex>> {
        let path = self.path(shard, "jsonl");
        let Some(index) = ShardIndex::read(&path)? else { return Ok(None) };
        let plan = self.plan(shard);
        if index.plan != plan {
            return Err(Error::content(&path, format!("the same cache as asked for ({plan})"), index.plan.to_string()));
        }
        let length = fs::metadata(self.path(shard, "tar")).map_or(0, |about| about.len());
        let is_done = length == index.tar_bytes() && (index.is_complete() || self.options.keep_going);
        Ok(is_done.then_some(index))
    }

    /// Writes a shard and then its index, each whole or not at all.
    fn write_shard(&self, shard: usize, progress: Progress) -> Result<ShardIndex> {
        let path = self.path(shard, "tar");
        let failed = |source| Error::io("write", &path, source);
        let unfinished = Unfinished::beside(&path)?;
        let file = OpenOptions::new().write(true).open(unfinished.path()).map_err(failed)?;
        let mut tar = BufWriter::new(file);
        let (mut outcomes, mut lines, mut offset) = (Vec::new(), Vec::new(), 0);
        for outcome in self.samples(shard, progress) {
            match outcome? {
                Ok(Sample { bytes, members, sha256 }) => {
                    tar.write_all(&bytes).map_err(failed)?;
                    lines.push(dali::line(offset, &members));
                    let (file, bytes) = (file_name(shard, "tar"), bytes.len() as u64);
                    outcomes.push(Outcome::Stored(SamplePlace { file, offset, bytes, sha256 }));
                    offset += bytes;
                }
                Err(reason) => outcomes.push(Outcome::LeftOut(reason)),
            }
        }
        tar.write_all(&END).and_then(|()| tar.flush()).map_err(failed)?;
        drop(tar);
        unfinished.finish()?;
        write_atomic(&self.path(shard, "idx"), dali::page(&lines).as_bytes())?;
        let index = ShardIndex { plan: self.plan(shard), outcomes };
        index.write(&self.path(shard, "jsonl"))?;
        Ok(index)
    }

    /// The samples of a shard in order, some at a time on all cores; the inner error is why a video is left out.
    fn samples(
        &self,
        shard: usize,
        progress: Progress,
    ) -> impl Iterator<Item = Result<std::result::Result<Sample, String>>> {
        let (videos, done) = (self.videos(shard), AtomicUsize::new(0));
        let total = videos.len();
        let at_once = rayon::current_num_threads() * 4;
        let pieces = videos.step_by(at_once).map(move |start| start..self.videos(shard).end.min(start + at_once));
        pieces.flat_map(move |piece| {
            let stored = piece.into_par_iter().map(|video| {
                let sample = self.sample(video);
                progress(done.fetch_add(1, Ordering::Relaxed) + 1, total);
                sample
            });
            stored.collect::<Vec<_>>()
        })
    }

    fn sample(&self, video: usize) -> Result<std::result::Result<Sample, String>> {
        let record = &self.manifest.records()[video];
        match self.stored(video) {
            Ok(sample) => Ok(Ok(sample)),
            Err(error) if self.options.keep_going && self.manifest.is_bad_video(record, &error) => {
                Ok(Err(error.to_string()))
            }
            Err(error) => Err(error),
        }
    }

    /// The sample of one video.
    pub(super) fn stored(&self, video: usize) -> Result<Sample> {
        Sample::of(&format!("{video:08}"), self.manifest, &self.manifest.records()[video], &self.origin)
    }
}

/// The name of a shard's file, as seen from the cache's folder.
fn file_name(shard: usize, ending: &str) -> String {
    format!("{SHARDS}/{shard:05}.{ending}")
}
