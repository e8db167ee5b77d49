//! What every [`VideoModel`] must satisfy before the method can trust it.

use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use taf_video::{Clip, Frame, Seed};

use crate::adversary::TemporalAdversary;
use crate::data::{ClipBatch, Sample};
use crate::model::{Pass, VideoModel, VideoOutput, class_tensor, load_state, state_dict};
use crate::ops::values;
use crate::train::{Optimizer, SgdConfig, Step, TrainConfig};

/// Largest difference of logits that count as equal, relative to the largest logit: float32 summed in another order.
const CLOSE: f32 = 1e-3;
/// Steps in which a model must learn four clips by heart, and how far its loss must fall.
const LEARNING_STEPS: usize = 40;
const LEARNED: f64 = 0.5;

/// Clips the checks are made with.
#[derive(Clone, Copy, Debug)]
pub struct ClipSize {
    /// Frames per clip.
    pub frames: usize,
    /// Height and width in pixels.
    pub side: usize,
}

/// Runs every check on a model with autodiff, and returns what failed, a sentence each; nothing for a sound model.
///
/// The checks: shapes and finiteness; the answer to a clip does not depend on its batch; saved and loaded weights answer
/// alike; perturbing changes clips within the budget but neither weights nor statistics; the classifier is told apart;
/// a few steps of training lower the loss.
pub fn check<M: VideoModel>(model: M, size: ClipSize) -> Vec<String> {
    let mut failures = Vec::new();
    let mut expect = |holds: bool, sentence: String| {
        if !holds {
            failures.push(sentence);
        }
    };
    let clips = random_clips(4, size, 1);
    let frozen = model.valid();
    let output = frozen.forward(clips.clone(), &mut Pass::inference());
    if !check_shapes(&frozen, &output, size, &mut expect) {
        return failures;
    }
    check_batch_independence(&frozen, &clips, &output, &mut expect);
    check_state(&frozen, &clips, &output, &mut expect);
    check_perturbation(&model, &clips, &mut expect);
    let named = state_dict(&model).keys().filter(|name| model.is_head(name)).count();
    expect(named > 0, "is_head names no parameter: which ones make the classifier?".into());
    check_learning(model, size, &mut expect);
    failures
}

type Expect<'a> = &'a mut dyn FnMut(bool, String);

fn check_shapes<M: VideoModel>(model: &M, output: &VideoOutput, size: ClipSize, expect: Expect) -> bool {
    let [batch, time, _, _, channels] = output.features.dims();
    let logits = output.logits.dims();
    if logits != [4, model.classes()] || model.classes() < 2 || batch != 4 {
        let found =
            format!("logits of 4 clips are {logits:?}, features start with {batch}, classes() is {}", model.classes());
        expect(false, found);
        return false;
    }
    let whole = time >= 1 && size.frames.is_multiple_of(time);
    expect(whole, format!("features have {time} steps in time for {} frames", size.frames));
    let finite = values(output.logits.clone()).iter().all(|value| value.is_finite());
    expect(finite, "logits are not finite".into());
    let classes = class_tensor(&[0, model.classes() - 1, 0, 0], &output.logits.device());
    let weights = model.cam_weights(output, classes.clone());
    expect(weights.dims() == [4, channels], format!("cam_weights are {:?} for {channels} channels", weights.dims()));
    let again = values(model.cam_weights(output, classes));
    expect(values(weights) == again, "cam_weights of the same output and classes differ".into());
    true
}

fn check_batch_independence<M: VideoModel>(model: &M, clips: &Tensor<5>, output: &VideoOutput, expect: Expect) {
    let alone = model.forward(clips.clone().narrow(0, 2, 1), &mut Pass::inference()).logits;
    let together = output.logits.clone().narrow(0, 2, 1);
    let largest = distance(together.clone(), together.zeros_like());
    expect(
        distance(alone, together) <= CLOSE * largest,
        "the answer to a clip depends on the other clips of its batch".into(),
    );
    let again = model.forward(clips.clone(), &mut Pass::inference()).logits;
    expect(distance(again, output.logits.clone()) == 0.0, "the same clips get different answers".into());
}

fn check_state<M: VideoModel>(model: &M, clips: &Tensor<5>, output: &VideoOutput, expect: Expect) {
    match load_state(model.clone(), state_dict(model)) {
        Err(error) => expect(false, format!("its own weights do not fit it: {error}")),
        Ok(copy) => {
            let logits = copy.forward(clips.clone(), &mut Pass::inference()).logits;
            let same = distance(logits, output.logits.clone()) == 0.0;
            expect(same, "a copy with the same weights answers differently".into());
        }
    }
}

fn check_perturbation<M: VideoModel>(model: &M, clips: &Tensor<5>, expect: Expect) {
    let before = state_dict(model);
    let adversary = TemporalAdversary::default();
    let perturbed = adversary.perturb(model, clips.clone(), &[0, 0, 1, 1], 5);
    let moved = distance(perturbed.clips.clone(), clips.clone());
    expect(moved > 0.0, "the gradient of the attention to the pixels is zero".into());
    // Adding and clamping a step of epsilon rounds.
    let budget = adversary.epsilon as f32 + 1e-6;
    expect(moved <= budget, format!("the perturbation of {moved} exceeds its budget of {budget}"));
    let range = values(perturbed.clips);
    expect(range.iter().all(|value| (0.0..=1.0).contains(value)), "perturbed clips leave [0, 1]".into());
    expect(state_dict(model) == before, "perturbing changed weights or running statistics".into());
}

fn check_learning<M: VideoModel>(model: M, size: ClipSize, expect: Expect) {
    let batch = learnable_batch(size, model.classes());
    let config = SgdConfig { learning_rate: 0.02, weight_decay: 0.0, clip_norm: 5.0, ..SgdConfig::default() };
    let (mut model, mut optimizer) = (model, Optimizer::new(config));
    let train = TrainConfig::default();
    let mut losses = Vec::with_capacity(LEARNING_STEPS);
    for step in 0..LEARNING_STEPS {
        let step = Step { train: &train, taf: None, schedule: 1.0, epoch: 0.0, seed: Seed::new(9).at(step) };
        let (next, outcome) = step.take(model, &mut optimizer, &batch);
        model = next;
        losses.push(outcome.loss);
    }
    let (first, last) = (losses[0], losses[LEARNING_STEPS - 4..].iter().sum::<f64>() / 4.0);
    expect(
        last < LEARNED * first,
        format!("{LEARNING_STEPS} steps on one batch lower the loss only from {first} to {last}"),
    );
}

/// Four clips that differ in colour, two classes.
fn learnable_batch(size: ClipSize, classes: usize) -> ClipBatch {
    let clip = |shade: u8| Clip::new(vec![Frame::filled(size.side, size.side, [shade, 128, 255 - shade]); size.frames]);
    let samples = [10, 60, 190, 240].iter().enumerate().map(|(index, &shade)| Sample {
        clip: clip(shade),
        label: index / 2 % classes,
        id: format!("shade {shade}"),
    });
    ClipBatch { samples: samples.collect() }
}

fn random_clips(batch: usize, size: ClipSize, seed: u64) -> Tensor<5> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let shape = [batch, size.frames, 3, size.side, size.side];
    let values = (0..shape.iter().product()).map(|_| rng.random()).collect();
    Tensor::from_data(TensorData::new::<f32, _>(values, shape), &Device::flex())
}

/// Largest difference between two tensors.
fn distance<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> f32 {
    values(a).iter().zip(values(b)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}
