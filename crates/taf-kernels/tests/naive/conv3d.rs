use taf_kernels::Conv3dShape;

/// Calls `visit(input index, weight index, output index)` for every product of the convolution.
fn products(shape: &Conv3dShape, mut visit: impl FnMut(usize, usize, usize)) {
    let input = [shape.frames, shape.height, shape.width];
    let output = shape.output();
    for place in 0..shape.clips * output.iter().product::<usize>() {
        let (clip, at) = split(place, output);
        for tap in 0..shape.kernel.iter().product::<usize>() {
            let (_, offset) = split(tap, shape.kernel);
            let from =
                [0, 1, 2].map(|axis| (at[axis] * shape.stride[axis] + offset[axis]).wrapping_sub(shape.padding[axis]));
            if (0..3).any(|axis| from[axis] >= input[axis]) {
                continue;
            }
            let pixel = ((clip * input[0] + from[0]) * input[1] + from[1]) * input[2] + from[2];
            for c in 0..shape.channels_in {
                for o in 0..shape.channels_out {
                    visit(
                        pixel * shape.channels_in + c,
                        (tap * shape.channels_in + c) * shape.channels_out + o,
                        place * shape.channels_out + o,
                    );
                }
            }
        }
    }
}

/// What lies before the last three axes, and the place on them.
fn split(place: usize, [frames, height, width]: [usize; 3]) -> (usize, [usize; 3]) {
    let [line, frame] = [place / width, place / width / height];
    (frame / frames, [frame % frames, line % height, place % width])
}

pub fn forward(shape: &Conv3dShape, x: &[f32], w: &[f32]) -> Vec<f64> {
    let mut y = vec![0.0; shape.output_len()];
    products(shape, |input, weight, output| y[output] += f64::from(x[input]) * f64::from(w[weight]));
    y
}

pub fn input_gradient(shape: &Conv3dShape, dy: &[f32], w: &[f32]) -> Vec<f64> {
    let mut dx = vec![0.0; shape.input_len()];
    products(shape, |input, weight, output| dx[input] += f64::from(dy[output]) * f64::from(w[weight]));
    dx
}

pub fn weight_gradient(shape: &Conv3dShape, x: &[f32], dy: &[f32]) -> Vec<f64> {
    let mut dw = vec![0.0; shape.weight_len()];
    products(shape, |input, weight, output| dw[weight] += f64::from(x[input]) * f64::from(dy[output]));
    dw
}
