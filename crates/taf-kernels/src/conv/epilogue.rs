use crate::engine::Done;
use crate::simd::vectorized;

/// What becomes of a convolution's output while it is still in the cache: `y = relu?(conv(x) * scale + bias + residual)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epilogue<'a> {
    /// One factor per output channel; batch norm with fixed statistics is a scale and a bias.
    pub scale: Option<&'a [f32]>,
    /// One value per output channel.
    pub bias: Option<&'a [f32]>,
    /// As long as the output.
    pub residual: Option<&'a [f32]>,
    /// Whether negative sums become zero.
    pub relu: bool,
}

impl Epilogue<'_> {
    pub(super) fn check(&self, channels: usize, output: usize) {
        for values in [self.scale, self.bias].into_iter().flatten() {
            assert_eq!(values.len(), channels, "scale or bias floats of {channels} channels");
        }
        if let Some(residual) = self.residual {
            assert_eq!(residual.len(), output, "residual floats");
        }
    }

    pub(super) fn finish(&self, mut done: Done) {
        if self.scale.is_none() && self.bias.is_none() && self.residual.is_none() && !self.relu {
            return;
        }
        let from = done.channels.start;
        vectorized(|| done.for_each(|start, values| self.finish_pixel(values, start, from)));
    }

    /// Applies the epilogue to the channels from `from` on of the pixel whose floats start at `start`. To be called where
    /// loops are [`vectorized`].
    #[inline(always)]
    pub(super) fn finish_pixel(&self, values: &mut [f32], start: usize, from: usize) {
        let channels = from..from + values.len();
        let floor = if self.relu { 0.0 } else { f32::NEG_INFINITY };
        // What is not a number stays so, and a diverged network shows.
        let end = |value: f32| if value < floor { floor } else { value };
        let residual = self.residual.map(|residual| &residual[start + from..][..values.len()]);
        let [scale, bias] = [self.scale, self.bias].map(|of| of.map(|of| &of[channels.clone()]));
        // The map of a norm in one pass, with or without a residual; else part by part.
        if let (Some(scale), Some(bias)) = (scale, bias) {
            let mapped = values.iter_mut().zip(scale).zip(bias);
            match residual {
                Some(residual) => mapped
                    .zip(residual)
                    .for_each(|(((value, scale), bias), other)| *value = end(*value * scale + bias + other)),
                None => mapped.for_each(|((value, scale), bias)| *value = end(*value * scale + bias)),
            }
            return;
        }
        if let Some(scale) = scale {
            values.iter_mut().zip(scale).for_each(|(value, scale)| *value *= scale);
        }
        if let Some(other) = bias {
            values.iter_mut().zip(other).for_each(|(value, other)| *value += other);
        }
        if let Some(other) = residual {
            values.iter_mut().zip(other).for_each(|(value, other)| *value += other);
        }
        if self.relu {
            values.iter_mut().for_each(|value| *value = end(*value));
        }
    }
}
