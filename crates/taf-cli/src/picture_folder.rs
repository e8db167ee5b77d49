//! Videos that are folders of pictures.

use clap::Args;
use taf_video::dataset::FrameNames;

/// How pictures are named where a video is a folder of them.
#[derive(Debug, Args)]
pub struct FrameArgs {
    /// Videos are folders of pictures named so, such as '{:05}.jpg' for 00001.jpg, 00002.jpg, ...; {folder} stands for the
    /// name of the folder
    #[arg(long, value_name = "NAME")]
    pub frames_template: Option<String>,
    /// Number of the first picture
    #[arg(long, value_name = "N", default_value_t = 1, requires = "frames_template")]
    pub first_index: usize,
}

impl FrameArgs {
    /// How the pictures are named; none where videos are files.
    pub fn names(&self) -> Option<FrameNames> {
        let template = self.frames_template.clone()?;
        Some(FrameNames { template, first_index: self.first_index })
    }
}
