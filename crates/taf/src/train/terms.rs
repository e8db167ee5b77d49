use burn::tensor::Tensor;

use crate::adversary::{AttendedClass, TemporalAdversary};
use crate::model::{VideoModel, VideoOutput, class_tensor, predictions};

/// How far attention is from even: the mean of `KL(a ‖ uniform) = log T - H(a)` in nats, from 0 to `log T`.
///
/// # Shapes
/// - `log_attention`: `[batch, time]`; result: a scalar
pub fn unevenness(log_attention: Tensor<2>) -> Tensor<1> {
    let [batch, time] = log_attention.dims();
    (log_attention.clone().exp() * log_attention).sum() / batch as f64 + (time as f64).ln()
}

/// [`unevenness`] of what the network attends to in clips that it learns from, as `adversary` reads attention. Gradients reach the
/// features and, where it is a parameter, the classifier's row. Of clips and variants of them, the clips come first and count alone.
pub(super) fn unevenness_of<M: VideoModel>(
    model: &M,
    adversary: &TemporalAdversary,
    output: &VideoOutput,
    labels: &[usize],
) -> Tensor<1> {
    let output = first(output, labels.len());
    let classes = match adversary.class {
        AttendedClass::Label => labels.to_vec(),
        AttendedClass::Prediction => predictions(&output.logits.clone().without_autodiff()),
    };
    let classes = class_tensor(&classes, &output.logits.device().without_autodiff());
    let weights = model.learnt_cam_weights(&output, classes);
    unevenness(adversary.attention.log_of(&output, weights))
}

/// What is said of the first clips.
fn first(output: &VideoOutput, clips: usize) -> VideoOutput {
    let of = |features: &Tensor<5>| features.clone().narrow(0, 0, clips);
    VideoOutput {
        logits: output.logits.clone().narrow(0, 0, clips),
        features: of(&output.features),
        context: output.context.iter().map(of).collect(),
        auxiliary: None,
    }
}

#[cfg(test)]
mod tests {
    use super::unevenness;
    use crate::ops::values;
    use burn::tensor::{Device, Tensor, activation};

    /// Half the step of a central difference of numbers that are rounded to 1e-7.
    const STEP: f32 = 1e-2;

    /// The gradient of a function of a matrix, and central differences of it.
    fn assert_gradient(at: Tensor<2>, function: impl Fn(Tensor<2>) -> Tensor<1>) {
        let leaf = at.clone().autodiff().require_grad();
        let gradient = values(leaf.grad(&function(leaf.clone()).backward()).expect("the matrix is tracked"));
        let (shape, numbers) = (at.dims(), values(at.clone()));
        for (place, gradient) in gradient.into_iter().enumerate() {
            let moved = |by: f32| {
                let mut numbers = numbers.clone();
                numbers[place] += by;
                let moved = Tensor::<1>::from_data(numbers.as_slice(), &Device::flex()).reshape(shape);
                function(moved).into_scalar::<f32>()
            };
            let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            assert!((gradient - slope).abs() < 1e-3, "{gradient} and {slope} at {place}");
        }
    }

    #[test]
    fn unevenness_is_what_the_entropy_lacks_of_its_most() {
        let of = |evidence| unevenness(activation::log_softmax(evidence, 1));
        let even = Tensor::<2>::from_data([[0.3; 4]; 2], &Device::flex());
        assert!(of(even).into_scalar::<f32>().abs() < 1e-6);
        let peaked = Tensor::<2>::from_data([[0.0, 500.0, 2.0, 1.0]], &Device::flex());
        assert!((of(peaked).into_scalar::<f32>() - 4_f32.ln()).abs() < 1e-4);
        let evidence = Tensor::from_data([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]], &Device::flex());
        // (log(3) + (softmax(x, 1) * log_softmax(x, 1)).sum(1)).mean()
        assert!((of(evidence.clone()).into_scalar::<f32>() - 0.508_5).abs() < 1e-4, "{}", of(evidence.clone()));
        assert_gradient(evidence, of);
    }
}
