use rayon::prelude::*;

use crate::size::product;

/// Sizes of a temporal shift (Lin, Gan, Han: "TSM", ICCV 2019) over `[clips * frames, height, width, channels]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ShiftShape {
    /// Number of clips.
    pub clips: usize,
    /// Frames of a clip.
    pub frames: usize,
    /// Pixels of a frame, `height * width`.
    pub pixels: usize,
    /// Channels of a pixel.
    pub channels: usize,
    /// Channels moved each way, usually `channels / 8`; at most half of them.
    pub fold: usize,
}

impl ShiftShape {
    /// Length of input and output.
    pub fn len(&self) -> usize {
        product([self.clips, self.frames, self.pixels, self.channels])
    }

    /// Whether there is nothing to shift.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn check(&self, input: usize, output: usize) {
        assert!(self.fold <= self.channels / 2, "twice a fold of {} exceeds {} channels", self.fold, self.channels);
        assert_eq!((input, output), (self.len(), self.len()), "input and output floats of {self:?}");
    }
}

/// The first `fold` channels come from the next frame, the next `fold` from the previous one, the rest stay; what would
/// come from outside the clip is zero.
///
/// # Panics
/// If a length does not fit the shape or twice the fold exceeds the channels.
pub fn temporal_shift_forward(shape: &ShiftShape, x: &[f32], y: &mut [f32]) {
    shift(shape, x, y, [Step::Next, Step::Previous]);
}

/// Gradient of [`temporal_shift_forward`]: the shift the other way round.
///
/// # Panics
/// As [`temporal_shift_forward`].
pub fn temporal_shift_backward(shape: &ShiftShape, dy: &[f32], dx: &mut [f32]) {
    shift(shape, dy, dx, [Step::Previous, Step::Next]);
}

#[derive(Clone, Copy)]
enum Step {
    Previous,
    Next,
}

impl Step {
    /// The frame a step away, if it belongs to the clip.
    fn of(self, frame: usize, frames: usize) -> Option<usize> {
        match self {
            Self::Previous => frame.checked_sub(1),
            Self::Next => Some(frame + 1).filter(|&next| next < frames),
        }
    }
}

/// Pixels per task: enough to hide the cost of a task, few enough for 7x7 maps to be shared out.
const TASK_FLOATS: usize = 16 * 1024;

fn shift(shape: &ShiftShape, from: &[f32], to: &mut [f32], steps: [Step; 2]) {
    shape.check(from.len(), to.len());
    if shape.is_empty() {
        return;
    }
    let frame_len = shape.pixels * shape.channels;
    let task = (TASK_FLOATS / shape.channels).clamp(1, shape.pixels) * shape.channels;
    let frames = to.par_chunks_mut(frame_len).enumerate();
    frames
        .flat_map(|(frame, to)| to.par_chunks_mut(task).enumerate().map(move |(part, to)| (frame, part, to)))
        .for_each(|(frame, part, to)| {
            let place = frame % shape.frames;
            let clip = frame - place;
            let offset = part * task;
            let part_of = |frame: usize| &from[frame * frame_len + offset..][..to.len()];
            let sources = steps.map(|step| step.of(place, shape.frames).map(|frame| part_of(clip + frame)));
            shift_pixels(shape, part_of(frame), sources, to);
        });
}

fn shift_pixels(shape: &ShiftShape, here: &[f32], sources: [Option<&[f32]>; 2], to: &mut [f32]) {
    let (channels, fold) = (shape.channels, shape.fold);
    for (pixel, values) in to.chunks_exact_mut(channels).enumerate() {
        let start = pixel * channels;
        for (index, source) in sources.iter().enumerate() {
            let moved = &mut values[index * fold..(index + 1) * fold];
            match source {
                Some(source) => moved.copy_from_slice(&source[start + index * fold..][..fold]),
                None => moved.fill(0.0),
            }
        }
        values[2 * fold..].copy_from_slice(&here[start + 2 * fold..start + channels]);
    }
}
