use pulp::Simd;

use crate::channels::Division;
use crate::gate::Gate;
use crate::lanes::Lanes;
use crate::sweep::{Body, sweep};

/// `y = relu?(x * scale + shift + residual)`, `scale` and `shift` per channel: batch norm with fixed statistics.
///
/// # Shapes
/// `x`, `y` and `residual` `[.., channels]`; `scale` and `shift` `[channels]`.
///
/// # Panics
/// If the lengths do not fit together.
pub fn scale_shift(x: &[f32], scale: &[f32], shift: &[f32], residual: Option<&[f32]>, relu: bool, y: &mut [f32]) {
    let division = check(x.len(), scale, shift, residual);
    assert_eq!(y.len(), x.len(), "output floats");
    match residual {
        Some(residual) => sweep(&division, [x, residual], [y], [scale, shift], &Affine::new(relu)),
        None => sweep(&division, [x], [y], [scale, shift], &Affine::new(relu)),
    };
}

fn check(len: usize, scale: &[f32], shift: &[f32], residual: Option<&[f32]>) -> Division {
    assert_eq!(shift.len(), scale.len(), "channels of the shift");
    assert_eq!(residual.map_or(len, <[f32]>::len), len, "residual floats");
    Division::new(len, scale.len())
}

/// The first input is `x`, a second one the residual.
struct Affine {
    floor: f32,
}

impl Affine {
    fn new(relu: bool) -> Self {
        Self { floor: if relu { 0.0 } else { f32::NEG_INFINITY } }
    }

    #[inline(always)]
    fn of<V: Simd, const R: usize>(
        &self,
        x: Lanes<V>,
        residual: [Lanes<V>; R],
        [scale, shift]: [Lanes<V>; 2],
    ) -> Lanes<V> {
        let sum = x * scale + shift;
        residual.first().map_or(sum, |&residual| sum + residual).at_least(self.floor)
    }
}

impl Body<1, 1, 2, 0> for Affine {
    #[inline(always)]
    fn apply<V: Simd>(
        &self,
        _: [Lanes<V>; 1],
        [x]: [Lanes<V>; 1],
        constants: [Lanes<V>; 2],
    ) -> ([Lanes<V>; 1], [Lanes<V>; 0]) {
        ([self.of(x, [], constants)], [])
    }
}

impl Body<2, 1, 2, 0> for Affine {
    #[inline(always)]
    fn apply<V: Simd>(
        &self,
        _: [Lanes<V>; 1],
        [x, residual]: [Lanes<V>; 2],
        constants: [Lanes<V>; 2],
    ) -> ([Lanes<V>; 1], [Lanes<V>; 0]) {
        ([self.of(x, [residual], constants)], [])
    }
}

/// Gradients of [`scale_shift`]: `dx = g * scale` and `dresidual = g`, where `g = dy` with the ReLU's zeros.
///
/// `relu_output` is the `y` of the forward pass if it had a ReLU. Overwrites `dx` and `dresidual`.
///
/// # Panics
/// If the lengths do not fit together.
pub fn scale_shift_input_gradient(
    dy: &[f32],
    scale: &[f32],
    relu_output: Option<&[f32]>,
    dx: &mut [f32],
    dresidual: Option<&mut [f32]>,
) {
    let division = Division::new(dy.len(), scale.len());
    assert_eq!(dx.len(), dy.len(), "input gradient floats");
    assert_eq!(relu_output.map_or(dy.len(), <[f32]>::len), dy.len(), "output floats");
    let gate = relu_output.map_or_else(|| Gate::open(dy, division.channels), |y| Gate::of_output(y, division.channels));
    let (inputs, constants) = ([dy, gate.probe], [scale, &gate.scale, &gate.shift]);
    match dresidual {
        Some(dresidual) => {
            assert_eq!(dresidual.len(), dy.len(), "residual gradient floats");
            sweep(&division, inputs, [dx, dresidual], constants, &Gradient)
        }
        None => sweep(&division, inputs, [dx], constants, &Gradient),
    };
}

struct Gradient;

/// One output: `dx`. Two: `dresidual` as well.
impl<const O: usize> Body<2, O, 3, 0> for Gradient {
    #[inline(always)]
    fn apply<V: Simd>(
        &self,
        mut outputs: [Lanes<V>; O],
        [dy, probe]: [Lanes<V>; 2],
        [scale, gate_scale, gate_shift]: [Lanes<V>; 3],
    ) -> ([Lanes<V>; O], [Lanes<V>; 0]) {
        let g = dy.gated(probe * gate_scale + gate_shift);
        outputs[O - 1] = g;
        outputs[0] = g * scale;
        (outputs, [])
    }
}
