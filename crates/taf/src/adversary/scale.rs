use burn::tensor::Tensor;
use burn::tensor::module::{adaptive_avg_pool2d, interpolate};
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};

/// The side that is left of `side` pixels, at least one.
pub(crate) fn reduced_side(side: usize, scale: f64) -> usize {
    ((side as f64 * scale).round() as usize).clamp(1, side)
}

/// Whether clips of this size become smaller.
pub(super) fn reduces(clips: &Tensor<5>, scale: f64) -> bool {
    let [_, _, _, height, width] = clips.dims();
    [height, width].iter().any(|&side| reduced_side(side, scale) != side)
}

/// Clips averaged down to `scale` of their sides; the clips themselves where that changes nothing.
///
/// # Shapes
/// - `clips`: `[batch, time, 3, height, width]`
/// - result: `[batch, time, 3, height', width']`, sides rounded
pub(super) fn reduce(clips: Tensor<5>, scale: f64) -> Tensor<5> {
    let [_, _, _, height, width] = clips.dims();
    let sides = [height, width].map(|side| reduced_side(side, scale));
    resized(clips, sides, |frames| adaptive_avg_pool2d(frames, sides))
}

/// Gradients at reduced clips, brought to the size of `like`. Smoothly: the blocks that the reduction's own gradient has, and
/// enlarged signs instead of enlarged gradients, moved less attention.
pub(super) fn enlarge(gradient: Tensor<5>, like: &Tensor<5>) -> Tensor<5> {
    let [_, _, _, height, width] = like.dims();
    let options =
        InterpolateOptions::new(InterpolateMode::Bilinear).with_align_corners(false).with_output_size([height, width]);
    resized(gradient, [height, width], |frames| interpolate(frames, options))
}

/// `[.., height, width]` to `[.., sides]`, frame by frame.
fn resized(x: Tensor<5>, sides: [usize; 2], resize: impl FnOnce(Tensor<4>) -> Tensor<4>) -> Tensor<5> {
    let [batch, time, channels, height, width] = x.dims();
    if [height, width] == sides {
        return x;
    }
    let frames = resize(x.reshape([batch * time, channels, height, width]));
    frames.reshape([batch, time, channels, sides[0], sides[1]])
}
