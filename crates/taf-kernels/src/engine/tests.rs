use pulp::Arch;

use super::{Machine, Output, Placement, Product, Reduction, Tap, Weights, Window, reduce, run};

/// Every vector width of this processor.
fn machines() -> Vec<Machine> {
    #[allow(unused_mut, reason = "only x86 has a level between")]
    let mut levels = vec![Arch::Scalar, Arch::new()];
    #[cfg(target_arch = "x86_64")]
    levels.extend(pulp::x86::V3::try_new().map(Arch::V3));
    levels.into_iter().map(Machine::of).collect()
}

fn values(len: usize) -> Vec<f32> {
    (0..len).map(|place| (place * 7919 % 1013) as f32 / 1013.0 - 0.5).collect()
}

const GRID: [usize; 3] = [2, 9, 5];
const CHANNELS: usize = 37;

/// Three taps over two clips, one of which always falls on the source.
fn window(columns: usize) -> Window {
    let at = [[0, 0, 0], [1, -1, 2], [0, 3, -1]];
    let tap = |(index, at)| Tap { at, channels: 0..CHANNELS, weights: index * CHANNELS * columns };
    let taps = at.into_iter().enumerate().map(tap).collect();
    Window { clips: 2, source: GRID, pixel_stride: CHANNELS, grid: GRID, step: [1; 3], taps }
}

/// Calls `visit(row, tap, source pixel)` for every tap that falls on the source.
fn products(window: &Window, mut visit: impl FnMut(usize, usize, usize)) {
    for row in 0..window.rows() {
        let place = [row / 45 % 2, row / 5 % 9, row % 5];
        for (tap, Tap { at, .. }) in window.taps.iter().enumerate() {
            let from = [0, 1, 2].map(|axis| place[axis].wrapping_add_signed(at[axis]));
            if (0..3).all(|axis| from[axis] < GRID[axis]) {
                visit(row, tap, ((row / 90 * 2 + from[0]) * 9 + from[1]) * 5 + from[2]);
            }
        }
    }
}

fn placement(columns: usize) -> Placement {
    Placement { dims: GRID, step: [1; 3], start: [0; 3], pixel_stride: columns }
}

fn assert_close(machine: &Machine, got: &[f32], expected: &[f64]) {
    for (place, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!((f64::from(*got) - expected).abs() < 1e-4, "{machine:?}: [{place}] is {got}, expected {expected}");
    }
}

#[test]
fn a_product_is_right_with_every_vector_of_this_processor() {
    for columns in [1, 5, 16, 17, 40, 64, 130] {
        let window = window(columns);
        let [source, weights] = [values(window.rows() * CHANNELS), values(3 * CHANNELS * columns)];
        let mut expected = vec![0.0; window.rows() * columns];
        products(&window, |row, tap, pixel| {
            for c in 0..CHANNELS {
                for n in 0..columns {
                    expected[row * columns + n] += f64::from(source[pixel * CHANNELS + c])
                        * f64::from(weights[(tap * CHANNELS + c) * columns + n]);
                }
            }
        });
        for machine in machines() {
            let product = Product {
                window: window.clone(),
                placement: placement(columns),
                source: &source,
                weights: Weights { data: &weights, row_stride: columns, column_stride: 1 },
                columns,
                first_column: 0,
                add: false,
            };
            let mut out = vec![f32::NAN; expected.len()];
            run(&machine, &[product], Output::new(&mut out), |_| ());
            assert_close(&machine, &out, &expected);
        }
    }
}

#[test]
fn a_reduction_is_right_with_every_vector_of_this_processor() {
    for columns in [1, 5, 16, 17, 40, 64, 130] {
        let window = window(columns);
        let [source, gradient] = [values(window.rows() * CHANNELS), values(window.rows() * columns)];
        let mut expected = vec![0.0; 3 * CHANNELS * columns];
        products(&window, |row, tap, pixel| {
            for c in 0..CHANNELS {
                for n in 0..columns {
                    expected[(tap * CHANNELS + c) * columns + n] +=
                        f64::from(source[pixel * CHANNELS + c]) * f64::from(gradient[row * columns + n]);
                }
            }
        });
        for machine in machines() {
            let reduction = Reduction {
                window: window.clone(),
                placement: placement(columns),
                source: &source,
                gradient: &gradient,
                columns,
                first_column: 0,
                row_stride: columns,
            };
            let mut out = vec![f32::NAN; expected.len()];
            reduce(&machine, &[reduction], &mut out);
            assert_close(&machine, &out, &expected);
        }
    }
}
