use burn::tensor::Tensor;

use crate::trace::{self, Operation, input};

/// A linear layer.
///
/// # Shapes
/// - `x`: `[n, channels_in]`
/// - `weight`: `[channels_out, channels_in]`
/// - `bias`: `[channels_out]`
/// - result: `[n, channels_out]`
pub fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
    if trace::is_on() {
        let ([n, _], [channels, _]) = (x.dims(), weight.dims());
        return trace::record(Operation::Linear, &[input(&x), input(&weight), input(&bias)], [n, channels]);
    }
    x.matmul(weight.transpose()) + bias.unsqueeze()
}
