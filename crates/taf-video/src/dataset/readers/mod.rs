//! From what people have on disk to a [`Listing`](super::Listing): one reader for each kind of source.
//!
//! [`read`] takes any of them by its [`Format`]. A published data set is read as its folder was downloaded; what is known of
//! its labels, and what a mirror does to them, goes into the listing.

mod annotations;
mod class_folders;
mod class_names;
mod csv;
mod detect;
mod diving48;
mod folder;
mod format;
mod frame_list;
mod jester;
mod list;
mod list_files;
mod options;
mod pictures;
mod something;
mod something_order;
mod source;
mod splits;
mod text;

pub use self::csv::{CsvColumns, csv};
pub use class_folders::{VIDEO_ENDINGS, class_folders};
pub use class_names::class_names;
pub use format::{Format, UnknownFormat};
pub use list::Separator;
pub use options::ReadOptions;
pub use something_order::SomethingOrder;
pub use source::read;
