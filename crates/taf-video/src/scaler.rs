use std::ptr;

use ffmpeg_the_third as ffmpeg;

use ffmpeg::{ffi, frame, software::scaling::Flags};

/// Everything about a picture that FFmpeg's software scaler has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) width: i32,
    pub(crate) height: i32,
    pub(crate) format: ffi::AVPixelFormat,
    pub(crate) matrix: ffi::AVColorSpace,
    pub(crate) range: ffi::AVColorRange,
}

impl Look {
    pub(crate) fn of(picture: &frame::Video) -> Self {
        // SAFETY: the picture exists; the binding's enumerations are plain numbers, so values of a newer library fit.
        let raw = unsafe { &*picture.as_ptr() };
        let format = ffi::AVPixelFormat(raw.format as _);
        Self { width: raw.width, height: raw.height, format, matrix: raw.colorspace, range: raw.color_range }
    }

    /// Memory for such a picture, rows padded because the scaler's fast paths write past the last pixel; `None` where
    /// FFmpeg refuses the size.
    pub(crate) fn buffer(self) -> Option<frame::Video> {
        let mut picture = frame::Video::empty();
        // SAFETY: the picture is fresh; a refused allocation is reported by the code.
        let code = unsafe {
            let raw = &mut *picture.as_mut_ptr();
            (raw.format, raw.width, raw.height) = (self.format.0, self.width, self.height);
            (raw.colorspace, raw.color_range) = (self.matrix, self.range);
            ffi::av_frame_get_buffer(raw, 0)
        };
        (code >= 0).then_some(picture)
    }
}

/// Converts pictures of one [`Look`] into pictures of another: size, pixel format, colour matrix and range.
pub(crate) struct Scaler {
    context: ptr::NonNull<ffi::SwsContext>,
    from: Look,
}

// SAFETY: the context is owned by this value alone and bound to no thread.
unsafe impl Send for Scaler {}

impl Drop for Scaler {
    fn drop(&mut self) {
        // SAFETY: owned, freed once.
        unsafe { ffi::sws_freeContext(self.context.as_ptr()) }
    }
}

impl Scaler {
    /// A scaler, or `None` where FFmpeg has none between the two formats. The matrix is that of the YUV side.
    pub(crate) fn new(from: Look, to: Look, flags: Flags) -> Option<Self> {
        let none = ptr::null_mut();
        // SAFETY: plain numbers go in, an owned pointer or null comes out.
        let context = unsafe {
            ffi::sws_getContext(
                from.width,
                from.height,
                from.format,
                to.width,
                to.height,
                to.format,
                flags.bits(),
                none,
                none,
                ptr::null(),
            )
        };
        let scaler = Self { context: ptr::NonNull::new(context)?, from };
        scaler.set_colours(if is_rgb(from.format) { to.matrix } else { from.matrix });
        Some(scaler)
    }

    /// Whether it takes such pictures.
    pub(crate) fn takes(&self, picture: &frame::Video) -> bool {
        self.from == Look::of(picture)
    }

    /// Sets matrix and range of the YUV side. What has none (RGB to RGB) refuses, and needs no setting.
    fn set_colours(&self, matrix: ffi::AVColorSpace) {
        let (mut table_in, mut table_out) = (ptr::null_mut(), ptr::null_mut());
        let (mut full_in, mut full_out, mut brightness, mut contrast, mut saturation) = (0, 0, 0, 0, 0);
        let context = self.context.as_ptr();
        // SAFETY: the context is live, the tables are static, and the answers go to locals.
        unsafe {
            ffi::sws_getColorspaceDetails(
                context,
                &mut table_in,
                &mut full_in,
                &mut table_out,
                &mut full_out,
                &mut brightness,
                &mut contrast,
                &mut saturation,
            );
            if self.from.range != ffi::AVColorRange::UNSPECIFIED {
                full_in = i32::from(self.from.range == ffi::AVColorRange::JPEG);
            }
            let table = ffi::sws_getCoefficients(coefficients_of(matrix));
            ffi::sws_setColorspaceDetails(context, table, full_in, table, full_out, brightness, contrast, saturation);
        }
    }

    /// Converts `from` into `to`; false if FFmpeg refuses.
    ///
    /// # Panics
    /// If `from` is not a picture this scaler takes.
    pub(crate) fn run(&mut self, from: &frame::Video, to: &mut frame::Video) -> bool {
        assert!(self.takes(from), "a scaler gets the pictures it was made for");
        // SAFETY: sizes and formats are those of the context; both pictures have memory.
        let rows = unsafe {
            let (from, to) = (from.as_ptr(), to.as_mut_ptr());
            let (data, strides) = ((*from).data.as_ptr().cast(), (*from).linesize.as_ptr());
            let context = self.context.as_ptr();
            ffi::sws_scale(context, data, strides, 0, (*from).height, (*to).data.as_ptr(), (*to).linesize.as_ptr())
        };
        rows > 0
    }
}

/// Which of the scaler's tables belongs to a matrix. Its own look-up takes "RGB", number 0, for BT.709; a picture that is
/// YUV all the same, or goes through YUV on its way, is converted as the `ffmpeg` program does: by BT.601, as where
/// nothing is said.
fn coefficients_of(matrix: ffi::AVColorSpace) -> i32 {
    if matrix == ffi::AVColorSpace::RGB { ffi::SWS_CS_DEFAULT } else { matrix.0 as i32 }
}

fn is_rgb(format: ffi::AVPixelFormat) -> bool {
    // SAFETY: FFmpeg answers with a static description or null.
    let about = unsafe { ffi::av_pix_fmt_desc_get(format).as_ref() };
    about.is_some_and(|about| about.flags & u64::from(ffi::AV_PIX_FMT_FLAG_RGB as u32) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a picture of one colour becomes in RGB when its planes say `matrix`.
    fn converted(format: ffi::AVPixelFormat, matrix: ffi::AVColorSpace, planes: [u16; 3]) -> [u8; 3] {
        let look = Look { width: 16, height: 16, format, matrix, range: ffi::AVColorRange::UNSPECIFIED };
        let mut from = look.buffer().unwrap();
        for (plane, value) in planes.into_iter().enumerate() {
            let deep = format != ffi::AVPixelFormat::YUV420P;
            let low = value.to_le_bytes();
            from.data_mut(plane)
                .chunks_exact_mut(2)
                .for_each(|bytes| bytes.copy_from_slice(&if deep { low } else { [low[0]; 2] }));
        }
        let rgb = Look { format: ffi::AVPixelFormat::RGB24, ..look };
        let mut to = rgb.buffer().unwrap();
        assert!(Scaler::new(look, rgb, Flags::BICUBIC).unwrap().run(&from, &mut to));
        to.data(0)[..3].try_into().unwrap()
    }

    #[test]
    fn colours_whose_matrix_is_called_rgb_are_converted_as_if_nothing_was_said() {
        let planes = [120, 90, 200];
        let by = |matrix| converted(ffi::AVPixelFormat::YUV420P, matrix, planes);
        assert_eq!(by(ffi::AVColorSpace::RGB), by(ffi::AVColorSpace::UNSPECIFIED));
        assert_ne!(by(ffi::AVColorSpace::RGB), by(ffi::AVColorSpace::BT709));
    }

    #[test]
    fn deep_rgb_is_converted_the_same_way_whether_its_matrix_is_said_or_not() {
        for value in (0..1024).step_by(33) {
            let planes = [value, 1023 - value, value / 2];
            let by = |matrix| converted(ffi::AVPixelFormat::GBRP10LE, matrix, planes);
            assert_eq!(by(ffi::AVColorSpace::RGB), by(ffi::AVColorSpace::UNSPECIFIED), "{planes:?}");
        }
    }
}
