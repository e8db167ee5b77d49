//! Where the gradient of a ReLU stops.

/// A gradient passes where `probe * scale + shift`, per channel, is not zero or below. One formula for every way to know
/// it, so that each kernel has one body.
pub(crate) struct Gate<'a> {
    pub(crate) probe: &'a [f32],
    pub(crate) scale: Vec<f32>,
    pub(crate) shift: Vec<f32>,
}

impl<'a> Gate<'a> {
    /// Passes where the ReLU's output is above zero.
    pub(crate) fn of_output(y: &'a [f32], channels: usize) -> Self {
        Self { probe: y, scale: vec![1.0; channels], shift: vec![0.0; channels] }
    }

    /// Passes everywhere. `any` is a slice that is read anyway, so that it costs no memory traffic.
    pub(crate) fn open(any: &'a [f32], channels: usize) -> Self {
        Self { probe: any, scale: vec![0.0; channels], shift: vec![1.0; channels] }
    }
}
