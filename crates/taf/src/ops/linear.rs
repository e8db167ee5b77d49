use burn::tensor::Tensor;

use crate::trace::{self, Operation, input};

/// A linear layer.
///
/// # Shapes
/// - `x`: `[n, channels_in]`
/// - `weight`: `[channels_out, channels_in]`
/// - `bias`: `[channels_out]`
/// - result: `[n, channels_out]`
///
/// # Panics
/// If the channels of `x` and `weight` do not fit together; where a pass is traced that is the error of the trace, since
/// clips of that size are not what the network was made for.
pub fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
    if trace::is_on() {
        let ([n, found], [channels, expected]) = (x.dims(), weight.dims());
        if found != expected {
            trace::refuse_features(expected, found);
        }
        return trace::record(Operation::Linear, &[input(&x), input(&weight), input(&bias)], [n, channels]);
    }
    x.matmul(weight.transpose()) + bias.unsqueeze()
}
