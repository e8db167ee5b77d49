use ffmpeg_the_third as ffmpeg;

use ffmpeg::{ffi, frame, software::scaling::Flags};

use crate::Frame;
use crate::scaler::{Look, Scaler};

/// The picture that an encoder is given of a frame; one after the other in the same memory.
pub(crate) struct CodedPicture {
    scaler: Scaler,
    rgb: frame::Video,
    coded: frame::Video,
}

impl CodedPicture {
    /// Pictures of a look; `None` where FFmpeg makes none of RGB frames.
    pub(crate) fn new(look: Look, flags: Flags) -> Option<Self> {
        let rgb_look = Look { format: ffi::AVPixelFormat::RGB24, ..look };
        let scaler = Scaler::new(rgb_look, look, flags)?;
        Some(Self { scaler, rgb: rgb_look.buffer()?, coded: look.buffer()? })
    }

    /// Width and height of the frames it takes.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.rgb.width() as usize, self.rgb.height() as usize)
    }

    /// What an encoder with fixed quantisers reads from every picture, in units of `FF_QP2LAMBDA`.
    pub(crate) fn set_quality(&mut self, quality: i32) {
        // SAFETY: the picture is live; this is a plain number, which copies of it keep.
        unsafe { (*self.coded.as_mut_ptr()).quality = quality };
    }

    /// The picture of a frame of that size, shown at `time`; `None` if FFmpeg refuses.
    pub(crate) fn of(&mut self, frame: &Frame, time: i64) -> Option<&frame::Video> {
        // SAFETY: the picture has memory; the call copies it if the encoder still looks at the last one.
        let ready = unsafe { ffi::av_frame_make_writable(self.coded.as_mut_ptr()) } >= 0;
        let stride = self.rgb.stride(0);
        let row = frame.width() * 3;
        for (to, from) in self.rgb.data_mut(0).chunks_mut(stride).zip(frame.data().chunks(row)) {
            to[..row].copy_from_slice(from);
        }
        self.coded.set_pts(Some(time));
        (ready && self.scaler.run(&self.rgb, &mut self.coded)).then_some(&self.coded)
    }
}
