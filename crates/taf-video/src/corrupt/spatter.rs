//! Drops of water or mud on the lens, as in ImageNet-C; they stay for the clip.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};

use super::blur::scale;
use super::convolve::Border;
use super::edges::{canny, distances};
use super::smooth::smoothed;
use super::{Severity, each_frame};
use crate::{Clip, Frame};

/// How one severity spatters.
#[derive(Clone, Copy)]
struct Spatter {
    /// Mean and standard deviation of the noise that drops are cut from.
    noise: (f64, f64),
    /// Standard deviation that smooths it.
    sigma: f64,
    /// Below this there is no drop.
    threshold: f64,
    liquid: Liquid,
}

#[derive(Clone, Copy)]
enum Liquid {
    /// Bright at the rims; how bright at most.
    Water(f32),
    /// Opaque; the standard deviation that rounds its drops.
    Mud(f64),
}

const SPATTER: [Spatter; 5] = [
    Spatter { noise: (0.65, 0.3), sigma: 4.0, threshold: 0.69, liquid: Liquid::Water(0.6) },
    Spatter { noise: (0.65, 0.3), sigma: 3.0, threshold: 0.68, liquid: Liquid::Water(0.6) },
    Spatter { noise: (0.65, 0.3), sigma: 2.0, threshold: 0.68, liquid: Liquid::Water(0.5) },
    Spatter { noise: (0.65, 0.3), sigma: 1.0, threshold: 0.65, liquid: Liquid::Mud(1.5) },
    Spatter { noise: (0.67, 0.4), sigma: 1.0, threshold: 0.65, liquid: Liquid::Mud(1.5) },
];
const WATER_COLOUR: [f32; 3] = [175.0, 238.0, 238.0];
const MUD_COLOUR: [f32; 3] = [63.0, 42.0, 20.0];
/// Mud covers where it is thicker than this.
const THIN_MUD: f64 = 0.8;
/// Canny's thresholds.
const EDGES: (i32, i32) = (50, 150);
/// The farthest way from a rim that is told apart, in pixels.
const FARTHEST: f32 = 20.0;
/// Gaussians are cut after so many standard deviations.
const REACH: f64 = 4.0;
/// Lights the drops from one corner.
const RELIEF: [[i32; 3]; 3] = [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]];

pub fn spatter(clip: Clip, severity: Severity, rng: &mut ChaCha8Rng) -> Clip {
    let (width, height) = (clip.width(), clip.height());
    let scale = scale(width, height);
    let Spatter { noise: (mean, deviation), sigma, threshold, liquid } = severity.of(SPATTER);
    // Smoothed over fewer pixels it keeps more of its deviation: the drops cover as much at any size.
    let noise = Normal::new(mean, deviation * scale).expect("a deviation is positive");
    let field: Vec<f64> = (0..width * height).map(|_| noise.sample(rng)).collect();
    let drops = drops(&field, width, sigma * scale, threshold);
    match liquid {
        Liquid::Water(brightness) => {
            let water = water(&drops, width, brightness, scale as f32);
            each_frame(clip, |_, frame| splashed(frame, &water))
        }
        Liquid::Mud(sigma) => {
            let mud = mud(&drops, width, threshold, sigma * scale);
            each_frame(clip, |_, frame| soiled(frame, &mud))
        }
    }
}

/// The smoothed noise above the threshold, 0 elsewhere.
fn drops(field: &[f64], width: usize, sigma: f64, threshold: f64) -> Vec<f64> {
    let smooth = smoothed(field, width, sigma, REACH, Border::Nearest);
    smooth.into_iter().map(|value| if value < threshold { 0.0 } else { value }).collect()
}

/// How much of its colour the water adds: bright on one side of the rims.
fn water(drops: &[f64], width: usize, brightness: f32, scale: f32) -> Vec<f32> {
    let grey: Vec<u8> = drops.iter().map(|value| (value * 255.0) as u8).collect();
    let ways = distances(&canny(&grey, width, EDGES.0, EDGES.1), width, FARTHEST * scale);
    let ways: Vec<f32> = ways.into_iter().map(|way| (way / scale).min(FARTHEST)).collect();
    let levels: Vec<u8> = box_means(&ways, width).into_iter().map(|way| way as u8).collect();
    let lit: Vec<f32> = relief(&equalised(&levels), width).into_iter().map(f32::from).collect();
    let lit = box_means(&lit, width).into_iter().map(f32::round);
    let water: Vec<f32> = lit.zip(&grey).map(|(light, &thickness)| light * f32::from(thickness)).collect();
    let brightest = water.iter().copied().fold(0.0, f32::max);
    let factor = if brightest > 0.0 { brightness / brightest } else { 0.0 };
    water.into_iter().map(|value| value * factor).collect()
}

/// How much of the picture the mud hides.
fn mud(drops: &[f64], width: usize, threshold: f64, sigma: f64) -> Vec<f32> {
    let covered: Vec<f64> = drops.iter().map(|&value| if value > threshold { 1.0 } else { 0.0 }).collect();
    let thickness = smoothed(&covered, width, sigma, REACH, Border::Nearest);
    thickness.into_iter().map(|value| if value < THIN_MUD { 0.0 } else { value as f32 }).collect()
}

fn splashed(mut frame: Frame, water: &[f32]) -> Frame {
    for (pixel, water) in frame.data_mut().as_chunks_mut::<3>().0.iter_mut().zip(water) {
        *pixel = std::array::from_fn(|c| (f32::from(pixel[c]) + water * WATER_COLOUR[c] + 0.5) as u8);
    }
    frame
}

fn soiled(mut frame: Frame, mud: &[f32]) -> Frame {
    for (pixel, mud) in frame.data_mut().as_chunks_mut::<3>().0.iter_mut().zip(mud) {
        *pixel = std::array::from_fn(|c| (f32::from(pixel[c]) * (1.0 - mud) + MUD_COLOUR[c] * mud + 0.5) as u8);
    }
    frame
}

/// The places of the 3x3 pixels around each pixel, row by row.
fn around(width: usize, height: usize) -> impl Iterator<Item = [usize; 9]> {
    (0..width * height).map(move |i| {
        let near = |at: usize, way: usize, len: usize| Border::Mirror.resolve((at + way) as isize - 1, len);
        std::array::from_fn(|j| near(i / width, j / 3, height) * width + near(i % width, j % 3, width))
    })
}

fn box_means(values: &[f32], width: usize) -> Vec<f32> {
    around(width, values.len() / width).map(|near| near.iter().map(|&i| values[i]).sum::<f32>() / 9.0).collect()
}

fn relief(levels: &[u8], width: usize) -> Vec<u8> {
    let weighted = |near: [usize; 9]| -> i32 {
        near.iter().zip(RELIEF.as_flattened()).map(|(&i, weight)| weight * i32::from(levels[i])).sum()
    };
    around(width, levels.len() / width).map(|near| weighted(near).clamp(0, 255) as u8).collect()
}

/// Levels spread so that each range of them is as frequent; the lowest that occurs becomes 0.
fn equalised(levels: &[u8]) -> Vec<u8> {
    let mut counts = [0_u32; 256];
    levels.iter().for_each(|&level| counts[usize::from(level)] += 1);
    let lowest = counts.iter().position(|&count| count > 0).unwrap_or(0);
    let others = levels.len() as u32 - counts[lowest];
    if others == 0 {
        return levels.to_vec();
    }
    let mut sum = 0;
    let table: Vec<u8> = (0..256)
        .map(|level| {
            sum += if level > lowest { counts[level] } else { 0 };
            (sum as f32 * 255.0 / others as f32).round() as u8
        })
        .collect();
    levels.iter().map(|&level| table[usize::from(level)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corrupt::reference::{Lcg, SIDES, expect, picture};

    #[test]
    fn drops_are_those_of_the_published_script() {
        let (width, height) = SIDES;
        for (severity, spatter) in [(1, SPATTER[0]), (3, SPATTER[2]), (4, SPATTER[3]), (5, SPATTER[4])] {
            let mut random = Lcg::new(severity);
            let field: Vec<f64> =
                (0..width * height).map(|_| spatter.noise.0 + spatter.noise.1 * random.normal()).collect();
            let drops = drops(&field, width, spatter.sigma, spatter.threshold);
            let ours = match spatter.liquid {
                Liquid::Water(brightness) => splashed(picture(), &water(&drops, width, brightness, 1.0)),
                Liquid::Mud(sigma) => soiled(picture(), &mud(&drops, width, spatter.threshold, sigma)),
            };
            expect(&format!("spatter_{severity}"), &ours);
        }
    }
}
