use std::path::PathBuf;

use super::super::FrameNames;
use super::list::Separator;
use super::{Format, SomethingOrder};

/// How a source is read, where not as it says itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// What it is; told by the source where it is safe.
    pub format: Option<Format>,
    /// Folder that the paths of lists start from; that of the list by default.
    pub root: Option<PathBuf>,
    /// Put behind every path of a list.
    pub suffix: String,
    /// What stands between the values of a row; the format's own by default.
    pub separator: Option<Separator>,
    /// How pictures are called, where videos are folders of them; told by the first that is there.
    pub frame_names: Option<FrameNames>,
    /// The file with the names of the classes, see [`class_names`](super::class_names).
    pub classes: Option<PathBuf>,
    /// Which order of Something-Something's classes the label ids are in.
    pub label_order: Option<SomethingOrder>,
    /// Which labels these are, such as `diving48-v2`.
    pub label_set: Option<String>,
    /// Files that say the label of each video, for lists of frames that do not: the JSON files of Something-Something V2.
    pub labels: Vec<PathBuf>,
    /// The split of each list; its name up to the first `_` or `.` by default. Of a downloaded data set those to take.
    pub splits: Vec<String>,
    /// Splits whose labels stand for nothing.
    pub unlabelled: Vec<String>,
}
