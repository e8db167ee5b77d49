//! Cropping, resizing and mirroring whole clips.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::{Clip, Frame};

/// A rectangle of pixels inside a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// First column.
    pub x: usize,
    /// First row.
    pub y: usize,
    /// Number of columns, at least 1.
    pub width: usize,
    /// Number of rows, at least 1.
    pub height: usize,
}

impl Area {
    /// All of a clip's frame.
    pub fn whole(clip: &Clip) -> Self {
        Self { x: 0, y: 0, width: clip.width(), height: clip.height() }
    }

    /// The `width` x `height` rectangle in the middle, clamped to the frame. An odd remainder is rounded to the even offset,
    /// as the Python libraries do.
    pub fn centred(clip: &Clip, width: usize, height: usize) -> Self {
        let (width, height) = (width.min(clip.width()), height.min(clip.height()));
        Self { x: half(clip.width() - width), y: half(clip.height() - height), width, height }
    }

    fn assert_inside(self, clip: &Clip) {
        let inside = self.x + self.width <= clip.width() && self.y + self.height <= clip.height();
        let filled = self.width > 0 && self.height > 0;
        assert!(inside && filled, "{self:?} of a {}x{} clip", clip.width(), clip.height());
    }
}

fn half(remainder: usize) -> usize {
    (remainder as f64 / 2.0).round_ties_even() as usize
}

/// Cuts an area out of every frame.
///
/// # Panics
/// If the area is empty or reaches outside the frame.
pub fn crop(clip: Clip, area: Area) -> Clip {
    area.assert_inside(&clip);
    if area == Area::whole(&clip) {
        return clip;
    }
    clip.map(|frame| crop_frame(&frame, area))
}

fn crop_frame(frame: &Frame, area: Area) -> Frame {
    let mut data = Vec::with_capacity(area.width * area.height * 3);
    for y in area.y..area.y + area.height {
        let start = (y * frame.width() + area.x) * 3;
        data.extend_from_slice(&frame.data()[start..start + area.width * 3]);
    }
    Frame::new(area.width, area.height, data)
}

/// Resizes every frame, bilinear; when shrinking, the filter widens so that nothing aliases (as Pillow does, not OpenCV).
///
/// # Panics
/// If a side is zero.
pub fn resize(clip: Clip, width: usize, height: usize) -> Clip {
    let area = Area::whole(&clip);
    crop_and_resize(clip, area, width, height)
}

/// Cuts an area out of every frame and resizes it, bilinear; pixels outside the area have no influence.
///
/// # Panics
/// If the area is empty or reaches outside the frame, or a side is zero.
pub fn crop_and_resize(clip: Clip, area: Area, width: usize, height: usize) -> Clip {
    area.assert_inside(&clip);
    if (area.width, area.height) == (width, height) {
        return crop(clip, area);
    }
    let clip = crop(clip, area);
    let algorithm = ResizeAlg::Convolution(FilterType::Bilinear);
    let mut resizer = Resizer::new();
    clip.map(|frame| resize_frame(&mut resizer, &frame, &ResizeOptions::new().resize_alg(algorithm), width, height))
}

/// One frame resized as `options` say.
pub(crate) fn resize_frame(
    resizer: &mut Resizer,
    frame: &Frame,
    options: &ResizeOptions,
    width: usize,
    height: usize,
) -> Frame {
    let side = |pixels: usize| u32::try_from(pixels).expect("a frame's side fits 32 bits");
    let source = ImageRef::new(side(frame.width()), side(frame.height()), frame.data(), PixelType::U8x3);
    let mut target = Image::new(side(width), side(height), PixelType::U8x3);
    resizer
        .resize(&source.expect("a frame holds all its bytes"), &mut target, options)
        .expect("RGB to RGB with the area inside the frame");
    Frame::new(width, height, target.into_vec())
}

/// How many times its short side a picture may be long. A longer one would be resized to many times the pixels that any
/// square of it shows: a column of 20,000 pixels to 256 x 5,120,000.
const LONGEST_SHAPE: usize = 16;

/// Resizes so that the shorter side has `short_side` pixels; the longer keeps the shape, rounded down. Of a picture that
/// is more than 16 times as long as it is wide, only so much of the middle is taken.
///
/// # Panics
/// If `short_side` is zero.
pub fn resize_short_side(clip: Clip, short_side: usize) -> Clip {
    let short = clip.width().min(clip.height());
    let area = Area::centred(&clip, short * LONGEST_SHAPE, short * LONGEST_SHAPE);
    let scaled = |side: usize| side * short_side / short;
    crop_and_resize(clip, area, scaled(area.width), scaled(area.height))
}

/// Mirrors every frame: left becomes right.
pub fn flip_horizontal(clip: Clip) -> Clip {
    clip.map(|mut frame| {
        let stride = frame.width() * 3;
        for row in frame.data_mut().chunks_exact_mut(stride) {
            row.as_chunks_mut::<3>().0.reverse();
        }
        frame
    })
}

/// Mirrors every frame: up becomes down.
pub fn flip_vertical(clip: Clip) -> Clip {
    clip.map(|frame| {
        let stride = frame.width() * 3;
        let data = frame.data().rchunks_exact(stride).flatten().copied().collect();
        Frame::new(frame.width(), frame.height(), data)
    })
}

/// Plays the clip backwards.
pub fn reverse_time(clip: Clip) -> Clip {
    let mut frames = clip.into_frames();
    frames.reverse();
    Clip::new(frames)
}

#[cfg(test)]
mod tests {
    use rand::{Rng, RngExt};

    use super::*;
    use crate::Seed;

    /// Sides the checks run over: squares, odd ones, a single pixel.
    const SIZES: [(usize, usize); 4] = [(8, 8), (13, 7), (6, 17), (1, 1)];
    /// The resizer works in fixed point; the twin in f64.
    const RESIZE_TOLERANCE: i32 = 1;

    fn random_clip(width: usize, height: usize) -> Clip {
        let mut rng = Seed::new(1).at(width).at(height).rng();
        let mut frame = || {
            let mut data = vec![0; width * height * 3];
            rng.fill_bytes(&mut data);
            Frame::new(width, height, data)
        };
        Clip::new(vec![frame(), frame(), frame()])
    }

    /// Every pixel of `clip` must be the pixel that `source` names, as (frame, x, y), of `original`.
    fn assert_pixels(clip: &Clip, original: &Clip, source: impl Fn(usize, usize, usize) -> (usize, usize, usize)) {
        for (t, frame) in clip.frames().iter().enumerate() {
            for (y, x) in (0..frame.height()).flat_map(|y| (0..frame.width()).map(move |x| (y, x))) {
                let (from, sx, sy) = source(t, x, y);
                assert_eq!(frame.pixel(x, y), original.frames()[from].pixel(sx, sy), "frame {t} at ({x}, {y})");
            }
        }
    }

    #[test]
    fn flips_and_reversal_move_each_pixel_where_it_belongs() {
        for (w, h) in SIZES {
            let clip = random_clip(w, h);
            assert_pixels(&flip_horizontal(clip.clone()), &clip, |t, x, y| (t, w - 1 - x, y));
            assert_pixels(&flip_vertical(clip.clone()), &clip, |t, x, y| (t, x, h - 1 - y));
            assert_pixels(&reverse_time(clip.clone()), &clip, |t, x, y| (2 - t, x, y));
        }
    }

    #[test]
    fn a_crop_holds_the_pixels_of_its_area() {
        let clip = random_clip(13, 9);
        let mut rng = Seed::new(2).rng();
        for _ in 0..50 {
            let (x, y) = (rng.random_range(0..13), rng.random_range(0..9));
            let area = Area { x, y, width: rng.random_range(1..=13 - x), height: rng.random_range(1..=9 - y) };
            let cut = crop(clip.clone(), area);
            assert_eq!((cut.width(), cut.height()), (area.width, area.height));
            assert_pixels(&cut, &clip, |t, cx, cy| (t, x + cx, y + cy));
        }
    }

    #[test]
    fn the_centre_is_rounded_as_published_and_never_larger_than_the_frame() {
        let clip = random_clip(341, 256);
        assert_eq!(Area::centred(&clip, 224, 224), Area { x: 58, y: 16, width: 224, height: 224 });
        assert_eq!(Area::centred(&clip, 400, 300), Area::whole(&clip));
    }

    /// The triangle filter in floating point, one output pixel at a time.
    fn naive_resize(frame: &Frame, width: usize, height: usize) -> Vec<f64> {
        let weights = |at: usize, from: usize, to: usize| -> Vec<f64> {
            let scale = from as f64 / to as f64;
            let (centre, support) = ((at as f64 + 0.5) * scale, scale.max(1.0));
            let raw: Vec<f64> =
                (0..from).map(|i| (1.0 - ((i as f64 + 0.5 - centre) / support).abs()).max(0.0)).collect();
            let sum: f64 = raw.iter().sum();
            raw.into_iter().map(|weight| weight / sum).collect()
        };
        let mut out = Vec::new();
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            let (rows, columns) = (weights(y, frame.height(), height), weights(x, frame.width(), width));
            for channel in 0..3 {
                let value = |r: usize, c: usize| rows[r] * columns[c] * f64::from(frame.pixel(c, r)[channel]);
                out.push(
                    (0..rows.len())
                        .flat_map(|r| (0..columns.len()).map(move |c| (r, c)))
                        .map(|(r, c)| value(r, c))
                        .sum(),
                );
            }
        }
        out
    }

    #[test]
    fn resizing_agrees_with_the_triangle_filter() {
        for ((w, h), (tw, th)) in [((20, 14), (9, 11)), ((9, 11), (20, 14)), ((16, 16), (4, 33))] {
            let clip = random_clip(w, h);
            let resized = resize(clip.clone(), tw, th);
            for (frame, original) in resized.frames().iter().zip(clip.frames()) {
                for (&got, expected) in frame.data().iter().zip(naive_resize(original, tw, th)) {
                    assert!(
                        (i32::from(got) - expected.round() as i32).abs() <= RESIZE_TOLERANCE,
                        "{got} for {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn resizing_an_area_ignores_what_lies_around_it() {
        let clip = random_clip(20, 14);
        let area = Area { x: 3, y: 2, width: 11, height: 9 };
        let expected = resize(crop(clip.clone(), area), 6, 6);
        assert_eq!(crop_and_resize(clip, area, 6, 6), expected);
    }

    #[test]
    fn resizing_to_the_same_size_changes_nothing() {
        let clip = random_clip(13, 7);
        assert_eq!(resize(clip.clone(), 13, 7), clip);
        assert_eq!(resize_short_side(clip.clone(), 7), clip);
    }

    #[test]
    fn the_short_side_gets_the_size_and_the_long_side_keeps_the_shape() {
        let size = |clip: Clip| (clip.width(), clip.height());
        assert_eq!(size(resize_short_side(random_clip(32, 24), 12)), (16, 12));
        assert_eq!(size(resize_short_side(random_clip(24, 32), 12)), (12, 16));
        assert_eq!(size(resize_short_side(random_clip(43, 24), 12)), (21, 12));
    }

    #[test]
    fn of_a_picture_without_a_shape_only_the_middle_is_resized() {
        let (width, height) = (2, 500);
        let rows = (0..height).flat_map(|y| [[(y / 2) as u8; 3]; 2].concat()).collect();
        let resized = resize_short_side(Clip::new(vec![Frame::new(width, height, rows)]), 20);
        assert_eq!((resized.width(), resized.height()), (20, 320));
        let middle = resized.frames()[0].pixel(10, 160)[0];
        assert!(middle.abs_diff(125) <= 2, "row 250 of 500 is in the middle, got {middle}");
        let usual = resize_short_side(random_clip(32, 2), 20);
        assert_eq!((usual.width(), usual.height()), (320, 20), "16 to 1 is kept whole");
    }
}
