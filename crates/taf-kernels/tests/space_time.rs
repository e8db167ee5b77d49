//! GST's two convolutions against the 3-D twin of each on its own channels.

mod naive;

use naive::{SUM_TOLERANCE, assert_close, random, spoiled};
use taf_kernels::{
    BatchStatistics, Conv3dShape, Epilogue, SpaceTimeShape, space_time_forward, space_time_forward_statistics,
    space_time_forward_with, space_time_input_gradient, space_time_weight_gradients,
};

fn grid() -> Vec<SpaceTimeShape> {
    let shape = |clips, input: [usize; 3], channels_in, channels_out, shared, stride| SpaceTimeShape {
        clips,
        frames: input[0],
        height: input[1],
        width: input[2],
        channels_in,
        channels_out,
        shared,
        stride,
    };
    vec![
        shape(2, [4, 6, 5], 64, [48, 16], false, 1),
        shape(2, [4, 6, 5], 64, [48, 16], true, 1),
        shape(1, [3, 7, 8], 16, [12, 4], false, 2),
        shape(1, [3, 7, 8], 8, [6, 2], true, 2),
        shape(3, [1, 4, 4], 10, [5, 37], false, 1),
        shape(1, [8, 12, 12], 128, [96, 32], false, 2),
    ]
}

struct Operands {
    x: Vec<f32>,
    weights: [Vec<f32>; 2],
    dy: Vec<f32>,
}

fn operands(shape: &SpaceTimeShape) -> Operands {
    let [space, time] = shape.parts();
    let weights = [random(space.weight_len(), 2), random(time.weight_len(), 3)];
    Operands { x: random(shape.input_len(), 1), weights, dy: random(shape.output_len(), 4) }
}

/// The channels of a part out of all of them.
fn taken(values: &[f32], all: usize, first: usize, count: usize) -> Vec<f32> {
    values.chunks(all).flat_map(|pixel| pixel[first..first + count].to_vec()).collect()
}

/// Adds the channels of a part to all of them.
fn added(sum: &mut [f64], all: usize, first: usize, part: &[f64], count: usize) {
    for (pixel, part) in sum.chunks_mut(all).zip(part.chunks(count)) {
        pixel[first..].iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
    }
}

/// Each part with the first of its inputs and outputs.
fn parts(shape: &SpaceTimeShape) -> impl Iterator<Item = (usize, Conv3dShape, [usize; 2])> {
    let [inputs, outputs] = [shape.first_inputs(), [0, shape.channels_out[0]]];
    shape.parts().into_iter().enumerate().map(move |(index, part)| (index, part, [inputs[index], outputs[index]]))
}

fn twin_forward(shape: &SpaceTimeShape, Operands { x, weights, .. }: &Operands) -> Vec<f64> {
    let mut y = vec![0.0; shape.output_len()];
    for (index, part, [input, output]) in parts(shape) {
        let x = taken(x, shape.channels_in, input, part.channels_in);
        let own = naive::conv3d::forward(&part, &x, &weights[index]);
        added(&mut y, shape.outputs(), output, &own, part.channels_out);
    }
    y
}

#[test]
fn the_three_passes_agree_with_their_twins() {
    for shape in grid() {
        let operands = operands(&shape);
        let Operands { x, weights, dy } = &operands;
        let weights = weights.each_ref().map(Vec::as_slice);
        let [mut y, mut dx] = [dy.len(), x.len()].map(spoiled);
        let [mut dspace, mut dtime] = weights.map(|w| spoiled(w.len()));
        space_time_forward(&shape, x, weights, &mut y);
        assert_close(&format!("{shape:?}"), &y, &twin_forward(&shape, &operands), SUM_TOLERANCE);
        space_time_input_gradient(&shape, dy, weights, &mut dx);
        space_time_weight_gradients(&shape, x, dy, [&mut dspace, &mut dtime]);
        let mut expected = vec![0.0; x.len()];
        for (index, part, [input, output]) in parts(&shape) {
            let own_x = taken(x, shape.channels_in, input, part.channels_in);
            let own_dy = taken(dy, shape.outputs(), output, part.channels_out);
            let own_dx = naive::conv3d::input_gradient(&part, &own_dy, weights[index]);
            added(&mut expected, shape.channels_in, input, &own_dx, part.channels_in);
            let dw = naive::conv3d::weight_gradient(&part, &own_x, &own_dy);
            assert_close(&format!("{shape:?}"), [&dspace, &dtime][index], &dw, SUM_TOLERANCE);
        }
        assert_close(&format!("{shape:?}"), &dx, &expected, SUM_TOLERANCE);
    }
}

#[test]
fn scale_bias_and_relu_meet_the_channels_they_are_for() {
    for shape in grid() {
        let operands = operands(&shape);
        let [scale, bias] = [5, 6].map(|seed| random(shape.outputs(), seed));
        let epilogue = Epilogue { scale: Some(&scale), bias: Some(&bias), relu: true, ..Epilogue::default() };
        let mut y = spoiled(shape.output_len());
        space_time_forward_with(&shape, &operands.x, operands.weights.each_ref().map(Vec::as_slice), &epilogue, &mut y);
        let mut expected = twin_forward(&shape, &operands);
        for (place, sum) in expected.iter_mut().enumerate() {
            let channel = place % shape.outputs();
            *sum = (*sum * f64::from(scale[channel]) + f64::from(bias[channel])).max(0.0);
        }
        assert_close(&format!("{shape:?}"), &y, &expected, SUM_TOLERANCE);
    }
}

#[test]
fn statistics_taken_on_the_way_are_those_of_the_output() {
    for shape in grid() {
        let Operands { x, weights, .. } = operands(&shape);
        let mut y = spoiled(shape.output_len());
        let weights = weights.each_ref().map(Vec::as_slice);
        let statistics = space_time_forward_statistics(&shape, &x, weights, 1e-5, &mut y);
        let expected = BatchStatistics::of(&y, shape.outputs(), 1e-5);
        assert_close(&format!("{shape:?}"), &statistics.mean, &naive::wide(&expected.mean), 1e-5);
        assert_close(&format!("{shape:?}"), &statistics.variance, &naive::wide(&expected.variance), 1e-5);
    }
}

#[test]
#[should_panic(expected = "half of 7 channels")]
fn an_odd_number_of_channels_cannot_be_halved() {
    SpaceTimeShape { channels_in: 7, ..grid()[0] }.validate();
}
