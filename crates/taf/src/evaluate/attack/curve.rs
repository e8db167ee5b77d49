use burn::tensor::Device;
use taf_report::metrics::{AttackedClip, RobustAccuracy};

use super::said::{Crafted, Said};
use super::{Attack, Target};
use crate::evaluate::shown::Shown;
use crate::evaluate::{Evaluation, EvaluationError, Progress};

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
        attack.check()?;
        let mut clips = Vec::with_capacity(videos.len());
        for shown in self.middle_batches(videos, device) {
            clips.extend(attacked(target, &shown?, attack)?);
            progress(clips.len(), videos.len());
        }
        let effort = [attack.steps, attack.restarts];
        let (norm, available) = (attack.norm_name(), self.records().len());
        Ok(RobustAccuracy::new(norm, effort, attack.seed, &attack.epsilons, &clips, available)?)
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
