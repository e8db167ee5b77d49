//! Which videos there are, what they show and what each is used for.
//!
//! A [`Manifest`] is the one list every other part of the house reads. [`prepare`] makes it from a [`Listing`], and each
//! kind of source has a reader that makes listings: [`read`] takes them all by their [`Format`]. [`check`] verifies a manifest against the disk, and [`Manifest::fingerprint`] tells at
//! no cost whether a video was changed since.

mod check;
mod classes;
mod content;
mod counts;
mod duplicates;
mod examination;
mod examined;
mod frame_names;
mod heading;
mod label_set;
mod ledger;
mod lines;
mod listing;
mod manifest;
mod part;
mod path;
mod place;
mod portable;
mod prepare;
mod problem;
mod readers;
mod record;
mod shards;
mod split;

pub use check::{CheckOptions, CheckReport, check};
pub use content::{Content, Fingerprint};
pub use counts::SplitCounts;
pub use frame_names::FrameNames;
pub use ledger::unfinished_videos;
pub use lines::ProblemKind;
pub use listing::{Listing, ListingEntry};
pub use manifest::Manifest;
pub use part::Part;
pub use portable::path_below;
pub use prepare::{Damaged, Miscounted, PrepareOptions, Prepared, Unreadable, prepare};
pub use problem::Problem;
pub use readers::{
    CsvColumns, Format, ReadOptions, Separator, SomethingOrder, UnknownFormat, VIDEO_ENDINGS, class_folders,
    class_names, csv, read,
};
pub use record::Record;
pub use split::RandomSplit;

/// Told after each finished file: how many are done, of how many. Called from several threads.
pub type Progress<'a> = &'a (dyn Fn(usize, usize) + Sync);
