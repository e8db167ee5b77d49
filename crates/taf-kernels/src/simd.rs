/// Runs `body` compiled for the widest vectors this processor has (AVX-512, AVX2 or what the target guarantees).
///
/// Only what is inlined into `body` profits, so loops belong directly in the closure or in `#[inline(always)]`
/// functions.
#[inline]
pub(crate) fn vectorized<R>(body: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(body)
}
