use taf_kernels::AdaptiveShape;

/// The adaptive convolution over time by its definition: gate, then convolve each channel of each clip.
pub fn forward(shape: &AdaptiveShape, x: &[f64], kernels: &[f64], gates: &[f64]) -> Vec<f64> {
    let AdaptiveShape { clips, frames, pixels, channels } = *shape;
    let mut y = vec![0.0; x.len()];
    for clip in 0..clips {
        for frame in 0..frames {
            for (tap, from) in (0..3).map(|tap| (tap, (frame + tap).wrapping_sub(1))).filter(|&(_, from)| from < frames)
            {
                for pixel in 0..pixels {
                    for c in 0..channels {
                        let gated = gates[(clip * frames + from) * channels + c]
                            * x[((clip * frames + from) * pixels + pixel) * channels + c];
                        y[((clip * frames + frame) * pixels + pixel) * channels + c] +=
                            kernels[(clip * channels + c) * 3 + tap] * gated;
                    }
                }
            }
        }
    }
    y
}
