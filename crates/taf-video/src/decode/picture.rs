use std::ffi::CStr;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::Path;

use ffmpeg_the_third as ffmpeg;

use ffmpeg::{ffi, frame, software::scaling::Flags};

use super::orientation::Orientation;
use crate::scaler::{Look, Scaler};
use crate::{Error, Frame, Result};

/// Turns decoded pictures into RGB frames of one size, the right way up.
///
/// The same software scaler with the same settings as the `ffmpeg` program's automatic conversion (bicubic, no further
/// flags), so both give the same pixels; colour matrix and range are the ones each picture carries, BT.601 limited
/// where it carries none. Pictures whose size changes in mid-stream are scaled to the size of the first.
pub(crate) struct Converter {
    scaler: Option<Scaler>,
    orientation: Orientation,
    rgb: frame::Video,
}

impl Converter {
    /// A converter to the size of `first`.
    pub(crate) fn new(path: &Path, first: &frame::Video, orientation: Orientation) -> Result<Self> {
        let rgb = Look { format: ffi::AVPixelFormat::RGB24, ..Look::of(first) }.buffer().ok_or_else(|| {
            let found = format!("{}x{}", first.width(), first.height());
            Error::content(path, "pictures of a size that fits into memory", found)
        })?;
        Ok(Self { scaler: None, orientation, rgb })
    }

    /// Width and height of what [`convert`](Self::convert) returns.
    pub(super) fn size(&self) -> (usize, usize) {
        let (width, height) = self.stored_size();
        self.orientation.size(width, height)
    }

    fn stored_size(&self) -> (usize, usize) {
        (self.rgb.width() as usize, self.rgb.height() as usize)
    }

    /// One picture as it is shown.
    pub(crate) fn convert(&mut self, path: &Path, decoded: &frame::Video) -> Result<Frame> {
        let refused = || Error::content(path, "pictures that convert to RGB", pixel_format_name(decoded));
        if !self.scaler.as_ref().is_some_and(|scaler| scaler.takes(decoded)) {
            self.scaler = Scaler::new(Look::of(decoded), Look::of(&self.rgb), Flags::BICUBIC);
        }
        let scaler = self.scaler.as_mut().ok_or_else(refused)?;
        if !scaler.run(decoded, &mut self.rgb) {
            return Err(refused());
        }
        let (width, height) = self.stored_size();
        Ok(self.orientation.apply(width, height, self.rgb.stride(0), self.rgb.data(0)))
    }
}

/// FFmpeg's name of a picture's pixel format.
pub(super) fn pixel_format_name(decoded: &frame::Video) -> String {
    // SAFETY: FFmpeg answers with a static string or null.
    unsafe {
        let name = ffi::av_get_pix_fmt_name(Look::of(decoded).format);
        if name.is_null() { "unknown".to_owned() } else { CStr::from_ptr(name).to_string_lossy().into_owned() }
    }
}

/// Every how many rows of a picture go into its print. Codecs err in blocks of at least this many rows.
const PRINT_ROWS: usize = 8;

/// A hash of a picture's brightness (its first plane), to know it again.
pub(super) fn picture_print(decoded: &frame::Video) -> u64 {
    let mut hasher = DefaultHasher::new();
    let look = Look::of(decoded);
    // SAFETY: the picture is live; its first plane has `height` rows of at least the bytes FFmpeg's own size function
    // says.
    unsafe {
        let (data, stride) = ((*decoded.as_ptr()).data[0], (*decoded.as_ptr()).linesize[0] as isize);
        let row_bytes = ffi::av_image_get_linesize(look.format, look.width, 0).max(0) as usize;
        for row in (0..look.height as isize).step_by(PRINT_ROWS).filter(|_| !data.is_null()) {
            hasher.write(std::slice::from_raw_parts(data.offset(row * stride), row_bytes));
        }
    }
    hasher.finish()
}

/// Bytes a decoded picture takes, without padding.
pub(super) fn picture_bytes(decoded: &frame::Video) -> usize {
    let look = Look::of(decoded);
    // SAFETY: plain numbers go in and come out; a negative answer means an error.
    let bytes = unsafe { ffi::av_image_get_buffer_size(look.format, look.width, look.height, 1) };
    usize::try_from(bytes).unwrap_or(usize::MAX / 2)
}
