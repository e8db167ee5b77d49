use taf_video::transform::EvalTransform;
use taf_video::{Clip, Result, Sampling, Seed, TemporalViews, VideoSource};

use super::Version;

/// How a network is shown a video: which frames, resized to what, cut where. The answer to a video is the mean over its
/// views. This is the only place where a view is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Views {
    /// How frames are chosen.
    pub sampling: Sampling,
    /// Clips along time.
    pub temporal: TemporalViews,
    /// Resize, and the squares that are cut out.
    pub transform: EvalTransform,
}

impl Views {
    /// All views of one version of a video: first along time, then in space. `seed` decides how it is spoiled.
    ///
    /// # Errors
    /// If the video cannot be read.
    pub fn of(&self, video: &mut dyn VideoSource, version: Version, seed: Seed) -> Result<Vec<Clip>> {
        match version.streamed(video, seed) {
            Some(mut streamed) => self.cut(&mut streamed, version, seed),
            None => self.cut(video, version, seed),
        }
    }

    /// Streams are damaged before frames are chosen and cut, and pixels after.
    fn cut(&self, video: &mut dyn VideoSource, version: Version, seed: Seed) -> Result<Vec<Clip>> {
        let num_frames = video.num_frames()?;
        let mut clips = Vec::with_capacity(self.count());
        for indices in self.sampling.views(num_frames, self.temporal) {
            let indices = version.indices(indices, num_frames, seed);
            // Pixels are spoiled as the network would see them: after the resize and crop, as ImageNet-C does.
            let cut = self.transform.views(video.read(&indices)?);
            clips.extend(cut.into_iter().map(|clip| version.pixels(clip, seed)));
        }
        Ok(clips)
    }

    /// The first view of a video as it is, and the places of its frames in the video, from 0.
    ///
    /// # Errors
    /// If the video cannot be read.
    pub fn first(&self, video: &mut dyn VideoSource) -> Result<(Clip, Vec<usize>)> {
        let frames = self.sampling.views(video.num_frames()?, self.temporal).swap_remove(0);
        let clip = self.transform.views(video.read(&frames)?).swap_remove(0);
        Ok((clip, frames))
    }

    /// Views per video.
    pub fn count(&self) -> usize {
        self.temporal.count() * self.transform.num_views()
    }
}
