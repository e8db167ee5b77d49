use burn::tensor::Tensor;
use rand::RngExt;
use taf_video::Seed;

use super::ball::Ball;
use super::draws::Draws;
use super::dropped::{drawn, most_attended, without_frames};
use super::frames::{Budget, Frames, shares};
use super::{AttendedClass, DroppedBy, Objective, Perturbed, TemporalAdversary, scale};
use crate::attention::class_activation_map;
use crate::model::{Pass, VideoModel, VideoOutput, class_tensor, predictions};
use crate::ops::values;

/// What the network says to the natural clip: the fixed points of the ascent.
struct Natural {
    classes: Vec<usize>,
    attention: Tensor<2>,
    log_attention: Tensor<2>,
}

/// A forward pass of the frozen network whose gradient leads a step.
pub(super) type Forward<'a, M> = dyn FnMut(&M, Tensor<5>) -> VideoOutput + Send + 'a;

impl TemporalAdversary {
    /// Clips with noise, within the budget of each of their frames.
    pub(super) fn shake<M: VideoModel>(
        &self,
        frozen: &M,
        clips: Tensor<5>,
        labels: &[usize],
        draws: Draws<'_>,
    ) -> Perturbed {
        let natural = self.looks_at_attention().then(|| {
            let classes = self.classes(frozen, &clips, labels);
            self.look(frozen, &clips, classes)
        });
        let ball = self.ball(&clips, natural.as_ref(), draws);
        let noise = ball.noise(&clips, draws);
        let attention = natural.map(|natural| natural.attention);
        let left = self.without_dropped((clips + noise).clamp(0.0, 1.0), attention.as_ref(), draws);
        Perturbed::without_ascent(left, labels)
    }

    pub(super) fn climb<M: VideoModel>(
        &self,
        frozen: &M,
        clips: Tensor<5>,
        labels: &[usize],
        draws: Draws<'_>,
        forward: &mut Forward<'_, M>,
    ) -> Perturbed {
        let classes = self.classes(frozen, &clips, labels);
        let with_ball = |natural: Natural| {
            let ball = self.ball(&clips, Some(&natural), draws);
            (natural, ball)
        };
        let mut fixed = self.random_start.then(|| with_ball(self.look(frozen, &clips, classes.clone())));
        let mut perturbed = match &fixed {
            Some((_, ball)) => (clips.clone() + ball.random_start(&clips, draws)).clamp(0.0, 1.0),
            None => clips.clone(),
        };
        let (mut objective, mut flat, mut velocity) = (Vec::new(), 0, None);
        for _ in 0..self.steps {
            let leaf = scale::reduce(perturbed.clone(), self.scale).autodiff().require_grad();
            let output = forward(frozen, leaf.clone());
            let natural = || with_ball(self.natural(frozen, &output, classes.clone()));
            let (natural, ball) = fixed.get_or_insert_with(natural);
            let lengths = self.lengths(ball, &output, natural);
            let value = self.value(frozen, output, natural);
            objective = values(value.clone());
            if lengths.iter().all(|&length| length == 0.0) {
                break;
            }
            let gradient = leaf.grad(&value.sum().backward());
            let gradient = gradient.map_or_else(|| clips.zeros_like(), |gradient| scale::enlarge(gradient, &clips));
            let gradient = ball.restrict(gradient);
            flat = flat_clips(&gradient);
            let uphill = self.with_momentum(gradient, &mut velocity);
            perturbed = advance(ball, &clips, perturbed, uphill, &lengths);
        }
        let (Natural { classes, attention, .. }, _) = fixed.expect("there is at least one step");
        let perturbed = self.without_dropped(perturbed, Some(&attention), draws);
        Perturbed { clips: perturbed, classes, natural_attention: Some(attention), objective, flat }
    }

    /// The clips without the frames that they are to lose.
    fn without_dropped(&self, clips: Tensor<5>, attention: Option<&Tensor<2>>, draws: Draws<'_>) -> Tensor<5> {
        let [batch, time, ..] = clips.dims();
        let count = self.dropped.min(time - 1);
        if count == 0 {
            return clips;
        }
        let dropped = match (self.dropped_by, attention) {
            (DroppedBy::Attention, Some(attention)) => most_attended(attention, time, count),
            _ => (0..batch).map(|clip| drawn(time, count, draws.of_clip("dropped", clip))).collect(),
        };
        without_frames(clips, &dropped)
    }

    /// Whether the budget, or which frames are lost, depends on the attention on the natural clip.
    fn looks_at_attention(&self) -> bool {
        let drops_most_attended = self.dropped > 0 && self.dropped_by == DroppedBy::Attention;
        self.has_shares() || drops_most_attended
    }

    /// Whether frames have shares of the budget by the attention on the natural clip.
    fn has_shares(&self) -> bool {
        self.frames != Frames::All || self.budget != Budget::Uniform
    }

    fn ball(&self, clips: &Tensor<5>, natural: Option<&Natural>, draws: Draws<'_>) -> Ball {
        let [batch, time, ..] = clips.dims();
        let natural = natural.filter(|_| self.has_shares());
        let shares = natural.map(|natural| shares(self.frames, self.budget, &natural.attention, time));
        let radii = (0..batch).map(|clip| self.radius(draws.of_clip("epsilon", clip))).collect();
        Ball::new(self.norm, radii, shares)
    }

    fn radius(&self, seed: Seed) -> f64 {
        self.epsilon_from.map_or(self.epsilon, |from| from + (self.epsilon - from) * seed.rng().random::<f64>())
    }

    /// How long the next step of each clip is: 0 where the network already answers otherwise, if that is to end its ascent.
    fn lengths(&self, ball: &Ball, output: &VideoOutput, natural: &Natural) -> Vec<f64> {
        let size = self.step_size.unwrap_or(self.epsilon);
        let of_radius = |&radius: &f64| if radius == self.epsilon { size } else { size * radius / self.epsilon };
        let lengths = ball.radii().iter().map(of_radius);
        if !self.until_wrong {
            return lengths.collect();
        }
        let answers = predictions(&output.logits.clone().without_autodiff()).into_iter().zip(&natural.classes);
        lengths.zip(answers).map(|(length, (answer, class))| if answer == *class { length } else { 0.0 }).collect()
    }

    /// The direction of the next step, from this gradient and those before it: `velocity * momentum + gradient / |gradient|_1`,
    /// each clip for itself (MI-FGSM, Dong et al., CVPR 2018).
    fn with_momentum(&self, gradient: Tensor<5>, velocity: &mut Option<Tensor<5>>) -> Tensor<5> {
        if self.momentum == 0.0 {
            return gradient;
        }
        let [batch, time, channels, height, width] = gradient.dims();
        let rows = gradient.clone().reshape([batch, time * channels * height * width]);
        let total = rows.abs().sum_dim(1).clamp_min(f64::from(f32::MIN_POSITIVE)).reshape([batch, 1, 1, 1, 1]);
        let gradient = gradient / total;
        let next = match velocity.take() {
            None => gradient,
            Some(velocity) => velocity * self.momentum + gradient,
        };
        velocity.insert(next).clone()
    }

    pub(super) fn pass(&self) -> Pass {
        Pass::new(self.statistics, self.branch)
    }

    /// The classes attended to, where they do not follow from the pass that crafting makes anyway.
    fn classes<M: VideoModel>(&self, frozen: &M, clips: &Tensor<5>, labels: &[usize]) -> Option<Vec<usize>> {
        match self.class {
            AttendedClass::Label => Some(labels.to_vec()),
            // A smaller clip may be answered otherwise.
            AttendedClass::Prediction => scale::reduces(clips, self.scale)
                .then(|| predictions(&frozen.forward(clips.clone(), &mut self.pass()).logits)),
        }
    }

    /// A forward pass of the natural clips for nothing but what it says of them.
    fn look<M: VideoModel>(&self, frozen: &M, clips: &Tensor<5>, classes: Option<Vec<usize>>) -> Natural {
        let output = frozen.forward(scale::reduce(clips.clone(), self.scale), &mut self.pass());
        self.natural(frozen, &output, classes)
    }

    fn natural<M: VideoModel>(&self, model: &M, output: &VideoOutput, classes: Option<Vec<usize>>) -> Natural {
        let classes = classes.unwrap_or_else(|| predictions(&output.logits));
        let cam =
            class_activation_map(output.features.clone(), cam_weights(model, output, &classes)).without_autodiff();
        let (attention, log_attention) = (self.attention.from_cam(cam.clone()), self.attention.log_from_cam(cam));
        Natural { classes, attention, log_attention }
    }

    /// The objective of each clip, `[batch]`.
    fn value<M: VideoModel>(&self, model: &M, output: VideoOutput, natural: &Natural) -> Tensor<1> {
        if self.objective == Objective::CrossEntropy {
            return Objective::of_logits(output.logits, &natural.classes);
        }
        let weights = cam_weights(model, &output, &natural.classes);
        let attention = self.attention.log_of(&output, weights);
        let temporal = self.objective.of_log_attention(attention, natural.log_attention.clone());
        if self.cross_entropy == 0.0 {
            return temporal;
        }
        temporal + Objective::of_logits(output.logits, &natural.classes) * self.cross_entropy
    }
}

/// The clips one step further uphill, within ball and pixels. The step goes on from what the clamp left of the
/// perturbation, as in torchattacks and Foolbox: change that was clamped away is none, and costs no budget.
fn advance(ball: &Ball, clips: &Tensor<5>, perturbed: Tensor<5>, uphill: Tensor<5>, lengths: &[f64]) -> Tensor<5> {
    let delta = ball.ascend(perturbed - clips.clone(), uphill, lengths);
    (clips.clone() + ball.project(delta)).clamp(0.0, 1.0)
}

fn cam_weights<M: VideoModel>(model: &M, output: &VideoOutput, classes: &[usize]) -> Tensor<2> {
    model.cam_weights(output, class_tensor(classes, &output.logits.device().without_autodiff()))
}

/// How many clips have a gradient that is zero at every pixel.
fn flat_clips(gradient: &Tensor<5>) -> usize {
    let [batch, time, channels, height, width] = gradient.dims();
    let rows = gradient.clone().reshape([batch, time * channels * height * width]);
    values(rows.abs().max_dim(1)).iter().filter(|&&largest| largest == 0.0).count()
}

#[cfg(test)]
mod tests {
    use super::{Ball, TemporalAdversary, advance};
    use crate::adversary::Norm;
    use crate::ops::values;
    use burn::tensor::{Device, Tensor};

    /// Adding a step to a pixel and clamping rounds by this much.
    const ROUNDING: f32 = 1e-6;

    fn clip_of_two_values(values: [f32; 2]) -> Tensor<5> {
        Tensor::<1>::from_data(values, &Device::flex()).reshape([1, 1, 2, 1, 1])
    }

    /// Two values of one pixel after two steps of a length along the given gradients.
    fn after_two_steps(norm: Norm, [radius, length]: [f64; 2], pixel: [f32; 2], gradients: [[f32; 2]; 2]) -> Vec<f32> {
        let (ball, clips) = (Ball::new(norm, vec![radius], None), clip_of_two_values(pixel));
        let step = |perturbed, gradient| advance(&ball, &clips, perturbed, clip_of_two_values(gradient), &[length]);
        values(gradients.into_iter().fold(clips.clone(), step))
    }

    #[test]
    fn a_saturated_pixel_goes_back_from_where_it_is() {
        let pixels = after_two_steps(Norm::Linf, [0.1, 0.1], [1.0, 0.0], [[1.0, -1.0], [-1.0, 1.0]]);
        assert!((pixels[0] - 0.9).abs() < ROUNDING && (pixels[1] - 0.1).abs() < ROUNDING, "{pixels:?}");
    }

    #[test]
    fn change_that_is_clamped_away_takes_nothing_of_a_length() {
        let pixels = after_two_steps(Norm::L2, [0.6, 0.5], [1.0, 0.2], [[1.0, 1.0], [0.0, 1.0]]);
        assert!((pixels[0] - 1.0).abs() < ROUNDING && (pixels[1] - 0.8).abs() < ROUNDING, "{pixels:?}");
    }

    #[test]
    fn momentum_adds_up_gradients_of_length_1() {
        let adversary = TemporalAdversary { momentum: 0.5, ..TemporalAdversary::default() };
        let mut velocity = None;
        let mut add = |gradient| values(adversary.with_momentum(clip_of_two_values(gradient), &mut velocity));
        assert_eq!(add([3.0, -1.0]), [0.75, -0.25]);
        assert_eq!(add([0.0, 0.5]), [0.375, 0.875]);
        assert_eq!(add([0.0, 0.0]), [0.1875, 0.4375]);
    }
}
