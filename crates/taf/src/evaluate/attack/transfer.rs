use burn::tensor::Device;
use taf_report::metrics::TransferMatrix;

use super::said::{Crafted, Said};
use super::{Attack, Target};
use crate::evaluate::shown::Shown;
use crate::evaluate::{Evaluation, EvaluationError, Progress};

impl Evaluation {
    /// What every network answers to clips that were crafted on each of them, at [`Attack::epsilon`], by whole ascents: one that
    /// ends when its own network is fooled fools few others. The networks know the same classes and are shown the same clips, the
    /// middle one of each of `videos`.
    ///
    /// # Errors
    /// As [`Self::robust_accuracy`], and if there is no network.
    pub fn transfer(
        &self,
        networks: &[(&str, &dyn Target)],
        videos: &[usize],
        attack: &Attack,
        device: &Device,
        progress: Progress,
    ) -> Result<TransferMatrix, EvaluationError> {
        attack.check()?;
        let count = networks.len();
        let mut answers = Answers { natural: vec![Vec::new(); count], crafted: vec![vec![Vec::new(); count]; count] };
        let mut groups = Vec::with_capacity(videos.len());
        for shown in self.middle_batches(videos, device) {
            let shown = shown?;
            answers.add(networks, &shown, attack)?;
            groups.extend(shown.names().map(|(_, group)| group));
            progress(groups.len(), videos.len());
        }
        let names = networks.iter().map(|(name, _)| (*name).to_owned()).collect();
        let Answers { natural, crafted } = answers;
        Ok(TransferMatrix::new(attack.norm_name(), attack.epsilon(), names, &groups, &natural, &crafted)?)
    }
}

/// Whether answers are right.
struct Answers {
    /// Of each network to each clip as it is.
    natural: Vec<Vec<bool>>,
    /// To the clips crafted on one network, of each network to each clip.
    crafted: Vec<Vec<Vec<bool>>>,
}

impl Answers {
    fn add(&mut self, networks: &[(&str, &dyn Target)], shown: &Shown, attack: &Attack) -> Result<(), EvaluationError> {
        let by = attack.ascent(attack.epsilon());
        for (row, (_, source)) in networks.iter().enumerate() {
            self.natural[row].extend(Said::naturally(*source, shown)?.right);
            let crafted = Crafted::on(*source, attack, &by, shown, attack.restarts);
            for (cell, (_, target)) in networks.iter().enumerate() {
                self.crafted[row][cell].extend(crafted.answered(*target, shown)?.right);
            }
        }
        Ok(())
    }
}
