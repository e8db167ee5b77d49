use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::examination::Examination;
use super::examined::{Examined, Way};
use super::{Listing, ListingEntry, Manifest, Progress, RandomSplit, Record};
use crate::{Error, Result};

/// How a listing becomes a manifest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PrepareOptions {
    /// The division into splits where the listing brings none.
    pub split: RandomSplit,
    /// Leave unreadable videos out of the manifest instead of failing.
    pub keep_going: bool,
    /// Believe the numbers of frames that the listing gives, and touch no video: it need not be there yet.
    pub trust_counts: bool,
    /// Count the packets of video files and the names in folders of pictures, and decode only where that is not safe.
    /// Frames in the middle that do not decode are then not found.
    pub fast: bool,
    /// The file that keeps what was found out while the work goes on, so that an interrupted run goes on from there. Who writes
    /// the manifest removes it then.
    pub unfinished: Option<PathBuf>,
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
    /// Those whose number of frames is not what the listing says; the manifest has the one that was counted.
    pub miscounted: Vec<Miscounted>,
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

/// A video of which its list gives another number of frames than it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miscounted {
    /// As in the listing.
    pub path: String,
    /// What the list says.
    pub listed: usize,
    /// What there is.
    pub counted: usize,
}

impl fmt::Display for Miscounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} frames, listed with {}", self.path, self.counted, self.listed)
    }
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
/// If videos cannot be read and [`PrepareOptions::keep_going`] is off: the message lists them. If none can be
/// read, only a part of the listing has splits, or what is found out cannot be kept.
pub fn prepare(listing: &Listing, options: &PrepareOptions, progress: Progress) -> Result<Prepared> {
    let examined = if options.trust_counts { believe_all(listing)? } else { examine_all(listing, options, progress)? };
    let mut readable = Vec::new();
    let mut unreadable = Vec::new();
    for (entry, examined) in listing.entries.iter().zip(examined) {
        match examined {
            Ok(examined) => readable.push((entry, examined)),
            Err(reason) => unreadable.push(Unreadable { path: entry.path.clone(), reason }),
        }
    }
    if readable.is_empty() || (!unreadable.is_empty() && !options.keep_going) {
        return Err(unreadable_error(listing, &unreadable));
    }
    let miscounted = readable.iter().filter_map(|(entry, examined)| difference(entry, examined)).collect();
    let manifest = manifest(listing, readable, &options.split)?;
    let damaged = manifest.records().iter().filter(|record| record.damaged);
    let damaged = damaged.map(|record| Damaged { path: record.path.clone(), frames: record.frames }).collect();
    Ok(Prepared { manifest, unreadable, damaged, miscounted, passed_over: listing.passed_over.clone() })
}

/// What the listing says, of each video.
fn believe_all(listing: &Listing) -> Result<Vec<Looked>> {
    let believe = |entry: &ListingEntry| match entry.part.map(|part| part.frames()).or(entry.frames) {
        Some(frames) => Ok(Ok(Examined { frames, damaged: false, content: None })),
        None => {
            let expected = "off where the source does not say how many frames each video has";
            Err(Error::setting("trust-counts", expected, format!("no number for {}", entry.path)))
        }
    };
    listing.entries.iter().map(believe).collect()
}

/// What there is to know of each video, or why it cannot be used.
fn examine_all(listing: &Listing, options: &PrepareOptions, progress: Progress) -> Result<Vec<Looked>> {
    if listing.entries.iter().any(|entry| Path::new(&entry.path).is_relative()) && !listing.root.is_dir() {
        return Err(Error::content(&listing.root, "the folder that the videos' paths start from", "no such folder"));
    }
    let way = Way { names: listing.frame_names().cloned(), fast: options.fast };
    let examination = Examination::begin(way, options.unfinished.as_deref(), progress)?;
    let path = |entry: &ListingEntry| listing.root.join(&entry.path);
    examination.all(&listing.entries, path, |entry, examined| match examined {
        Ok(whole) => whole.part(entry.part, &path(entry)).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    })
}

/// What was found out of a video, or why it cannot be used.
type Looked = std::result::Result<Examined, String>;

/// Where it is not the number that the listing gives.
fn difference(entry: &ListingEntry, examined: &Examined) -> Option<Miscounted> {
    let listed = entry.frames.filter(|&listed| listed != examined.frames)?;
    Some(Miscounted { path: entry.path.clone(), listed, counted: examined.frames })
}

fn manifest(listing: &Listing, readable: Vec<(&ListingEntry, Examined)>, random: &RandomSplit) -> Result<Manifest> {
    let (entries, examined): (Vec<_>, Vec<_>) = readable.into_iter().unzip();
    let splits: Vec<String> = match splits_given(listing, &entries)? {
        Some(splits) => splits,
        None => random.assign(&entries, listing.classes())?.into_iter().map(str::to_owned).collect(),
    };
    let labels: HashMap<_, _> = listing.classes().iter().enumerate().map(|(label, class)| (class, label)).collect();
    let mut records = Vec::with_capacity(entries.len());
    for ((entry, examined), split) in entries.into_iter().zip(examined).zip(splits) {
        let label = entry.label.as_ref().map(|name| labels[name]);
        let Examined { frames, damaged, content } = examined;
        let ListingEntry { path, part, group, .. } = entry.clone();
        records.push(Record { path, label, split, frames, part, group, content, damaged, shard: None });
    }
    Manifest::of_listing(listing, records)
}

/// The listing's own splits; `None` if it has none at all.
fn splits_given(listing: &Listing, entries: &[&ListingEntry]) -> Result<Option<Vec<String>>> {
    if entries.iter().all(|entry| entry.split.is_none()) {
        return Ok(None);
    }
    let split = |entry: &&ListingEntry| {
        let missing = || Error::content(&listing.root.join(&entry.path), "a split, as other videos have", "none");
        entry.split.clone().ok_or_else(missing)
    };
    entries.iter().map(split).collect::<Result<_>>().map(Some)
}

/// Unreadable videos that an error names: where a disk is gone, all of them are.
const MOST_LISTED: usize = 100;

fn unreadable_error(listing: &Listing, unreadable: &[Unreadable]) -> Error {
    let lines: String = unreadable.iter().take(MOST_LISTED).map(|video| format!("\n  {video}")).collect();
    let more = if unreadable.len() > MOST_LISTED { "\n  ..." } else { "" };
    let found = format!("{} of {} unreadable:{lines}{more}\nin", unreadable.len(), listing.entries.len());
    Error::content(&listing.root, "videos that can be decoded", found)
}
