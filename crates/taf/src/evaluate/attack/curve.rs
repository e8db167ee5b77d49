use burn::tensor::Device;
use serde_json::Value;
use taf_report::metrics::{AttackedClip, RobustAccuracy};

use super::said::{Crafted, Said};
use super::{Attack, Target};
use crate::evaluate::shown::Shown;
use crate::evaluate::trial::{Trial, replace, to_json};
use crate::evaluate::{Evaluation, EvaluationError, Progress};
use crate::setting::SettingError;

/// What attacks of growing size leave of a network's accuracy, clip by clip: see [`Evaluation::robust_accuracy`].
pub struct RobustTrial<'a> {
    target: &'a dyn Target,
    attack: &'a Attack,
    clips: Vec<AttackedClip>,
}

impl<'a> RobustTrial<'a> {
    /// No clip is attacked yet.
    ///
    /// # Errors
    /// If the attack makes no sense.
    pub fn new(target: &'a dyn Target, attack: &'a Attack) -> Result<Self, SettingError> {
        attack.check()?;
        Ok(Self { target, attack, clips: Vec::new() })
    }

    /// What it came to, with clips of so many videos to choose from.
    ///
    /// # Errors
    /// If no clip was attacked.
    pub fn result(&self, available: usize) -> Result<RobustAccuracy, EvaluationError> {
        let Attack { steps, restarts, seed, epsilons, .. } = self.attack;
        let norm = self.attack.norm_name();
        Ok(RobustAccuracy::new(norm, [*steps, *restarts], *seed, epsilons, &self.clips, available)?)
    }
}

impl Trial for RobustTrial<'_> {
    fn clips(&self) -> usize {
        self.clips.len()
    }

    fn add(&mut self, shown: &Shown) -> Result<(), EvaluationError> {
        self.clips.extend(attacked(self.target, shown, self.attack)?);
        Ok(())
    }

    fn found(&self) -> Value {
        to_json(&self.clips)
    }

    fn go_on_from(&mut self, found: Value, clips: usize) -> bool {
        let points = 1 + self.attack.epsilons.len();
        let fits =
            |known: &Vec<AttackedClip>| known.len() == clips && known.iter().all(|clip| clip.losses.len() == points);
        replace(&mut self.clips, found, fits)
    }
}

impl Evaluation {
    /// What attacks of growing size leave of a network's accuracy on the middle clip of each of `videos` (their places, such as
    /// those of [`Self::sample`]).
    ///
    /// A clip that is fooled is not attacked again at larger sizes, within which the perturbation lies as well; so accuracy
    /// cannot rise with the size. Each attack costs `steps` gradients to the pixels and a forward pass more.
    ///
    /// # Errors
    /// If the attack makes no sense, a video cannot be read, there is none, or the network answers something that is not finite.
    pub fn robust_accuracy(
        &self,
        target: &dyn Target,
        videos: &[usize],
        attack: &Attack,
        device: &Device,
        progress: Progress,
    ) -> Result<RobustAccuracy, EvaluationError> {
        let mut trial = RobustTrial::new(target, attack)?;
        self.try_one(videos, &mut trial, device, progress)?;
        trial.result(self.records().len())
    }
}

fn attacked(target: &dyn Target, shown: &Shown, attack: &Attack) -> Result<Vec<AttackedClip>, EvaluationError> {
    let Said { right, losses } = Said::naturally(target, shown)?;
    let clip = |((id, group), (right, loss)): ((String, String), (bool, f64))| AttackedClip {
        id,
        group,
        fooled_at: (!right).then_some(0),
        losses: vec![loss],
    };
    let mut clips: Vec<AttackedClip> = shown.names().zip(right.into_iter().zip(losses)).map(clip).collect();
    for (size, &epsilon) in attack.epsilons.iter().enumerate() {
        clips.iter_mut().for_each(|clip| clip.losses.push(clip.losses[size]));
        for restart in 0..attack.restarts {
            attack_once(target, shown, attack, epsilon, restart, &mut clips)?;
        }
    }
    Ok(clips)
}

/// One start at one size for every clip that is not fooled yet.
fn attack_once(
    target: &dyn Target,
    shown: &Shown,
    attack: &Attack,
    epsilon: f64,
    restart: usize,
    clips: &mut [AttackedClip],
) -> Result<(), EvaluationError> {
    let open: Vec<usize> = (0..clips.len()).filter(|&place| clips[place].fooled_at.is_none()).collect();
    if open.is_empty() {
        return Ok(());
    }
    let shown = shown.of(&open);
    let said = Crafted::at(target, attack, &attack.until_wrong(epsilon), &shown, restart).answered(target, &shown)?;
    for (place, (right, loss)) in open.into_iter().zip(said.right.into_iter().zip(said.losses)) {
        let clip = &mut clips[place];
        let size = clip.losses.len() - 1;
        clip.losses[size] = clip.losses[size].max(loss);
        clip.fooled_at = (!right).then_some(size);
    }
    Ok(())
}
