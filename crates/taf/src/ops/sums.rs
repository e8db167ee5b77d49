//! Sums of gradients, and of their squares; averages of weights. Not differentiable.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::VideoOps;

/// `sum + x` of plain tensors, in the memory of `sum` where nobody else holds it.
pub fn accumulate(sum: Tensor<1>, x: Tensor<1>) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as VideoOps>::accumulate(sum.into_dispatch(), x.into_dispatch()))
}

/// `from + share * (to - from)` of plain tensors, in the memory of `from` where nobody else holds it.
pub fn lerp(from: Tensor<1>, to: Tensor<1>, share: f32) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as VideoOps>::lerp(from.into_dispatch(), to.into_dispatch(), share))
}

/// Sum of the squares of a plain tensor's elements; the same bits for any number of threads.
pub fn sum_of_squares(x: Tensor<1>) -> f64 {
    let sum = Tensor::<1>::from_dispatch(<Dispatch as VideoOps>::sum_of_squares(x.into_dispatch()));
    f64::from(sum.into_scalar::<f32>())
}

pub(super) mod composed {
    use burn::backend::{Backend, tensor::FloatTensor};

    pub fn accumulate<B: Backend>(sum: FloatTensor<B>, x: FloatTensor<B>) -> FloatTensor<B> {
        B::float_add(sum, x)
    }

    pub fn lerp<B: Backend>(from: FloatTensor<B>, to: FloatTensor<B>, share: f32) -> FloatTensor<B> {
        B::float_add(from.clone(), B::float_mul_scalar(B::float_sub(to, from), share.into()))
    }

    pub fn sum_of_squares<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
        B::float_sum(B::float_mul(x.clone(), x))
    }
}

pub(super) mod flex {
    use burn::backend::flex::FlexTensor;

    use crate::ops::flex::{Dense, overwritten, vector};

    pub fn accumulate(sum: FlexTensor, x: FlexTensor) -> FlexTensor {
        let x = Dense::new(x);
        overwritten(sum, |sum| taf_kernels::add_assign(sum, x.values()))
    }

    pub fn lerp(from: FlexTensor, to: FlexTensor, share: f32) -> FlexTensor {
        let to = Dense::new(to);
        overwritten(from, |from| taf_kernels::lerp_assign(from, to.values(), share))
    }

    pub fn sum_of_squares(x: FlexTensor) -> FlexTensor {
        vector(vec![taf_kernels::sum_of_squares(Dense::new(x).values()) as f32])
    }
}
