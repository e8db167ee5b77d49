use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::manifest::open_source;
use super::{Content, FrameNames, Listing, ListingEntry, Manifest, Progress, RandomSplit, Record};
use crate::{Error, Result};

/// How a listing becomes a manifest.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PrepareOptions {
    /// The division into splits where the listing brings none.
    pub split: RandomSplit,
    /// Leave unreadable videos out of the manifest instead of failing.
    pub keep_going: bool,
}

/// A manifest fresh from a listing.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The readable videos, relative to the listing's root.
    pub manifest: Manifest,
    /// The videos left out; empty unless [`PrepareOptions::keep_going`].
    pub unreadable: Vec<Unreadable>,
    /// Those videos of the manifest of which not all decodes: a half download, say. Their records tell it too.
    pub damaged: Vec<Damaged>,
    /// The files that the reader passed over, see [`Listing::passed_over`].
    pub passed_over: Vec<String>,
}

/// A video that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// As in the listing.
    pub path: String,
    /// What the decoder said.
    pub reason: String,
}

/// A video of which some frames are lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// As in the listing.
    pub path: String,
    /// How many frames are left.
    pub frames: usize,
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} frames are left", self.path, self.frames)
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

/// Counts the frames of every video by decoding it, on all cores, notes what its files hold and whether they are
/// damaged, and gives each video its split.
///
/// The result depends on the listing and the options, not on the order in which files are met or finished.
///
/// # Errors
/// If videos cannot be read and [`PrepareOptions::keep_going`] is off: the message lists all of them. If none can be
/// read, or only a part of the listing has splits.
pub fn prepare(listing: &Listing, options: &PrepareOptions, progress: Progress) -> Result<Prepared> {
    let examined = examine_all(listing, progress);
    let mut readable = Vec::new();
    let mut unreadable = Vec::new();
    for (entry, examined) in listing.entries.iter().zip(examined) {
        match examined {
            Ok(examined) => readable.push((entry.clone(), examined)),
            // An option is wrong for all videos alike; to list them would bury it.
            Err(error @ Error::Setting { .. }) => return Err(error),
            Err(error) => unreadable.push(Unreadable { path: entry.path.clone(), reason: error.to_string() }),
        }
    }
    if readable.is_empty() || (!unreadable.is_empty() && !options.keep_going) {
        return Err(unreadable_error(listing, &unreadable));
    }
    let manifest = manifest(listing, readable, &options.split)?;
    let damaged = manifest.records().iter().filter(|record| record.damaged);
    let damaged = damaged.map(|record| Damaged { path: record.path.clone(), frames: record.frames }).collect();
    Ok(Prepared { manifest, unreadable, damaged, passed_over: listing.passed_over.clone() })
}

fn examine_all(listing: &Listing, progress: Progress) -> Vec<Result<Examined>> {
    let done = AtomicUsize::new(0);
    let examine = |entry: &ListingEntry| {
        let examined = Examined::by_decoding(&listing.root.join(&entry.path), listing.frame_names.as_ref());
        progress(done.fetch_add(1, Ordering::Relaxed) + 1, listing.entries.len());
        examined
    };
    listing.entries.par_iter().map(examine).collect()
}

/// What only a look at every frame of a video tells.
pub(super) struct Examined {
    /// At least 1.
    pub frames: usize,
    /// Some of the file did not decode.
    pub damaged: bool,
    pub content: Content,
}

impl Examined {
    /// Decodes all of a video.
    pub(super) fn by_decoding(path: &Path, names: Option<&FrameNames>) -> Result<Self> {
        let mut source = open_source(path, names, None)?;
        let frames = source.num_frames()?;
        if names.is_some() {
            // A folder counts its names; whether each is a picture shows only when it is read.
            (0..frames).try_for_each(|index| source.read(&[index]).map(drop))?;
        }
        if frames == 0 {
            return Err(Error::content(path, "at least one frame", "none"));
        }
        Ok(Self { frames, damaged: source.is_damaged()?, content: Content::of(path, names)? })
    }
}

fn manifest(listing: &Listing, readable: Vec<(ListingEntry, Examined)>, random: &RandomSplit) -> Result<Manifest> {
    let (entries, examined): (Vec<_>, Vec<_>) = readable.into_iter().unzip();
    let splits: Vec<String> = match splits_given(listing, &entries)? {
        Some(splits) => splits,
        None => random.assign(&entries, &listing.classes)?.into_iter().map(str::to_owned).collect(),
    };
    let labels: HashMap<_, _> = listing.classes.iter().enumerate().map(|(label, class)| (class, label)).collect();
    let mut records = Vec::with_capacity(entries.len());
    for ((entry, examined), split) in entries.into_iter().zip(examined).zip(splits) {
        let label = *labels.get(&entry.label).ok_or_else(|| {
            Error::content(&listing.root.join(&entry.path), "a label among the classes", format!("{:?}", entry.label))
        })?;
        let Examined { frames, damaged, content } = examined;
        let content = Some(content);
        records.push(Record {
            path: entry.path,
            label: Some(label),
            split,
            frames,
            part: None,
            group: entry.group,
            content,
            damaged,
            shard: None,
        });
    }
    Manifest::new(&listing.root, listing.classes.clone(), listing.frame_names.clone(), records)
}

/// The listing's own splits; `None` if it has none at all.
fn splits_given(listing: &Listing, entries: &[ListingEntry]) -> Result<Option<Vec<String>>> {
    if entries.iter().all(|entry| entry.split.is_none()) {
        return Ok(None);
    }
    let split = |entry: &ListingEntry| {
        let missing = || Error::content(&listing.root.join(&entry.path), "a split, as other videos have", "none");
        entry.split.clone().ok_or_else(missing)
    };
    entries.iter().map(split).collect::<Result<_>>().map(Some)
}

fn unreadable_error(listing: &Listing, unreadable: &[Unreadable]) -> Error {
    let lines: String = unreadable.iter().map(|video| format!("\n  {video}")).collect();
    let found = format!("{} of {} unreadable:{lines}\nin", unreadable.len(), listing.entries.len());
    Error::content(&listing.root, "videos that can be decoded", found)
}
