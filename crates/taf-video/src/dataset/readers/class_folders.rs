use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::classes::shortened;
use super::super::{FrameNames, Listing, ListingEntry};
use crate::{Error, Result};

/// What follows the last dot of a file that is taken for a video in a class folder.
pub const VIDEO_ENDINGS: [&str; 42] = [
    "264", "265", "3g2", "3gp", "asf", "avi", "divx", "dv", "f4v", "flv", "gif", "h264", "h265", "hevc", "ivf", "m1v",
    "m2t", "m2ts", "m2v", "m4v", "mjpeg", "mjpg", "mkv", "mov", "mp4", "mpe", "mpeg", "mpg", "mts", "mxf", "nut",
    "ogm", "ogv", "qt", "rm", "rmvb", "ts", "vob", "webm", "wmv", "xvid", "y4m",
];

/// Lists the videos of `root/class/clip.mp4`; the folders' names are the classes.
///
/// With `frame_names`, a video is a folder of pictures, `root/class/clip/00001.jpg`. Hidden entries, and files that
/// do not end in one of [`VIDEO_ENDINGS`], are passed over and listed. Links are followed. The order is that of the names, not of the disk.
///
/// # Errors
/// If a folder cannot be read, a name is not UTF-8, or a class folder holds no video.
pub fn class_folders(root: &Path, frame_names: Option<FrameNames>) -> Result<Listing> {
    let mut passed_over = Vec::new();
    let mut entries = Vec::new();
    for folder in children(root)? {
        let class = utf8_name(&folder)?;
        if class.starts_with('.') || !folder.is_dir() {
            passed_over.push(class.to_owned());
            continue;
        }
        let (videos, others): (Vec<_>, Vec<_>) =
            children(&folder)?.into_iter().partition(|path| is_video(path, frame_names.is_some()));
        if videos.is_empty() {
            return Err(no_video(&folder, frame_names.is_some(), &others));
        }
        passed_over.extend(others.iter().map(|other| format!("{class}/{}", shown_name(other))));
        for video in videos {
            entries.push(ListingEntry {
                path: format!("{class}/{}", utf8_name(&video)?),
                label: Some(class.to_owned()),
                ..Default::default()
            });
        }
    }
    if entries.is_empty() && !passed_over.is_empty() {
        let found = format!("no class folder beside {}", shortened(&passed_over));
        return Err(Error::content(
            root,
            "videos in class folders (CLASS/clip.mp4), or a CSV file that lists them",
            found,
        ));
    }
    Listing::new(root, frame_names, entries, passed_over)
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
    VIDEO_ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

fn utf8_name(path: &Path) -> Result<&str> {
    let name = path.file_name().unwrap_or_default();
    name.to_str().ok_or_else(|| Error::content(path, "a UTF-8 name", "other bytes"))
}

/// A name for messages.
fn shown_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn no_video(folder: &Path, folders_of_pictures: bool, others: &[PathBuf]) -> Error {
    let expected = match folders_of_pictures {
        true => "folders of pictures in the class folder".to_owned(),
        false => format!("video files in the class folder (.{})", VIDEO_ENDINGS.join(" .")),
    };
    let others: Vec<_> = others.iter().map(|other| shown_name(other)).collect();
    let found = if others.is_empty() { "none".to_owned() } else { format!("none beside {}", shortened(&others)) };
    Error::content(folder, expected, found)
}
