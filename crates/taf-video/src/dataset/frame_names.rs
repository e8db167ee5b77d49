use std::borrow::Cow;
use std::path::Path;

use crate::{FrameFolder, Result};

/// How the pictures of a video are named, where each video is a folder of pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameNames {
    /// The name with a place for the index, as [`FrameFolder::open`](crate::FrameFolder::open) takes it; `{folder}` in it
    /// stands for the name of the folder.
    pub template: String,
    /// The index of the first picture.
    pub first_index: usize,
}

impl FrameNames {
    /// What stands for the name of the folder.
    pub(super) const FOLDER: &str = "{folder}";

    /// The template of the pictures in this folder.
    pub(super) fn template_in(&self, folder: &Path) -> Cow<'_, str> {
        if !self.template.contains(Self::FOLDER) {
            return Cow::Borrowed(&self.template);
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        Cow::Owned(self.template.replace(Self::FOLDER, &name))
    }

    /// Fails where the template cannot be read, whatever the folder is called.
    pub(super) fn check(&self) -> Result<()> {
        FrameFolder::check_template(&self.template_in(Path::new("folder")))
    }
}
