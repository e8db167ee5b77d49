//! Light, colour and compression.

use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use rand_chacha::ChaCha8Rng;

use super::Severity;
use crate::Frame;
use crate::encode;
use crate::transform::resize_frame;

const BRIGHTNESS: [f32; 5] = [0.1, 0.2, 0.3, 0.4, 0.5];
const CONTRAST: [f32; 5] = [0.4, 0.3, 0.2, 0.1, 0.05];
const CONTRAST_SSV2C: [f32; 5] = [0.5, 0.4, 0.3, 0.2, 0.1];
/// Factor on the saturation, and what is added to it.
const SATURATE: [(f32, f32); 5] = [(0.3, 0.0), (0.1, 0.0), (2.0, 0.0), (5.0, 0.1), (20.0, 0.2)];
const JPEG_QUALITY: [u8; 5] = [25, 18, 15, 10, 7];
const PIXELATE: [f64; 5] = [0.6, 0.5, 0.4, 0.3, 0.25];

pub fn brightness(frame: Frame, severity: Severity, _: &mut ChaCha8Rng) -> Frame {
    brighten(frame, severity.of(BRIGHTNESS))
}

/// Adds to the value of HSV; hue and saturation stay, so all channels grow by one factor.
fn brighten(mut frame: Frame, amount: f32) -> Frame {
    let raised = |value: f32| (value + amount * 255.0).min(255.0);
    let factors: [f32; 256] = std::array::from_fn(|value| raised(value as f32) / value.max(1) as f32);
    for pixel in frame.data_mut().as_chunks_mut::<3>().0 {
        let value = pixel[0].max(pixel[1]).max(pixel[2]);
        *pixel = match value {
            0 => [raised(0.0).round() as u8; 3],
            _ => pixel.map(|channel| (f32::from(channel) * factors[usize::from(value)] + 0.5) as u8),
        };
    }
    frame
}

pub fn contrast(frame: Frame, severity: Severity, _: &mut ChaCha8Rng) -> Frame {
    flatten(frame, severity.of(CONTRAST))
}

pub fn contrast_ssv2c(frame: Frame, severity: Severity, _: &mut ChaCha8Rng) -> Frame {
    flatten(frame, severity.of(CONTRAST_SSV2C))
}

/// Multiplies every channel's distance to its mean over the frame.
pub fn flatten(mut frame: Frame, factor: f32) -> Frame {
    let tables = channel_means(&frame).map(|mean| -> [u8; 256] {
        std::array::from_fn(|value| ((value as f32 - mean) * factor + mean).round() as u8)
    });
    for pixel in frame.data_mut().as_chunks_mut::<3>().0 {
        *pixel = std::array::from_fn(|channel| tables[channel][usize::from(pixel[channel])]);
    }
    frame
}

fn channel_means(frame: &Frame) -> [f32; 3] {
    let pixels = frame.data().as_chunks::<3>().0;
    let sums = pixels.iter().fold([0_u64; 3], |[r, g, b], pixel| {
        [r + u64::from(pixel[0]), g + u64::from(pixel[1]), b + u64::from(pixel[2])]
    });
    sums.map(|sum| (sum as f64 / pixels.len() as f64) as f32)
}

pub fn saturate(frame: Frame, severity: Severity, _: &mut ChaCha8Rng) -> Frame {
    let (factor, offset) = severity.of(SATURATE);
    resaturate(frame, factor, offset)
}

/// Multiplies the saturation of HSV and adds to it. A grey has no hue; like the reference, it takes that of red.
fn resaturate(mut frame: Frame, factor: f32, offset: f32) -> Frame {
    for pixel in frame.data_mut().as_chunks_mut::<3>().0 {
        let [r, g, b] = pixel.map(f32::from);
        let value = r.max(g).max(b);
        let chroma = value - r.min(g).min(b);
        // Saturation is chroma / value, so this is the new saturation times the value.
        let wanted = (chroma * factor + offset * value).clamp(0.0, value);
        *pixel = if chroma > 0.0 {
            [r, g, b].map(|channel| (value - (value - channel) * wanted / chroma + 0.5) as u8)
        } else {
            [value, value - wanted, value - wanted].map(|channel| (channel + 0.5) as u8)
        };
    }
    frame
}

pub fn jpeg(frame: Frame, severity: Severity, _: &mut ChaCha8Rng) -> Frame {
    through_jpeg(&frame, severity.of(JPEG_QUALITY))
}

fn through_jpeg(frame: &Frame, quality: u8) -> Frame {
    let file = encode::jpeg(frame, quality).expect("a clip the size of a network's input fits a JPEG");
    let decoded = image::load_from_memory_with_format(&file, image::ImageFormat::Jpeg);
    let data = decoded.expect("a JPEG just written can be read").into_rgb8().into_raw();
    Frame::new(frame.width(), frame.height(), data)
}

pub fn pixelate(frame: Frame, severity: Severity, _: &mut ChaCha8Rng) -> Frame {
    coarsen(&frame, severity.of(PIXELATE))
}

/// Shrinks to a fraction by averaging boxes, and enlarges by repeating pixels.
fn coarsen(frame: &Frame, fraction: f64) -> Frame {
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Box));
    let shrunk = |side: usize| ((side as f64 * fraction) as usize).max(1);
    let mut resizer = Resizer::new();
    let small = resize_frame(&mut resizer, frame, &options, shrunk(frame.width()), shrunk(frame.height()));
    resize_frame(&mut resizer, &small, &options, frame.width(), frame.height())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corrupt::reference::{expect, expect_within, picture};
    use crate::corrupt::tests::textured_frame;

    fn pixel_of(frame: Frame) -> [u8; 3] {
        frame.pixel(0, 0)
    }

    fn distance(a: &Frame, b: &Frame) -> f64 {
        let sum: u64 = a.data().iter().zip(b.data()).map(|(&a, &b)| u64::from(a.abs_diff(b))).sum();
        sum as f64 / a.data().len() as f64
    }

    #[test]
    fn light_and_colour_are_those_of_the_independent_programs() {
        expect("contrast_ssv2c", &flatten(picture(), 0.5));
        expect("brightness", &brighten(picture(), 0.3));
        expect("saturate", &resaturate(picture(), 5.0, 0.1));
        expect("pixelate", &coarsen(&picture(), 0.4));
        for severity in [1, 5] {
            // A coefficient that is rounded the other way moves a whole block by a step, and colours are enlarged otherwise.
            let ours = through_jpeg(&picture(), JPEG_QUALITY[severity - 1]);
            expect_within(&format!("jpeg_compression_{severity}"), &ours, 128, 4.0);
        }
    }

    #[test]
    fn neutral_parameters_change_nothing() {
        let frame = textured_frame(40, 30);
        assert_eq!(brighten(frame.clone(), 0.0), frame);
        assert_eq!(flatten(frame.clone(), 1.0), frame);
        assert_eq!(resaturate(frame.clone(), 1.0, 0.0), frame);
        assert_eq!(coarsen(&frame, 1.0), frame);
    }

    #[test]
    fn brightness_raises_the_largest_channel_and_keeps_the_shade() {
        let brighter = |rgb| pixel_of(brighten(Frame::filled(2, 2, rgb), 0.2));
        assert_eq!(brighter([100, 50, 0]), [151, 76, 0]);
        assert_eq!(brighter([0, 0, 0]), [51; 3]);
        assert_eq!(brighter([240, 120, 60]), [255, 128, 64]);
    }

    #[test]
    fn contrast_draws_each_channel_towards_its_mean() {
        let frame = Frame::new(2, 1, vec![100, 0, 30, 200, 0, 50]);
        assert_eq!(flatten(frame, 0.4).data(), [130, 0, 36, 170, 0, 44]);
    }

    #[test]
    fn saturation_is_changed_as_in_hsv() {
        let after = |rgb, factor, offset| pixel_of(resaturate(Frame::filled(2, 2, rgb), factor, offset));
        assert_eq!(after([200, 100, 150], 0.0, 0.0), [200; 3]);
        assert_eq!(after([200, 100, 150], 1.5, 0.0), [200, 50, 125]);
        assert_eq!(after([200, 100, 150], 20.0, 0.2), [200, 0, 100]);
        assert_eq!(after([100, 100, 100], 5.0, 0.1), [100, 90, 90]);
        assert_eq!(after([0, 0, 0], 20.0, 0.2), [0; 3]);
    }

    #[test]
    fn jpeg_of_high_quality_is_near_and_of_low_quality_far() {
        let frame = textured_frame(61, 47);
        let far = |quality| distance(&frame, &through_jpeg(&frame, quality));
        assert!(far(100) < far(25) && far(25) < far(7), "{} {} {}", far(100), far(25), far(7));
        let flat = Frame::filled(33, 17, [90, 120, 150]);
        assert!(distance(&flat, &through_jpeg(&flat, 90)) < 3.0);
    }

    #[test]
    fn pixelate_shows_the_means_of_squares() {
        let values: Vec<u8> = (0..64).map(|i| ((i * 37) % 256) as u8).collect();
        let frame = Frame::new(8, 8, values.iter().flat_map(|&value| [value; 3]).collect());
        let coarse = coarsen(&frame, 0.5);
        for (y, x) in (0..8).flat_map(|y| (0..8).map(move |x| (y, x))) {
            let (left, top) = (x / 2 * 2, y / 2 * 2);
            let at = |dx: usize, dy: usize| f64::from(values[(top + dy) * 8 + left + dx]);
            let mean = (at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1)) / 4.0;
            assert!((f64::from(coarse.pixel(x, y)[0]) - mean).abs() <= 1.0, "at ({x}, {y})");
        }
    }
}
