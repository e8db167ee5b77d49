//! From the pixels of clips to what a network reads, and back.

use rayon::prelude::*;

use crate::simd::vectorized;
use crate::size::product;

/// Sizes of the pictures of clips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClipPixels {
    /// Number of pictures, `clips * frames`.
    pub images: usize,
    /// Pixels of a picture, `height * width`.
    pub pixels: usize,
}

impl ClipPixels {
    /// Number of floats.
    pub fn len(&self) -> usize {
        product([self.images, self.pixels, CHANNELS])
    }

    /// Whether there is no pixel.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn check(&self, from: usize, to: usize) {
        assert_eq!((from, to), (self.len(), self.len()), "input and output floats of {self:?}");
    }
}

/// What each colour is normalised by, in the unit of the pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Colors {
    /// Mean, red first.
    pub mean: [f32; CHANNELS],
    /// Standard deviation, above 0.
    pub std: [f32; CHANNELS],
}

const CHANNELS: usize = 3;
/// Pixels per task: two streams of 96 KiB.
const TASK: usize = 8 * 1024;

/// `(x - mean) / std` of each colour, channels last.
///
/// # Shapes
/// `clips` `[images, 3, height, width]`, `images` `[images, height, width, 3]`.
///
/// # Panics
/// If a length does not fit the shape.
pub fn pixels_to_images(shape: &ClipPixels, colors: &Colors, clips: &[f32], images: &mut [f32]) {
    shape.check(clips.len(), images.len());
    if shape.is_empty() {
        return;
    }
    let Colors { mean, std } = *colors;
    let pictures = images.par_chunks_mut(shape.pixels * CHANNELS).zip(clips.par_chunks(shape.pixels * CHANNELS));
    pictures.for_each(|(image, clip)| {
        let [red, green, blue] = planes(clip, shape.pixels);
        let colors = red.par_chunks(TASK).zip(green.par_chunks(TASK)).zip(blue.par_chunks(TASK));
        image.par_chunks_mut(TASK * CHANNELS).zip(colors).for_each(|(image, ((red, green), blue))| {
            let pixels = image.as_chunks_mut().0.iter_mut().zip(red).zip(green).zip(blue);
            vectorized(|| {
                for (((pixel, red), green), blue) in pixels {
                    *pixel = [(red - mean[0]) / std[0], (green - mean[1]) / std[1], (blue - mean[2]) / std[2]];
                }
            });
        });
    });
}

fn planes(clip: &[f32], pixels: usize) -> [&[f32]; CHANNELS] {
    [&clip[..pixels], &clip[pixels..2 * pixels], &clip[2 * pixels..]]
}

/// Gradient of [`pixels_to_images`]: from the gradient of the images to that of the clips' pixels. Overwrites `dclips`.
///
/// # Panics
/// As [`pixels_to_images`].
pub fn pixels_to_images_gradient(shape: &ClipPixels, colors: &Colors, dimages: &[f32], dclips: &mut [f32]) {
    shape.check(dimages.len(), dclips.len());
    if shape.is_empty() {
        return;
    }
    let pictures = dclips.par_chunks_mut(shape.pixels * CHANNELS).zip(dimages.par_chunks(shape.pixels * CHANNELS));
    pictures.for_each(|(dclip, dimage)| {
        let (red, others) = dclip.split_at_mut(shape.pixels);
        let (green, blue) = others.split_at_mut(shape.pixels);
        let planes = red.par_chunks_mut(TASK).zip(green.par_chunks_mut(TASK)).zip(blue.par_chunks_mut(TASK));
        dimage.par_chunks(TASK * CHANNELS).zip(planes).for_each(|(dimage, ((red, green), blue))| {
            // The task's pixels stay in the cache while each colour is taken out of them.
            for (color, plane) in [red, green, blue].into_iter().enumerate() {
                vectorized(|| take_out(dimage, color, colors.std[color], plane));
            }
        });
    });
}

#[inline(always)]
fn take_out(dimage: &[f32], color: usize, std: f32, plane: &mut [f32]) {
    for (dclip, pixel) in plane.iter_mut().zip(dimage.as_chunks::<CHANNELS>().0) {
        *dclip = pixel[color] / std;
    }
}
