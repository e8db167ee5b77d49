use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::{FrameNames, Listing, ListingEntry};
use crate::{Error, Result};

/// File names that are taken for videos, by what follows the last dot.
const VIDEO_EXTENSIONS: [&str; 17] = [
    "3gp", "avi", "flv", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts", "mxf", "ogv", "ts", "vob", "webm",
    "wmv",
];

/// Lists the videos of `root/class/clip.mp4`; the folders' names are the classes.
///
/// With `frame_names`, a video is a folder of pictures, `root/class/clip/00001.jpg`. Hidden entries, and files that are
/// not videos, are passed over and counted. Links are followed. The order is that of the names, not of the disk.
///
/// # Errors
/// If a folder cannot be read, a name is not UTF-8, or a class folder holds no video.
pub fn class_folders(root: &Path, frame_names: Option<FrameNames>) -> Result<Listing> {
    let mut skipped = 0;
    let mut entries = Vec::new();
    for folder in children(root)? {
        let class = utf8_name(&folder)?;
        if class.starts_with('.') || !folder.is_dir() {
            skipped += 1;
            continue;
        }
        let (videos, others): (Vec<_>, Vec<_>) =
            children(&folder)?.into_iter().partition(|path| is_video(path, frame_names.is_some()));
        if videos.is_empty() {
            return Err(no_video(&folder, frame_names.is_some()));
        }
        skipped += others.len();
        for video in videos {
            entries.push(ListingEntry {
                path: format!("{class}/{}", utf8_name(&video)?),
                label: class.to_owned(),
                split: None,
                group: None,
            });
        }
    }
    Listing::new(root, frame_names, entries, skipped)
}

fn children(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>();
    read().map_err(|source| Error::io("read folder", folder, source))
}

fn is_video(path: &Path, folders_of_pictures: bool) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    if hidden || path.is_dir() != folders_of_pictures {
        return false;
    }
    folders_of_pictures || has_video_extension(path)
}

fn has_video_extension(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    VIDEO_EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

fn utf8_name(path: &Path) -> Result<&str> {
    let name = path.file_name().unwrap_or_default();
    name.to_str().ok_or_else(|| Error::content(path, "a UTF-8 name", "other bytes"))
}

fn no_video(folder: &Path, folders_of_pictures: bool) -> Error {
    let expected = if folders_of_pictures { "folders of pictures" } else { "video files" };
    Error::content(folder, format!("{expected} in the class folder"), "none")
}
