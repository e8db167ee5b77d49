use image::imageops::{FilterType, resize};
use image::{Rgb, RgbImage};

use super::canvas::png;
use super::{Error, Result};

/// Frames that are shown of a longer clip.
const MOST_FRAMES: usize = 8;
/// Width of a frame in the picture.
const WIDTH: u32 = 80;
const GAP: u32 = 2;

/// Frames of a clip side by side, as the bytes of a PNG file; of many some that are spread over the clip.
///
/// # Errors
/// If there is no frame, or frames differ in size.
pub fn film(frames: &[RgbImage]) -> Result<Vec<u8>> {
    let Some(first) = frames.first() else { return Err(Error::content("at least one frame", "none")) };
    if let Some(other) = frames.iter().find(|frame| frame.dimensions() != first.dimensions()) {
        let sizes = [first, other].map(|frame| format!("{}x{}", frame.width(), frame.height()));
        return Err(Error::content(format!("frames of {}", sizes[0]), &sizes[1]));
    }
    let count = frames.len().min(MOST_FRAMES);
    let height = (f64::from(WIDTH) * f64::from(first.height()) / f64::from(first.width())).round().max(1.0) as u32;
    let width = count as u32 * (WIDTH + GAP) - GAP;
    let mut picture = RgbImage::from_pixel(width, height, Rgb([255; 3]));
    for place in 0..count {
        let frame = resize(&frames[place * frames.len() / count], WIDTH, height, FilterType::Triangle);
        image::imageops::replace(&mut picture, &frame, i64::from(place as u32 * (WIDTH + GAP)), 0);
    }
    png(&picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_stand_side_by_side_and_long_clips_are_thinned() {
        let grey = |level: u8| RgbImage::from_pixel(40, 20, Rgb([level; 3]));
        let sixteen: Vec<RgbImage> = (0..16).map(grey).collect();
        let picture = image::load_from_memory(&film(&sixteen).unwrap()).unwrap().to_rgb8();
        assert_eq!(picture.dimensions(), (8 * 82 - 2, 40));
        let shown: Vec<u8> = (0..8).map(|place| picture.get_pixel(place * 82 + 40, 20).0[0]).collect();
        assert_eq!(shown, [0, 2, 4, 6, 8, 10, 12, 14]);
        assert!(film(&[]).is_err() && film(&[grey(0), RgbImage::new(1, 1)]).unwrap_err().to_string().contains("1x1"));
    }
}
