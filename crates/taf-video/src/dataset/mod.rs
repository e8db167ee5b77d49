//! Which videos there are, what they show and what each is used for.
//!
//! A [`Manifest`] is the one list every other part of the house reads. [`prepare`] makes it from a [`Listing`], and each
//! kind of source has one reader that makes listings: [`class_folders`] and [`csv`] (the readers of published data sets
//! come here too, one file each). [`check`] verifies a manifest against the disk, and [`Manifest::fingerprint`] tells at
//! no cost whether a video was changed since.

mod check;
mod class_folders;
mod classes;
mod content;
mod counts;
mod csv;
mod frame_names;
mod heading;
mod lines;
mod listing;
mod manifest;
mod part;
mod path;
mod prepare;
mod record;
mod split;

pub use self::csv::{CsvColumns, csv};
pub use check::{CheckOptions, CheckReport, Problem, check};
pub use class_folders::{VIDEO_ENDINGS, class_folders};
pub use content::{Content, Fingerprint};
pub use counts::SplitCounts;
pub use frame_names::FrameNames;
pub use lines::ProblemKind;
pub use listing::{Listing, ListingEntry};
pub use manifest::Manifest;
pub use part::Part;
pub use prepare::{Damaged, PrepareOptions, Prepared, Unreadable, prepare};
pub use record::Record;
pub use split::RandomSplit;

/// Told after each finished file: how many are done, of how many. Called from several threads.
pub type Progress<'a> = &'a (dyn Fn(usize, usize) + Sync);
