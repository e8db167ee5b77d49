use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use taf_files::{Output, check_outputs};
use taf_video::dataset::unfinished_videos;

use crate::output::say;

/// The file beside a manifest that keeps the work of a command that goes through all videos, until it is done.
pub struct Unfinished(PathBuf);

impl Unfinished {
    /// For `work` such as "preparing". Says so where an interrupted run left some.
    pub fn beside(manifest: &Path, work: &str) -> Self {
        let mut name = OsString::from(manifest);
        name.push(format!(".{work}"));
        let path = PathBuf::from(name);
        let videos = unfinished_videos(&path);
        if videos > 0 {
            say(format_args!("going on from {videos} videos that an interrupted run looked at: {}", path.display()));
        }
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Whether it can be written: a data set on read-only storage is checked all the same.
    pub fn can_be_kept(&self) -> bool {
        check_outputs(&[Output::file("work that is not finished", &self.0, &[])], &[]).is_ok()
    }

    /// After the work is done.
    pub fn remove(self) -> Result<()> {
        fs::remove_file(&self.0).with_context(|| format!("cannot remove {}", self.0.display()))
    }
}
