//! Random fields of one value a pixel, smoothed by a Gaussian.

use super::convolve::Border;

/// The field's rows of `width` convolved with a Gaussian that is cut after `reach` standard deviations, and then its columns.
pub fn smoothed(field: &[f64], width: usize, sigma: f64, reach: f64, border: Border) -> Vec<f64> {
    let height = field.len() / width;
    let across = transposed(&blurred_rows(field, width, sigma, reach, border), width);
    transposed(&blurred_rows(&across, height, sigma, reach, border), height)
}

fn transposed(field: &[f64], width: usize) -> Vec<f64> {
    (0..width).flat_map(|x| field.iter().skip(x).step_by(width).copied()).collect()
}

fn blurred_rows(field: &[f64], len: usize, sigma: f64, reach: f64, border: Border) -> Vec<f64> {
    let rows = weights(len, sigma, reach, border);
    let blurred = |row: &[f64]| -> Vec<f64> {
        rows.iter().map(|(first, weights)| dot(weights, &row[*first..*first + weights.len()])).collect()
    };
    field.chunks_exact(len).flat_map(blurred).collect()
}

/// Eight sums at a time: a single one waits for itself.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a_parts, a_rest) = a.as_chunks::<8>();
    let (b_parts, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a_parts.iter().zip(b_parts) {
        (0..8).for_each(|i| sums[i] += a[i] * b[i]);
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

/// For every place of a row the first place that it looks at, and what each from there on counts. A Gaussian that is longer than
/// the row is folded onto it, so no place costs more than the row is long.
fn weights(len: usize, sigma: f64, reach: f64, border: Border) -> Vec<(usize, Vec<f64>)> {
    let taps = gaussian(sigma, reach);
    let radius = (taps.len() / 2) as isize;
    let folded = |place: usize| {
        let mut weights = vec![0.0; len];
        for (i, tap) in taps.iter().enumerate() {
            weights[border.resolve(place as isize + i as isize - radius, len)] += tap;
        }
        let used = |weight: &f64| *weight > 0.0;
        let (first, last) = (weights.iter().position(used).unwrap_or(0), weights.iter().rposition(used).unwrap_or(0));
        (first, weights[first..=last].to_vec())
    };
    (0..len).map(folded).collect()
}

fn gaussian(sigma: f64, reach: f64) -> Vec<f64> {
    let radius = (reach * sigma + 0.5) as i32;
    let bell = |i: i32| if i == 0 { 1.0 } else { (-0.5 * (f64::from(i) / sigma).powi(2)).exp() };
    let taps: Vec<f64> = (-radius..=radius).map(bell).collect();
    let sum: f64 = taps.iter().sum();
    taps.into_iter().map(|tap| tap / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition: each value the weighted sum of all under the bell, row by row and column by column.
    fn naive(field: &[f64], width: usize, sigma: f64, reach: f64, border: Border) -> Vec<f64> {
        let height = field.len() / width;
        let taps = gaussian(sigma, reach);
        let radius = (taps.len() / 2) as isize;
        let sum = |field: &[f64], x: usize, y: usize, across: isize, down: isize| -> f64 {
            let at = |i: isize| {
                let column = border.resolve(x as isize + i * across, width);
                field[border.resolve(y as isize + i * down, height) * width + column]
            };
            taps.iter().enumerate().map(|(i, tap)| tap * at(i as isize - radius)).sum()
        };
        let pass = |field: &[f64], across, down| -> Vec<f64> {
            (0..field.len()).map(|i| sum(field, i % width, i / width, across, down)).collect()
        };
        pass(&pass(field, 1, 0), 0, 1)
    }

    #[test]
    fn smoothing_agrees_with_the_sum_over_the_bell() {
        let field: Vec<f64> = (0..11 * 7).map(|i| f64::from(i * i * 7 % 101) - 50.0).collect();
        for border in [Border::Nearest, Border::Mirror, Border::Symmetric] {
            for (sigma, reach) in [(0.0, 4.0), (0.8, 4.0), (2.5, 3.0), (30.0, 3.0)] {
                let (fast, slow) =
                    (smoothed(&field, 11, sigma, reach, border), naive(&field, 11, sigma, reach, border));
                let far = fast.iter().zip(&slow).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(far < 1e-9, "{border:?}, sigma {sigma}: {far}");
            }
        }
    }
}
