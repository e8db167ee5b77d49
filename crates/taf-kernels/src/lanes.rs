//! A vector register as a value with operators, so that a kernel's formula reads like the formula.

use std::ops::{Add, Mul, Sub};

use pulp::Simd;
use pulp::bytemuck::{bytes_of, cast_slice, cast_slice_mut, pod_read_unaligned};

/// As many floats as a register of `V` holds.
#[derive(Clone, Copy)]
pub(crate) struct Lanes<V: Simd> {
    simd: V,
    values: V::f32s,
}

impl<V: Simd> Lanes<V> {
    #[inline(always)]
    pub(crate) fn splat(simd: V, value: f32) -> Self {
        Self { simd, values: simd.splat_f32s(value) }
    }

    /// `values` may be shorter than a register; the rest is then zero.
    #[inline(always)]
    pub(crate) fn load(simd: V, values: &[f32]) -> Self {
        let whole = values.len() == V::F32_LANES;
        let values = if whole { pod_read_unaligned(cast_slice(values)) } else { simd.partial_load_f32s(values) };
        Self { simd, values }
    }

    /// Writes as many floats as fit.
    #[inline(always)]
    pub(crate) fn store(self, to: &mut [f32]) {
        if to.len() == V::F32_LANES {
            cast_slice_mut(to).copy_from_slice(bytes_of(&self.values));
        } else {
            self.simd.partial_store_f32s(to, self.values);
        }
    }

    /// As `max`, but a value that is not a number stays one, so that a diverged network shows.
    #[inline(always)]
    pub(crate) fn at_least(self, floor: f32) -> Self {
        let floor = self.simd.splat_f32s(floor);
        let below = self.simd.less_than_f32s(self.values, floor);
        Self { values: self.simd.select_f32s(below, floor, self.values), ..self }
    }

    /// Where this is larger than `other` or not a number.
    #[inline(always)]
    pub(crate) fn exceeds(self, other: Self) -> V::m32s {
        let larger = self.simd.less_than_f32s(other.values, self.values);
        let number = self.simd.equal_f32s(self.values, self.values);
        self.simd.or_m32s(larger, self.simd.not_m32s(number))
    }

    #[inline(always)]
    pub(crate) fn select(mask: V::m32s, yes: Self, no: Self) -> Self {
        Self { values: yes.simd.select_f32s(mask, yes.values, no.values), ..yes }
    }

    /// This gradient behind a ReLU that gave `output`, or was given it; what is not a number lets it pass, as in PyTorch.
    #[inline(always)]
    pub(crate) fn gated(self, output: Self) -> Self {
        let zero = self.simd.splat_f32s(0.0);
        let stopped = self.simd.less_than_or_equal_f32s(output.values, zero);
        Self { values: self.simd.select_f32s(stopped, zero, self.values), ..self }
    }
}

impl<V: Simd> Add for Lanes<V> {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self { values: self.simd.add_f32s(self.values, other.values), ..self }
    }
}

impl<V: Simd> Sub for Lanes<V> {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self { values: self.simd.sub_f32s(self.values, other.values), ..self }
    }
}

impl<V: Simd> Mul for Lanes<V> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self { values: self.simd.mul_f32s(self.values, other.values), ..self }
    }
}
