//! Changes of light, contrast, colour and sharpness of one frame as Pillow's `ImageEnhance` and `ImageOps` make them.

use crate::Frame;

/// Levels of a channel.
const LEVELS: usize = 256;
/// Weights of red, green and blue in a grey value, of 2^16 (ITU-R 601-2).
const LUMA: [u32; 3] = [19_595, 38_470, 7471];

/// From black (0) through the frame (1) and beyond.
pub(super) fn brightness(frame: Frame, factor: f32) -> Frame {
    look_up(frame, |level| blend(0, level, factor))
}

/// From the frame's mean grey (0) through the frame (1) and beyond.
pub(super) fn contrast(frame: Frame, factor: f32) -> Frame {
    let greys = frame.data().as_chunks::<3>().0.iter().map(|pixel| u64::from(grey(*pixel)));
    let mean = greys.sum::<u64>() as f64 / (frame.width() * frame.height()) as f64;
    look_up(frame, |level| blend((mean + 0.5) as u8, level, factor))
}

/// From grey (0) through the frame (1) to stronger colours.
pub(super) fn colour(mut frame: Frame, factor: f32) -> Frame {
    for pixel in frame.data_mut().as_chunks_mut::<3>().0 {
        let grey = grey(*pixel);
        *pixel = pixel.map(|level| blend(grey, level, factor));
    }
    frame
}

/// From a frame smoothed by a 3 x 3 filter (0) through the frame (1) to a sharper one; its border stays.
pub(super) fn sharpness(frame: Frame, factor: f32) -> Frame {
    let (stride, rows) = (frame.width() * 3, frame.height());
    let (before, mut frame) = (frame.data().to_vec(), frame);
    for row in 1..rows.saturating_sub(1) {
        for at in row * stride + 3..(row + 1) * stride - 3 {
            let around = |at: usize| u32::from(before[at - 3]) + u32::from(before[at]) + u32::from(before[at + 3]);
            let sum = around(at - stride) + around(at) + around(at + stride) + 4 * u32::from(before[at]);
            // Of weights 1 around 5, which are 13 together.
            let smooth = (2 * sum + 13) / 26;
            frame.data_mut()[at] = blend(smooth as u8, before[at], factor);
        }
    }
    frame
}

/// Only the highest `bits` of every level.
pub(super) fn posterize(frame: Frame, bits: u32) -> Frame {
    let mask = 255u8.checked_shl(8 - bits).unwrap_or(0);
    look_up(frame, |level| level & mask)
}

/// Levels from `threshold` on turned to their negatives.
pub(super) fn solarize(frame: Frame, threshold: f64) -> Frame {
    look_up(frame, |level| if f64::from(level) < threshold { level } else { 255 - level })
}

/// Every channel stretched to all levels.
pub(super) fn autocontrast(frame: Frame) -> Frame {
    by_channel(frame, |counts| {
        let (low, high) = (counts.iter().position(|count| *count > 0), counts.iter().rposition(|count| *count > 0));
        let (Some(low), Some(high)) = (low, high) else { return identity() };
        if high <= low {
            return identity();
        }
        let scale = 255.0 / (high - low) as f64;
        let offset = -(low as f64) * scale;
        std::array::from_fn(|level| (level as f64 * scale + offset) as u8)
    })
}

/// Every channel with its levels spread so that each is about as frequent.
pub(super) fn equalize(frame: Frame) -> Frame {
    by_channel(frame, |counts| {
        let filled: Vec<usize> = counts.iter().copied().filter(|count| *count > 0).collect();
        let step = (filled.iter().sum::<usize>() - filled.last().unwrap_or(&0)) / 255;
        if filled.len() <= 1 || step == 0 {
            return identity();
        }
        let mut below = step / 2;
        counts.map(|count| {
            let level = (below / step).min(255) as u8;
            below += count;
            level
        })
    })
}

/// `from` at 0, `to` at 1, straight on beyond; rounded down, as Pillow's `Image.blend`.
fn blend(from: u8, to: u8, factor: f32) -> u8 {
    let (from, to) = (f32::from(from), f32::from(to));
    // A float turned into u8 stops at 0 and 255.
    (from + factor * (to - from)) as u8
}

fn grey(pixel: [u8; 3]) -> u8 {
    let sum: u32 = pixel.iter().zip(LUMA).map(|(level, weight)| u32::from(*level) * weight).sum();
    ((sum + 0x8000) >> 16) as u8
}

fn look_up(mut frame: Frame, level: impl Fn(u8) -> u8) -> Frame {
    let table: [u8; LEVELS] = std::array::from_fn(|at| level(at as u8));
    frame.data_mut().iter_mut().for_each(|value| *value = table[usize::from(*value)]);
    frame
}

fn identity() -> [u8; LEVELS] {
    std::array::from_fn(|level| level as u8)
}

/// Each channel through the table that its histogram makes.
fn by_channel(mut frame: Frame, table: impl Fn([usize; LEVELS]) -> [u8; LEVELS]) -> Frame {
    let tables = [0, 1, 2].map(|channel| {
        let mut counts = [0; LEVELS];
        frame.data().iter().skip(channel).step_by(3).for_each(|level| counts[usize::from(*level)] += 1);
        table(counts)
    });
    for pixel in frame.data_mut().as_chunks_mut::<3>().0 {
        pixel.iter_mut().zip(&tables).for_each(|(level, table)| *level = table[usize::from(*level)]);
    }
    frame
}
