//! Sizes that do not wrap: one that no memory holds is a mistake to be told of, not a small number.

/// # Panics
/// If the product is more than can be counted.
pub(crate) fn product<const N: usize>(sizes: [usize; N]) -> usize {
    let all = sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    all.unwrap_or_else(|| panic!("sizes of at most {} floats in all, got {sizes:?}", usize::MAX))
}

/// A side with `padding` at both ends.
///
/// # Panics
/// If that is more than can be counted.
pub(crate) fn padded(side: usize, padding: usize) -> usize {
    let both = padding.checked_mul(2).and_then(|both| both.checked_add(side));
    both.unwrap_or_else(|| panic!("a padding that can be counted, got {padding} at each end of {side}"))
}

/// Windows along a padded side; the last incomplete one is left out. At least one.
///
/// # Panics
/// As [`padded`].
pub(crate) fn windows(side: usize, kernel: usize, stride: usize, padding: usize) -> usize {
    padded(side, padding).saturating_sub(kernel) / stride + 1
}
