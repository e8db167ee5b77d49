//! From files to frames: [`VideoSource`] and what implements it.

mod container;
mod ending;
mod failure;
mod ffmpeg;
mod folder;
mod forward;
mod index;
mod jpeg;
mod library;
mod libvpx;
mod memory;
mod orientation;
mod packets;
mod picture;
mod reference;
mod stream;
mod timed;

pub(crate) use failure::{is_again, lower_case, os_error, quieten};
pub use ffmpeg::{DecodeOptions, FfmpegVideo, open_video};
pub use folder::FrameFolder;
pub(crate) use folder::{frame_files, picture_of};
pub use forward::ForwardVideo;
pub use library::codec_library;
pub use memory::keep_freed_memory;
pub(crate) use orientation::Orientation;
pub(crate) use packets::count_packets;
pub(crate) use picture::Converter;
pub use timed::{PacedVideo, TimedFrames};

use std::path::Path;

use crate::{Clip, Error, Result};

/// Frames that can be fetched by number, from 0 in the order a viewer sees them. Of what is read from a disk:
///
/// - [`FfmpegVideo`], opened by [`open_video`]: one video file (mp4, mov, mkv, webm, avi, ...). Use it for
///   Something-Something V2, Diving48 and one's own clips.
/// - [`FrameFolder`]: a folder with one JPEG or PNG picture per frame. Use it for Something-Something V1 and for videos
///   that were extracted before; name template and first index are stated, never guessed.
///
/// Neither reads anything but local files, and both give RGB frames of one size. [`VideoWriter`](crate::VideoWriter) is
/// the way back.
///
/// A source belongs to one worker at a time: it is `Send` and its methods take `&mut self`.
pub trait VideoSource: Send {
    /// How many frames [`read`](Self::read) can deliver. Counted, not taken from a header; the first call may decode
    /// the whole file, later calls are free.
    fn num_frames(&mut self) -> Result<usize>;

    /// Fetches frames by presentation index, from 0. Any order and repeats are fine; only the distinct frames asked for
    /// are held.
    ///
    /// # Errors
    /// An index past the end is a [`Error::Content`] with file, number of frames and index; no index at all is a
    /// [`Error::Setting`]; a frame that should be there and does not decode is a [`Error::Content`].
    fn read(&mut self, indices: &[usize]) -> Result<Clip>;

    /// Whether some of the video did not decode cleanly, so that [`read`](Self::read) gives what is left. Counts the
    /// frames if that was not done. Damage that the decoder does not notice is not known here either.
    ///
    /// # Errors
    /// As [`num_frames`](Self::num_frames).
    fn is_damaged(&mut self) -> Result<bool> {
        Ok(false)
    }

    /// Size and kind of the frames.
    fn info(&self) -> &VideoInfo;

    /// The file or folder, for messages.
    fn path(&self) -> &Path;
}

/// Size and kind of the frames of one source.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoInfo {
    /// Width in pixels, after rotation.
    pub width: usize,
    /// Height in pixels, after rotation.
    pub height: usize,
    /// Frames per second as the container states or FFmpeg estimates; `None` where nothing says (a folder of frames).
    pub fps: Option<f64>,
    /// FFmpeg's name of the codec (`h264`, `hevc`, `vp9`, ...), or `jpeg`/`png` for a folder.
    pub codec: String,
    /// FFmpeg's name of the stored pixel format (`yuv420p`, `yuv420p10le`, ...); `rgb24` for a folder.
    pub pixel_format: String,
}

/// Frames per second where neither a container nor timestamps nor a person says.
pub const USUAL_FPS: f64 = 25.0;

/// What all sources check before they read anything.
pub(crate) fn check_indices(path: &Path, indices: &[usize], frames: usize) -> Result<()> {
    if indices.is_empty() {
        return Err(Error::setting("indices", "at least one frame index", "none"));
    }
    match indices.iter().find(|&&index| index >= frames) {
        Some(index) => Err(Error::content(
            path,
            format!("frame indices below {frames}, the number of frames"),
            format!("index {index}"),
        )),
        None => Ok(()),
    }
}

/// Reads a source whose frames are fetched one by one, each once.
pub(crate) fn read_singly(
    path: &Path,
    indices: &[usize],
    frames: usize,
    fetch: impl FnMut(usize) -> Result<crate::Frame>,
) -> Result<Clip> {
    check_indices(path, indices, frames)?;
    let wanted = ascending(indices);
    let fetched = wanted.iter().copied().map(fetch).collect::<Result<_>>()?;
    Ok(in_asked_order(indices, &wanted, fetched))
}

/// The distinct indices, ascending: the order in which a video is cheapest to read.
pub(crate) fn ascending(indices: &[usize]) -> Vec<usize> {
    let mut wanted = indices.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

/// Puts frames read in [`ascending`] order back into the order asked for.
pub(crate) fn in_asked_order(indices: &[usize], wanted: &[usize], frames: Vec<crate::Frame>) -> Clip {
    let mut last_use = vec![0; wanted.len()];
    let slots: Vec<usize> =
        indices.iter().map(|index| wanted.binary_search(index).expect("every index was read")).collect();
    slots.iter().enumerate().for_each(|(at, &slot)| last_use[slot] = at);
    let mut frames: Vec<Option<crate::Frame>> = frames.into_iter().map(Some).collect();
    let asked = slots.iter().enumerate().map(|(at, &slot)| {
        let frame = if last_use[slot] == at { frames[slot].take() } else { frames[slot].clone() };
        frame.expect("a frame is given away at its last use")
    });
    Clip::new(asked.collect())
}
