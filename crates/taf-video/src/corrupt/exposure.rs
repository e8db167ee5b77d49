//! A shutter that stays open over several frames of the video: the mean of neighbouring frames.
//!
//! Mini-SSV2-C and Mini-Kinetics-C show at place `i` the mean of the frames `i - c` to `i + c - 1` of the video and cut `c`
//! frames off its ends; here the first and the last frame stand for those beyond.

use rayon::prelude::*;

use crate::{Clip, Frame};

/// The frames of the video to decode: for each of `indices` in turn, the `2 reach` that it is the mean of.
pub fn frames(indices: &[usize], num_frames: usize, reach: usize) -> Vec<usize> {
    let around =
        |&index: &usize| (index..index + 2 * reach).map(move |at| at.saturating_sub(reach).min(num_frames - 1));
    indices.iter().flat_map(around).collect()
}

/// The means of each `2 reach` frames, cut to whole numbers as the published script does.
pub fn means(clip: &Clip, reach: usize) -> Clip {
    Clip::new(clip.frames().par_chunks(2 * reach).map(mean).collect())
}

fn mean(frames: &[Frame]) -> Frame {
    let mut sums = vec![0_u16; frames[0].data().len()];
    for frame in frames {
        sums.iter_mut().zip(frame.data()).for_each(|(sum, &value)| *sum += u16::from(value));
    }
    let number = frames.len() as u16;
    Frame::new(frames[0].width(), frames[0].height(), sums.into_iter().map(|sum| (sum / number) as u8).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corrupt::reference::{expect, picture};

    #[test]
    fn a_frame_becomes_the_mean_of_those_around_it() {
        assert_eq!(frames(&[5, 9], 12, 2), [3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(frames(&[0, 3], 4, 3), [0, 0, 0, 0, 1, 2, 0, 1, 2, 3, 3, 3]);
        let columns_aside = |columns: usize| {
            let mut frame = picture();
            let length = frame.width() * 3;
            frame.data_mut().chunks_exact_mut(length).for_each(|row| row.rotate_right(3 * columns));
            frame
        };
        expect("motion_blur_ssv2c", &means(&Clip::new((0..4).map(columns_aside).collect()), 2).frames()[0]);
        let clip = Clip::new([10, 21, 30, 40].map(|value| Frame::filled(3, 2, [value, 255, 0])).to_vec());
        let blurred = means(&clip, 1);
        assert_eq!(
            blurred.frames().iter().map(|frame| frame.pixel(2, 1)).collect::<Vec<_>>(),
            [[15, 255, 0], [35, 255, 0]]
        );
    }
}
