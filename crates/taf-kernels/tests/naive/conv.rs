use taf_kernels::ConvShape;

/// Calls `visit(input index, weight index, output index)` for every product of the convolution.
fn products(shape: &ConvShape, mut visit: impl FnMut(usize, usize, usize)) {
    let (group_in, group_out) = (shape.channels_in / shape.groups, shape.channels_out / shape.groups);
    for image in 0..shape.batch {
        for row in 0..shape.output_height() {
            for column in 0..shape.output_width() {
                for i in 0..shape.kernel[0] {
                    for j in 0..shape.kernel[1] {
                        let y = (row * shape.stride[0] + i) as isize - shape.padding[0] as isize;
                        let x = (column * shape.stride[1] + j) as isize - shape.padding[1] as isize;
                        if y < 0 || x < 0 || y >= shape.height as isize || x >= shape.width as isize {
                            continue;
                        }
                        let pixel = (image * shape.height + y as usize) * shape.width + x as usize;
                        let out = (image * shape.output_height() + row) * shape.output_width() + column;
                        let tap = i * shape.kernel[1] + j;
                        for c in 0..group_in {
                            for o in 0..shape.channels_out {
                                visit(
                                    pixel * shape.channels_in + o / group_out * group_in + c,
                                    (tap * group_in + c) * shape.channels_out + o,
                                    out * shape.channels_out + o,
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}

pub fn forward(shape: &ConvShape, x: &[f32], w: &[f32]) -> Vec<f64> {
    let mut y = vec![0.0; shape.output_len()];
    products(shape, |input, weight, output| y[output] += f64::from(x[input]) * f64::from(w[weight]));
    y
}

pub fn input_gradient(shape: &ConvShape, dy: &[f32], w: &[f32]) -> Vec<f64> {
    let mut dx = vec![0.0; shape.input_len()];
    products(shape, |input, weight, output| dx[input] += f64::from(dy[output]) * f64::from(w[weight]));
    dx
}

pub fn weight_gradient(shape: &ConvShape, x: &[f32], dy: &[f32]) -> Vec<f64> {
    let mut dw = vec![0.0; shape.weight_len()];
    products(shape, |input, weight, output| dw[weight] += f64::from(x[input]) * f64::from(dy[output]));
    dw
}
