//! The graph's vocabulary beside convolutions. Networks work on three views of the same numbers:
//! images `[batch * time, channels, height, width]`, clips `[batch, time, channels, height, width]` and
//! volumes `[batch, channels, time, height, width]`.
//! Shapes only name what is fixed: -1 is inferred and 0 copied, so batch, height and width stay free at no cost.

use super::graph::{Graph, Setting, Value};
use super::weights::Filter;

/// Where the frames of a clip move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shift {
    /// Each frame sees the next one.
    FromNext,
    /// Each frame sees the one before.
    FromPrevious,
}

impl Graph {
    pub(super) fn relu(&mut self, x: &Value) -> Value {
        self.unary("Relu", x)
    }

    pub(super) fn sigmoid(&mut self, x: &Value) -> Value {
        self.unary("Sigmoid", x)
    }

    /// Softmax over the last axis.
    pub(super) fn softmax(&mut self, x: &Value) -> Value {
        self.node("Softmax", &[&x.name], &[("axis", Setting::Int(-1))], x.channels)
    }

    /// `min(max(x, 0), 6)`.
    pub(super) fn relu6(&mut self, x: &Value) -> Value {
        let bounds = [("zero", 0.0), ("six", 6.0)].map(|(name, value)| self.scalar(name, value));
        self.node("Clip", &[&x.name, &bounds[0], &bounds[1]], &[], x.channels)
    }

    fn unary(&mut self, op: &str, x: &Value) -> Value {
        self.node(op, &[&x.name], &[], x.channels)
    }

    pub(super) fn add(&mut self, a: &Value, b: &Value) -> Value {
        self.node("Add", &[&a.name, &b.name], &[], a.channels)
    }

    /// The product of `a` and what is broadcast to its shape.
    pub(super) fn mul(&mut self, a: &Value, b: &Value) -> Value {
        self.node("Mul", &[&a.name, &b.name], &[], a.channels)
    }

    /// Joins along the axis of channels.
    pub(super) fn concat(&mut self, parts: &[&Value], axis: i64) -> Value {
        let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
        let channels = parts.iter().map(|part| part.channels).sum();
        self.node("Concat", &names, &[("axis", Setting::Int(axis))], channels)
    }

    /// `x[from..to]` along an axis other than the channels'.
    pub(super) fn slice(&mut self, x: &Value, axis: i64, [from, to]: [usize; 2]) -> Value {
        let [from, to, axis] = [from as i64, to as i64, axis].map(|value| self.integers(&[value]));
        self.node("Slice", &[&x.name, &from, &to, &axis], &[], x.channels)
    }

    /// Channels `from..to`.
    pub(super) fn channels(&mut self, x: &Value, axis: i64, range: [usize; 2]) -> Value {
        Value { channels: range[1] - range[0], ..self.slice(x, axis, range) }
    }

    pub(super) fn reshape(&mut self, x: &Value, shape: &[i64], channels: usize) -> Value {
        let shape = self.integers(shape);
        self.node("Reshape", &[&x.name, &shape], &[], channels)
    }

    pub(super) fn transpose(&mut self, x: &Value, order: &[i64]) -> Value {
        self.node("Transpose", &[&x.name], &[("perm", Setting::Ints(order.to_vec()))], x.channels)
    }

    fn unsqueeze(&mut self, x: &Value, axes: &[i64]) -> Value {
        let axes = self.integers(axes);
        self.node("Unsqueeze", &[&x.name, &axes], &[], x.channels)
    }

    fn squeeze(&mut self, x: &Value, axes: &[i64]) -> Value {
        let axes = self.integers(axes);
        self.node("Squeeze", &[&x.name, &axes], &[], x.channels)
    }

    /// Clips to images. Copying height and width needs them at the same place before and after, hence the extra axis.
    pub(super) fn images_of_clips(&mut self, clips: &Value) -> Value {
        let row = self.reshape(clips, &[1, -1, 0, 0, 0], clips.channels);
        self.squeeze(&row, &[0])
    }

    /// Images to clips of `time` frames.
    pub(super) fn clips_of_images(&mut self, images: &Value, time: usize) -> Value {
        let row = self.unsqueeze(images, &[0]);
        self.reshape(&row, &[-1, time as i64, 0, 0, 0], images.channels)
    }

    /// Images to volumes of `time` frames.
    pub(super) fn volumes_of_images(&mut self, images: &Value, time: usize) -> Value {
        let clips = self.clips_of_images(images, time);
        self.transpose(&clips, &[0, 2, 1, 3, 4])
    }

    /// Volumes to images.
    pub(super) fn images_of_volumes(&mut self, volumes: &Value) -> Value {
        let clips = self.transpose(volumes, &[0, 2, 1, 3, 4]);
        self.images_of_clips(&clips)
    }

    /// Largest value of each 3x3 window of images, every second one.
    pub(super) fn max_pool_images(&mut self, x: &Value) -> Value {
        let settings = [
            ("kernel_shape", Setting::Ints(vec![3, 3])),
            ("strides", Setting::Ints(vec![2, 2])),
            ("pads", Setting::Ints(vec![1; 4])),
        ];
        self.node("MaxPool", &[&x.name], &settings, x.channels)
    }

    /// Largest value of volumes over their frames, which become one.
    pub(super) fn max_pool_time(&mut self, x: &Value, time: usize) -> Value {
        self.node("MaxPool", &[&x.name], &[("kernel_shape", Setting::Ints(vec![time as i64, 1, 1]))], x.channels)
    }

    /// Mean over all places: `[n, channels, ...]` to `[n, channels, 1, ...]`.
    pub(super) fn global_mean(&mut self, x: &Value) -> Value {
        self.unary("GlobalAveragePool", x)
    }

    /// Mean over the frames of `[batch, time, channels]`: `[batch, channels]`.
    pub(super) fn mean_over_time(&mut self, x: &Value) -> Value {
        let settings = [("axes", Setting::Ints(vec![1])), ("keepdims", Setting::Int(0))];
        self.node("ReduceMean", &[&x.name], &settings, x.channels)
    }

    /// Each image's mean: `[batch, time, channels]`.
    pub(super) fn frame_means(&mut self, images: &Value, time: usize) -> Value {
        let means = self.global_mean(images);
        self.reshape(&means, &[-1, time as i64, images.channels as i64], images.channels)
    }

    /// `[n, channels, 1, ...]` to `[n, channels]`.
    pub(super) fn flatten(&mut self, x: &Value) -> Value {
        self.node("Flatten", &[&x.name], &[("axis", Setting::Int(1))], x.channels)
    }

    /// Adds two axes of length 1 at the end, so that `[batch, time, channels]` is broadcast to clips.
    pub(super) fn spread(&mut self, x: &Value) -> Value {
        self.unsqueeze(x, &[3, 4])
    }

    /// A linear layer along the last axis of `[batch, rows, length]`.
    pub(super) fn rows(&mut self, x: &Value, filter: &Filter) -> Value {
        let [out, length] = [filter.shape[0], filter.shape[1]];
        let transposed: Vec<f32> =
            (0..length).flat_map(|i| (0..out).map(move |o| filter.weight[o * length + i])).collect();
        let weight = self.floats(&format!("{}.weight", filter.name), &[length, out], &transposed);
        let y = self.node("MatMul", &[&x.name, &weight], &[], x.channels);
        match &filter.bias {
            None => y,
            Some(bias) => {
                let bias = self.floats(&format!("{}.bias", filter.name), &[out], bias);
                self.node("Add", &[&y.name, &bias], &[], x.channels)
            }
        }
    }

    /// Moves the frames (axis 1 of `rank` axes) by one; the free end becomes zero.
    pub(super) fn shift_frames(&mut self, x: &Value, shift: Shift, time: usize, rank: usize) -> Value {
        let (kept, end) = match shift {
            Shift::FromNext => ([1, time], rank + 1),
            Shift::FromPrevious => ([0, time - 1], 1),
        };
        let kept = self.slice(x, 1, kept);
        let mut padding = vec![0; 2 * rank];
        padding[end] = 1;
        let padding = self.integers(&padding);
        self.node("Pad", &[&kept.name, &padding], &[], x.channels)
    }

    /// Temporal shift (Lin et al., ICCV 2019) of images: a part of the channels from the next frame, as many from the
    /// one before, the rest from the frame itself.
    pub(super) fn temporal_shift(&mut self, images: &Value, time: usize, divisor: usize) -> Value {
        let (channels, fold) = (images.channels, images.channels / divisor);
        if fold == 0 {
            return images.clone();
        }
        let clips = self.clips_of_images(images, time);
        let next = self.channels(&clips, 2, [0, fold]);
        let next = self.shift_frames(&next, Shift::FromNext, time, 5);
        let previous = self.channels(&clips, 2, [fold, 2 * fold]);
        let previous = self.shift_frames(&previous, Shift::FromPrevious, time, 5);
        let rest = self.channels(&clips, 2, [2 * fold, channels]);
        let shifted = self.concat(&[&next, &previous, &rest], 2);
        self.images_of_clips(&shifted)
    }
}
