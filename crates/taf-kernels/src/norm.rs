use rayon::prelude::*;

use crate::simd::vectorized;

/// Floats per task: 256 KiB.
const TASK: usize = 64 * 1024;
/// Floats summed in f32 before they are added to an f64 total.
const BLOCK: usize = 512;

/// Sum of the squares of `x`. The sums of fixed parts are added in a fixed order, so the result does not depend on threads.
pub fn sum_of_squares(x: &[f32]) -> f64 {
    let parts: Vec<f64> = x.par_chunks(TASK).map(|part| part.chunks(BLOCK).map(block).sum()).collect();
    parts.iter().sum()
}

fn block(x: &[f32]) -> f64 {
    vectorized(|| {
        let mut lanes = [0.0_f32; 16];
        let whole = x.chunks_exact(16);
        let rest: f32 = whole.remainder().iter().map(|v| v * v).sum();
        whole.for_each(|chunk| lanes.iter_mut().zip(chunk).for_each(|(sum, v)| *sum += v * v));
        f64::from(rest) + lanes.iter().map(|&sum| f64::from(sum)).sum::<f64>()
    })
}

#[cfg(test)]
mod tests {
    use super::sum_of_squares;

    #[test]
    fn it_equals_the_sum_in_double_precision_for_any_length_and_number_of_threads() {
        for length in [0, 1, 15, 16, 17, 1000, 200_003] {
            let x: Vec<f32> = (0..length).map(|i| ((i * 7919 % 1013) as f32 - 506.0) / 300.0).collect();
            let expected: f64 = x.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
            let found = sum_of_squares(&x);
            assert!((found - expected).abs() <= 1e-6 * expected.max(1.0), "{length}: {found} against {expected}");
            for threads in [1, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                assert_eq!(pool.install(|| sum_of_squares(&x)).to_bits(), found.to_bits());
            }
        }
    }
}
