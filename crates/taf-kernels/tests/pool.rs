//! Pooling against its definition.

mod naive;

use naive::{assert_close, dot, random, spoiled, wide, with_threads};
use taf_kernels::{
    PoolShape, global_average_pool_backward, global_average_pool_forward, max_pool2d_backward, max_pool2d_forward,
};

fn shapes() -> Vec<PoolShape> {
    let shape = |pixels: [usize; 4], kernel, stride, padding| {
        let [batch, height, width, channels] = pixels;
        PoolShape { batch, height, width, channels, kernel, stride, padding }
    };
    vec![
        shape([2, 8, 9, 5], [3, 3], [2, 2], [1, 1]),
        shape([1, 1, 1, 3], [1, 1], [1, 1], [0, 0]),
        shape([3, 7, 6, 16], [2, 2], [2, 2], [0, 0]),
        shape([2, 12, 5, 33], [5, 3], [3, 1], [2, 0]),
        shape([1, 6, 6, 4], [3, 3], [1, 1], [1, 1]),
        shape([2, 4, 49, 4], [4, 1], [4, 1], [0, 0]),
        shape([2, 256, 3, 5], [256, 1], [256, 1], [0, 0]),
        shape([1, 512, 4, 17], [512, 1], [512, 1], [0, 0]),
    ]
}

/// Values on a coarse grid, so that ties are common.
fn with_ties(len: usize) -> Vec<f32> {
    random(len, 1).iter().map(|value| (value * 3.0).round()).collect()
}

fn forward(shape: &PoolShape, x: &[f32]) -> (Vec<f32>, Vec<u16>) {
    let (mut y, mut places) = (spoiled(shape.output_len()), vec![77; shape.output_len()]);
    max_pool2d_forward(shape, x, &mut y, &mut places);
    (y, places)
}

/// For every output: the largest value and the input it came from, the first one in reading order.
fn twin(shape: &PoolShape, x: &[f32]) -> Vec<(f32, usize)> {
    let mut maxima = Vec::new();
    for image in 0..shape.batch {
        for row in 0..shape.output_height() {
            for column in 0..shape.output_width() {
                for channel in 0..shape.channels {
                    let mut best: Option<(f32, usize)> = None;
                    for i in 0..shape.kernel[0] {
                        for j in 0..shape.kernel[1] {
                            let y = (row * shape.stride[0] + i) as isize - shape.padding[0] as isize;
                            let z = (column * shape.stride[1] + j) as isize - shape.padding[1] as isize;
                            if y < 0 || z < 0 || y >= shape.height as isize || z >= shape.width as isize {
                                continue;
                            }
                            let pixel = (image * shape.height + y as usize) * shape.width + z as usize;
                            let at = pixel * shape.channels + channel;
                            if best.is_none_or(|(value, _)| x[at] > value) {
                                best = Some((x[at], at));
                            }
                        }
                    }
                    maxima.push(best.expect("a window that meets the picture"));
                }
            }
        }
    }
    maxima
}

#[test]
fn the_maximum_of_each_window_is_found() {
    for shape in shapes() {
        let x = with_ties(shape.input_len());
        let expected: Vec<f32> = twin(&shape, &x).iter().map(|maximum| maximum.0).collect();
        assert_eq!(forward(&shape, &x).0, expected, "{shape:?}");
    }
}

#[test]
fn the_gradient_goes_to_the_first_of_equal_maxima() {
    for shape in shapes() {
        let x = with_ties(shape.input_len());
        let dy = random(shape.output_len(), 2);
        let mut expected = vec![0.0; shape.input_len()];
        twin(&shape, &x).iter().zip(&dy).for_each(|((_, at), dy)| expected[*at] += f64::from(*dy));
        let mut dx = spoiled(shape.input_len());
        max_pool2d_backward(&shape, &dy, &forward(&shape, &x).1, &mut dx);
        assert_close(&format!("{shape:?}"), &dx, &expected, 1e-6);
    }
}

#[test]
fn minus_infinity_and_nan_are_values_like_others() {
    let shape =
        PoolShape { batch: 1, height: 1, width: 2, channels: 1, kernel: [1, 2], stride: [1, 1], padding: [0, 0] };
    assert_eq!(forward(&shape, &[f32::NEG_INFINITY; 2]), (vec![f32::NEG_INFINITY], vec![0]));
    let (y, places) = forward(&shape, &[1.0, f32::NAN]);
    assert!(y[0].is_nan() && places[0] == 1);
}

#[test]
fn the_average_and_its_gradient_are_transposes() {
    for [batch, pixels, channels] in [[1, 1, 1], [2, 49, 70], [8, 16, 2048], [3, 5, 1]] {
        let [x, dy] = [random(batch * pixels * channels, 1), random(batch * channels, 2)];
        let [mut y, mut dx] = [spoiled(dy.len()), spoiled(x.len())];
        global_average_pool_forward(pixels, channels, &x, &mut y);
        global_average_pool_backward(pixels, channels, &dy, &mut dx);
        let mean = |at: usize| {
            let picture = &x[at / channels * pixels * channels..][..pixels * channels];
            picture.iter().skip(at % channels).step_by(channels).map(|&x| f64::from(x) / pixels as f64).sum()
        };
        let expected: Vec<f64> = (0..y.len()).map(mean).collect();
        assert_close("mean", &y, &expected, 1e-6);
        let [ahead, back] = [dot(&expected, &wide(&dy)), dot(&wide(&x), &wide(&dx))];
        assert!((ahead - back).abs() < 1e-5 * (batch * channels) as f64, "{ahead} and {back}");
    }
}

#[test]
fn any_number_of_threads_pools_alike() {
    let shape = shapes()[0];
    let x = with_ties(shape.input_len());
    assert_eq!(with_threads(1, || forward(&shape, &x)), with_threads(3, || forward(&shape, &x)));
}

#[test]
#[should_panic(expected = "half the window")]
fn a_window_of_nothing_but_padding_is_refused() {
    PoolShape { padding: [2, 2], ..shapes()[0] }.validate();
}

#[test]
#[should_panic(expected = "a window has 1 to 65535 pixels")]
fn a_window_whose_pixels_cannot_be_numbered_is_refused() {
    PoolShape { height: 300, width: 300, kernel: [256, 256], ..shapes()[0] }.validate();
}
