use burn::backend::{Backend, Dispatch, ExtensionType, tensor::FloatTensor};
use burn::tensor::Tensor;

/// A tensor that an operation can do without.
#[derive(Debug, Clone, ExtensionType)]
pub enum Optional<B: Backend> {
    /// It takes part.
    Some(FloatTensor<B>),
    /// It does not.
    None,
}

impl<B: Backend> Optional<B> {
    /// As the standard type, which a backend extension cannot take.
    pub fn into_option(self) -> Option<FloatTensor<B>> {
        match self {
            Self::Some(tensor) => Some(tensor),
            Self::None => None,
        }
    }

    /// Whether the tensor takes part.
    pub fn is_some(&self) -> bool {
        matches!(self, Self::Some(_))
    }
}

impl<B: Backend> From<Option<FloatTensor<B>>> for Optional<B> {
    fn from(tensor: Option<FloatTensor<B>>) -> Self {
        tensor.map_or(Self::None, Self::Some)
    }
}

impl Optional<Dispatch> {
    pub(super) fn of<const D: usize>(tensor: Option<Tensor<D>>) -> Self {
        tensor.map(Tensor::into_dispatch).into()
    }
}
