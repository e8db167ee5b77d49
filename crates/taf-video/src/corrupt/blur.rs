//! Smeared detail. Radii are those of ImageNet-C for 224 pixels and scale with the short side.

use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::Severity;
use super::convolve::{Border, Picture, Tap, normalised};
use super::each_frame;
use crate::transform::resize_frame;
use crate::{Clip, Frame};

/// The short side, in pixels, that the radii are meant for.
const REFERENCE_SIDE: f64 = 224.0;
const GAUSSIAN_SIGMA: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 6.0];
/// Radius of the disc, and of the blur that softens its rim.
const DEFOCUS: [(f64, f64); 5] = [(3.0, 0.1), (4.0, 0.5), (6.0, 0.5), (8.0, 0.5), (10.0, 0.5)];
/// Radius (the smear is twice that, and one pixel) and standard deviation along it.
const MOTION: [(f64, f64); 5] = [(10.0, 3.0), (15.0, 5.0), (15.0, 8.0), (15.0, 12.0), (20.0, 15.0)];
/// Step from one zoom factor to the next, and how many there are, the first being 1.
const ZOOM: [(f64, u16); 5] = [(0.01, 12), (0.01, 16), (0.02, 11), (0.02, 13), (0.03, 11)];
/// Gaussians are cut where they fall below 1/3000 of their peak.
const GAUSSIAN_REACH: f64 = 4.0;
/// Points per pixel side that decide which share of a pixel lies in the disc.
const DISC_POINTS: i32 = 8;

/// How long a length of one pixel at 224 is in a picture of that size.
pub fn scale(width: usize, height: usize) -> f64 {
    width.min(height) as f64 / REFERENCE_SIDE
}

pub fn gaussian(frame: Frame, severity: Severity, _: &mut ChaCha8Rng) -> Frame {
    let sigma = severity.of(GAUSSIAN_SIGMA) * scale(frame.width(), frame.height());
    gaussian_blur(&frame, sigma)
}

pub fn gaussian_blur(frame: &Frame, sigma: f64) -> Frame {
    let (across, down) = (gaussian_line(sigma, 1, 0), gaussian_line(sigma, 0, 1));
    Picture::new(frame).convolved(&across, Border::Nearest).convolved(&down, Border::Nearest).into_frame()
}

/// A Gaussian along the line (`dx`, `dy`).
fn gaussian_line(sigma: f64, dx: isize, dy: isize) -> Vec<Tap> {
    let reach = (GAUSSIAN_REACH * sigma).round() as isize;
    let tap = |i: isize| Tap { dx: i * dx, dy: i * dy, weight: bell(i as f64, sigma) };
    normalised((-reach..=reach).map(tap).collect())
}

fn bell(distance: f64, sigma: f64) -> f32 {
    if distance == 0.0 { 1.0 } else { (-distance * distance / (2.0 * sigma * sigma)).exp() as f32 }
}

pub fn defocus(frame: Frame, severity: Severity, _: &mut ChaCha8Rng) -> Frame {
    let (radius, rim) = severity.of(DEFOCUS);
    let scale = scale(frame.width(), frame.height());
    Picture::new(&frame).convolved(&disc(radius * scale, rim * scale), Border::Mirror).into_frame()
}

/// A disc whose rim pixels count by the share of them inside, softened by a Gaussian of 3x3 pixels.
fn disc(radius: f64, rim: f64) -> Vec<Tap> {
    let reach = radius.round() as isize + 1;
    let places = || (-reach..=reach).flat_map(move |dy| (-reach..=reach).map(move |dx| (dx, dy)));
    let softened = |dx: isize, dy: isize| -> f32 {
        let near = (-1..=1).flat_map(|j: isize| (-1..=1).map(move |i: isize| (i, j)));
        near.map(|(i, j)| bell((i as f64).hypot(j as f64), rim) * share_inside(dx + i, dy + j, radius)).sum()
    };
    let taps = places().map(|(dx, dy)| Tap { dx, dy, weight: softened(dx, dy) });
    normalised(taps.filter(|tap| tap.weight > 0.0).collect())
}

/// Which share of the pixel at (`dx`, `dy`) lies in the disc; of the middle one at least a little, however small the disc.
fn share_inside(dx: isize, dy: isize, radius: f64) -> f32 {
    let offset = |point: i32| (f64::from(point) + 0.5) / f64::from(DISC_POINTS) - 0.5;
    let points = (0..DISC_POINTS).flat_map(|j| (0..DISC_POINTS).map(move |i| (i, j)));
    let inside = points.filter(|&(i, j)| (dx as f64 + offset(i)).hypot(dy as f64 + offset(j)) <= radius).count();
    if (dx, dy) == (0, 0) { inside.max(1) as f32 } else { inside as f32 }
}

/// One direction for the clip: every frame starts from the same draw.
pub fn motion(clip: Clip, severity: Severity, rng: &mut ChaCha8Rng) -> Clip {
    let rng = &*rng;
    each_frame(clip, |_, frame| motion_each(frame, severity, &mut rng.clone()))
}

/// A direction of its own for every frame.
pub fn motion_each(frame: Frame, severity: Severity, rng: &mut ChaCha8Rng) -> Frame {
    let (radius, sigma) = severity.of(MOTION);
    let scale = scale(frame.width(), frame.height());
    let taps = smear(radius * scale, sigma * scale, rng.random_range(-45.0_f64..=45.0));
    Picture::new(&frame).convolved(&taps, Border::Nearest).into_frame()
}

/// Half a Gaussian along a line, from the pixel on, at whole pixels: a shutter that opens at once and closes softly.
pub fn smear(radius: f64, sigma: f64, degrees: f64) -> Vec<Tap> {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let place = |distance: f64| (distance - 0.5).ceil() as isize;
    let length = 2 * radius.round() as u32 + 1;
    let taps =
        (0..length).map(f64::from).map(|i| Tap { dx: place(i * cos), dy: place(i * sin), weight: bell(i, sigma) });
    normalised(taps.collect())
}

pub fn zoom(frame: Frame, severity: Severity, _: &mut ChaCha8Rng) -> Frame {
    let (step, count) = severity.of(ZOOM);
    zoom_mean(&frame, step, count)
}

/// The mean of the frame and `count` enlargements of its middle by 1, 1 + `step`, 1 + 2 `step` and so on.
fn zoom_mean(frame: &Frame, step: f64, count: u16) -> Frame {
    let mut resizer = Resizer::new();
    let mut sums: Vec<u16> = frame.data().iter().map(|&value| u16::from(value)).collect();
    for factor in (0..count).map(|i| 1.0 + f64::from(i) * step) {
        let enlarged = enlarge(&mut resizer, frame, factor);
        sums.iter_mut().zip(enlarged.data()).for_each(|(sum, &value)| *sum += u16::from(value));
    }
    let number = count + 1;
    let data = sums.into_iter().map(|sum| ((sum + number / 2) / number) as u8).collect();
    Frame::new(frame.width(), frame.height(), data)
}

fn enlarge(resizer: &mut Resizer, frame: &Frame, factor: f64) -> Frame {
    let (width, height) = (frame.width() as f64, frame.height() as f64);
    let (shown_width, shown_height) = (width / factor, height / factor);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear)).crop(
        (width - shown_width) / 2.0,
        (height - shown_height) / 2.0,
        shown_width,
        shown_height,
    );
    resize_frame(resizer, frame, &options, frame.width(), frame.height())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corrupt::reference::{expect, picture};
    use crate::corrupt::tests::textured_frame;

    /// A white point in the middle of black.
    fn point(side: usize) -> Frame {
        let mut frame = Frame::filled(side, side, [0; 3]);
        let middle = (side / 2 * side + side / 2) * 3;
        frame.data_mut()[middle..middle + 3].fill(255);
        frame
    }

    /// Standard deviation of a kernel across and down, in pixels.
    fn spread(taps: &[Tap]) -> (f32, f32) {
        let moment = |along: fn(&Tap) -> isize| -> f32 {
            let mean: f32 = taps.iter().map(|tap| tap.weight * along(tap) as f32).sum();
            taps.iter().map(|tap| tap.weight * (along(tap) as f32 - mean).powi(2)).sum::<f32>().sqrt()
        };
        (moment(|tap| tap.dx), moment(|tap| tap.dy))
    }

    #[test]
    fn no_radius_means_no_change() {
        let frame = textured_frame(40, 30);
        let convolved = |taps: &[Tap]| Picture::new(&frame).convolved(taps, Border::Mirror).into_frame();
        assert_eq!(gaussian_blur(&frame, 0.0), frame);
        assert_eq!(convolved(&disc(0.0, 0.0)), frame);
        assert_eq!(convolved(&smear(0.0, 0.0, 30.0)), frame);
        assert_eq!(zoom_mean(&frame, 0.0, 3), frame);
    }

    #[test]
    fn kernels_are_as_wide_as_their_definition_says() {
        let (across, down) = spread(&gaussian_line(3.0, 1, 0));
        assert!((across - 3.0).abs() < 0.01 && down == 0.0);
        for radius in [1.5, 3.0, 10.0_f32] {
            // A disc spreads by half its radius in every direction.
            let (across, down) = spread(&disc(f64::from(radius), 0.1));
            assert!((across / (radius / 2.0) - 1.0).abs() < 0.07 && (across - down).abs() < 1e-4, "{radius}: {across}");
        }
    }

    #[test]
    fn a_smear_follows_its_direction() {
        let level = smear(10.0, 8.0, 0.0);
        assert_eq!(level.len(), 21);
        assert!(level.iter().enumerate().all(|(i, tap)| (tap.dx, tap.dy) == (i as isize, 0)));
        assert!(smear(10.0, 8.0, 45.0).iter().all(|tap| tap.dx == tap.dy));
        assert!(smear(10.0, 8.0, -45.0).iter().all(|tap| (tap.dx + tap.dy).abs() <= 1));
    }

    #[test]
    fn blurs_are_those_of_imagemagick_scipy_and_opencv() {
        for (severity, degrees) in [(1, 30.0), (5, -40.0)] {
            let (radius, sigma) = MOTION[severity - 1];
            let smeared = Picture::new(&picture()).convolved(&smear(radius, sigma, degrees), Border::Nearest);
            expect(&format!("motion_blur_{severity}"), &smeared.into_frame());
        }
        expect("gaussian_blur", &gaussian_blur(&picture(), 2.0));
        for severity in [1, 5] {
            let (radius, rim) = DEFOCUS[severity - 1];
            let defocused = Picture::new(&picture()).convolved(&disc(radius, rim), Border::Mirror);
            expect(&format!("defocus_blur_{severity}"), &defocused.into_frame());
            let (step, count) = ZOOM[severity - 1];
            expect(&format!("zoom_blur_{severity}"), &zoom_mean(&picture(), step, count));
        }
    }

    #[test]
    fn radii_scale_with_the_picture() {
        let width = |side: usize| {
            let blurred = gaussian(point(side), Severity::ALL[4], &mut crate::Seed::new(0).rng());
            (0..side).filter(|&x| blurred.pixel(x, side / 2)[0] > 0).count()
        };
        assert!(width(56) < width(112), "{} and {}", width(56), width(112));
    }

    #[test]
    fn a_zoom_keeps_the_middle_and_smears_the_rim() {
        let frame = textured_frame(64, 48);
        let zoomed = zoom_mean(&frame, 0.02, 11);
        let distance = |x: usize, y: usize| {
            let (a, b) = (frame.pixel(x, y), zoomed.pixel(x, y));
            (0..3).map(|c| a[c].abs_diff(b[c]) as u32).sum::<u32>()
        };
        let around = |cx: usize, cy: usize| -> u32 {
            (cx - 2..cx + 2).flat_map(|x| (cy - 2..cy + 2).map(move |y| (x, y))).map(|(x, y)| distance(x, y)).sum()
        };
        assert!(around(32, 24) < around(3, 3), "{} {}", around(32, 24), around(3, 3));
    }
}
