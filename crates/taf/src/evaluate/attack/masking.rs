use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use taf_report::metrics::{AttackOutcome, MaskingCheck, MaskingReport, MaskingTest};

use super::said::{Crafted, Said};
use super::{Attack, Target};
use crate::adversary::{Norm, TemporalAdversary};
use crate::evaluate::shown::Shown;
use crate::evaluate::trial::{Trial, replace, to_json};
use crate::evaluate::{Evaluation, EvaluationError, Progress};
use crate::setting::SettingError;

/// Whether attacks on a network can be believed, by what they come to on more and more clips: see [`Evaluation::masking`].
pub struct MaskingTrial<'a> {
    target: &'a dyn Target,
    others: Vec<(&'a str, &'a dyn Target)>,
    attack: &'a Attack,
    tallies: Tallies,
}

impl<'a> MaskingTrial<'a> {
    /// No clip is attacked yet.
    ///
    /// # Errors
    /// If the attack makes no sense.
    pub fn new(
        target: &'a dyn Target,
        others: Vec<(&'a str, &'a dyn Target)>,
        attack: &'a Attack,
    ) -> Result<Self, SettingError> {
        attack.check()?;
        Ok(Self { target, others, attack, tallies: Tallies::default() })
    }

    /// What it came to.
    ///
    /// # Errors
    /// If no clip was attacked.
    pub fn result(&self) -> Result<MaskingReport, EvaluationError> {
        match self.clips() {
            0 => Err(EvaluationError::NoVideos),
            clips => {
                Ok(MaskingReport { clips, epsilon: self.attack.epsilon(), checks: self.tallies.checks(&self.others) })
            }
        }
    }
}

impl Trial for MaskingTrial<'_> {
    fn clips(&self) -> usize {
        self.tallies.natural.clips
    }

    fn add(&mut self, shown: &Shown) -> Result<(), EvaluationError> {
        let mut tallies = self.tallies.clone();
        tallies.add(self.target, &self.others, shown, self.attack)?;
        self.tallies = tallies;
        Ok(())
    }

    fn found(&self) -> Value {
        to_json(&self.tallies)
    }

    fn go_on_from(&mut self, found: Value, clips: usize) -> bool {
        let (others, sizes) = (self.others.len(), self.attack.epsilons.len());
        replace(&mut self.tallies, found, |known| known.are_of(clips, others, sizes))
    }
}

impl Evaluation {
    /// Tries whether attacks on a network can be believed, or its gradients lead nowhere near what fools it: the checks of Carlini
    /// et al. (arXiv 1902.06705), on the middle clip of each of `videos`, at [`Attack::epsilon`] where one size is asked for and
    /// at all of its sizes for the growth of the loss. Every attack is made on every clip, whatever fooled it before.
    ///
    /// `others` are networks that know the same classes and are shown the same clips, with their names; without any the check of
    /// transfer is left out.
    ///
    /// # Errors
    /// As [`Self::robust_accuracy`].
    pub fn masking(
        &self,
        target: &dyn Target,
        others: &[(&str, &dyn Target)],
        videos: &[usize],
        attack: &Attack,
        device: &Device,
        progress: Progress,
    ) -> Result<MaskingReport, EvaluationError> {
        let mut trial = MaskingTrial::new(target, others.to_vec(), attack)?;
        self.try_one(videos, &mut trial, device, progress)?;
        trial.result()
    }
}

/// What all attacks came to so far.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Tallies {
    natural: Tally,
    one_step: Tally,
    noise: Tally,
    steps: Tally,
    twice: Tally,
    unbounded: Tally,
    transferred: Vec<Tally>,
    growth: Vec<Tally>,
}

impl Tallies {
    fn add(
        &mut self,
        target: &dyn Target,
        others: &[(&str, &dyn Target)],
        shown: &Shown,
        attack: &Attack,
    ) -> Result<(), EvaluationError> {
        let (epsilon, restarts) = (attack.epsilon(), attack.restarts);
        let twice = Attack { steps: 2 * attack.steps, ..attack.clone() };
        let named = |name: &str| format!("{name}-{}", attack.steps);
        let by_name = |name: String, by: TemporalAdversary, starts| OneAttack { name, attack, by, starts };
        self.natural.note("none".into(), 0.0, &Said::naturally(target, shown)?, 0.0);
        by_name("one step".into(), attack.one_step(epsilon), 1).run(target, shown, &mut self.one_step)?;
        by_name("noise".into(), attack.noise(epsilon), restarts).run(target, shown, &mut self.noise)?;
        by_name(named("PGD"), attack.until_wrong(epsilon), restarts).run(target, shown, &mut self.steps)?;
        let name = format!("PGD-{}", twice.steps);
        by_name(name, twice.until_wrong(epsilon), restarts).run(target, shown, &mut self.twice)?;
        // From the clip itself here and below: a random start raises the loss where the gradient does not, and in a ball without
        // bounds it alone makes nearly all answers wrong.
        let bound = unbounded(attack.norm, shown);
        let by = TemporalAdversary { random_start: false, ..attack.until_wrong(bound) };
        by_name(named("PGD"), by, 1).run(target, shown, &mut self.unbounded)?;
        self.transferred.resize_with(others.len(), Tally::default);
        for ((_, other), tally) in others.iter().zip(&mut self.transferred) {
            let crafting = by_name(named("PGD"), attack.ascent(epsilon), restarts);
            crafting.run_on(*other, target, shown, tally)?;
        }
        self.growth.resize_with(attack.epsilons.len(), Tally::default);
        for (&epsilon, tally) in attack.epsilons.iter().zip(&mut self.growth) {
            let by = TemporalAdversary { random_start: false, ..attack.ascent(epsilon) };
            by_name(named("PGD"), by, 1).run(target, shown, tally)?;
        }
        Ok(())
    }

    fn are_of(&self, clips: usize, others: usize, sizes: usize) -> bool {
        let Self { natural, one_step, noise, steps, twice, unbounded, transferred, growth } = self;
        let own = [natural, one_step, noise, steps, twice, unbounded];
        let all = own.into_iter().chain(transferred).chain(growth);
        transferred.len() == others && growth.len() == sizes && all.map(|tally| tally.clips).all(|of| of == clips)
    }

    fn checks(&self, others: &[(&str, &dyn Target)]) -> Vec<MaskingCheck> {
        let [one_step, noise, steps] = [&self.one_step, &self.noise, &self.steps].map(Tally::outcome);
        // Only here do names matter: what is kept is found again whatever the networks are called.
        let transferred = others.iter().zip(&self.transferred).map(|((name, _), tally)| {
            let outcome = tally.outcome();
            AttackOutcome { attack: format!("{} on {name}", outcome.attack), ..outcome }
        });
        let transferred: Vec<AttackOutcome> = transferred.collect();
        let no_weaker = |test, weaker: &AttackOutcome, than: &AttackOutcome| {
            MaskingCheck::no_weaker(test, vec![weaker.clone()], than.clone())
        };
        let mut checks = vec![
            MaskingCheck::gradient(one_step.clone()),
            no_weaker(MaskingTest::Iteration, &one_step, &steps),
            no_weaker(MaskingTest::Steps, &steps, &self.twice.outcome()),
            MaskingCheck::unbounded(self.unbounded.outcome()),
            no_weaker(MaskingTest::Noise, &noise, &steps),
        ];
        if !transferred.is_empty() {
            checks.push(MaskingCheck::no_weaker(MaskingTest::Transfer, transferred, steps));
        }
        let sizes = [&self.natural].into_iter().chain(&self.growth).map(Tally::outcome).collect();
        checks.push(MaskingCheck::growth(sizes));
        checks
    }
}

/// One of the attacks.
struct OneAttack<'a> {
    name: String,
    attack: &'a Attack,
    by: TemporalAdversary,
    starts: usize,
}

impl OneAttack<'_> {
    fn run(self, target: &dyn Target, shown: &Shown, tally: &mut Tally) -> Result<(), EvaluationError> {
        self.run_on(target, target, shown, tally)
    }

    /// Clips crafted on one network, answered by another.
    fn run_on(
        self,
        crafted_on: &dyn Target,
        target: &dyn Target,
        shown: &Shown,
        tally: &mut Tally,
    ) -> Result<(), EvaluationError> {
        let crafted = Crafted::on(crafted_on, self.attack, &self.by, shown, self.starts);
        let said = crafted.answered(target, shown)?;
        tally.note(self.name, self.by.epsilon, &said, crafted.flat as f64 / self.starts as f64);
        Ok(())
    }
}

/// What one attack came to so far.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Tally {
    name: String,
    epsilon: f64,
    clips: usize,
    right: usize,
    loss: f64,
    flat: f64,
}

impl Tally {
    fn note(&mut self, name: String, epsilon: f64, said: &Said, flat: f64) {
        (self.name, self.epsilon) = (name, epsilon);
        self.clips += said.right.len();
        self.right += said.right.iter().filter(|right| **right).count();
        self.loss += said.losses.iter().sum::<f64>();
        self.flat += flat;
    }

    fn outcome(&self) -> AttackOutcome {
        let clips = self.clips as f64;
        AttackOutcome {
            attack: self.name.clone(),
            epsilon: self.epsilon,
            accuracy: self.right as f64 / clips,
            loss: self.loss / clips,
            flat: self.flat / clips,
        }
    }
}

/// The radius of a ball around any clip that holds every other clip.
fn unbounded(norm: Norm, shown: &Shown) -> f64 {
    let [_, time, channels, height, width] = shown.clips.dims();
    match norm {
        Norm::Linf => 1.0,
        Norm::L2 => ((time * channels * height * width) as f64).sqrt(),
    }
}
