use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use taf_report::metrics::TransferMatrix;

use super::said::{Crafted, Said};
use super::{Attack, Target};
use crate::evaluate::shown::Shown;
use crate::evaluate::trial::{Trial, replace, to_json};
use crate::evaluate::{Evaluation, EvaluationError, Progress};
use crate::setting::SettingError;

/// What networks answer to clips that were crafted on each other, clip by clip: see [`Evaluation::transfer`].
pub struct TransferTrial<'a> {
    networks: Vec<(&'a str, &'a dyn Target)>,
    attack: &'a Attack,
    answers: Answers,
}

impl<'a> TransferTrial<'a> {
    /// No clip is crafted yet.
    ///
    /// # Errors
    /// If the attack makes no sense.
    pub fn new(networks: Vec<(&'a str, &'a dyn Target)>, attack: &'a Attack) -> Result<Self, SettingError> {
        attack.check()?;
        let count = networks.len();
        let none = || vec![Vec::new(); count];
        let answers = Answers { groups: Vec::new(), natural: none(), crafted: vec![none(); count] };
        Ok(Self { networks, attack, answers })
    }

    /// What it came to.
    ///
    /// # Errors
    /// If there is no network, or no clip was crafted.
    pub fn result(&self) -> Result<TransferMatrix, EvaluationError> {
        let names = self.networks.iter().map(|(name, _)| (*name).to_owned()).collect();
        let (attack, Answers { groups, natural, crafted }) = (self.attack, &self.answers);
        Ok(TransferMatrix::new(attack.norm_name(), attack.epsilon(), names, groups, natural, crafted)?)
    }
}

impl Trial for TransferTrial<'_> {
    fn clips(&self) -> usize {
        self.answers.groups.len()
    }

    fn add(&mut self, shown: &Shown) -> Result<(), EvaluationError> {
        let mut answers = self.answers.clone();
        answers.add(&self.networks, shown, self.attack)?;
        self.answers = answers;
        Ok(())
    }

    fn found(&self) -> Value {
        to_json(&self.answers)
    }

    fn go_on_from(&mut self, found: Value, clips: usize) -> bool {
        let networks = self.networks.len();
        replace(&mut self.answers, found, |known| known.are_of(clips, networks))
    }
}

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
        let mut trial = TransferTrial::new(networks.to_vec(), attack)?;
        self.try_one(videos, &mut trial, device, progress)?;
        trial.result()
    }
}

/// Whether answers are right.
#[derive(Clone, Serialize, Deserialize)]
struct Answers {
    /// The group of each clip.
    groups: Vec<String>,
    /// Of each network to each clip as it is.
    natural: Vec<Vec<bool>>,
    /// To the clips crafted on one network, of each network to each clip.
    crafted: Vec<Vec<Vec<bool>>>,
}

impl Answers {
    fn are_of(&self, clips: usize, networks: usize) -> bool {
        let is_row = |row: &Vec<Vec<bool>>| row.len() == networks && row.iter().all(|cell| cell.len() == clips);
        let Self { groups, natural, crafted } = self;
        groups.len() == clips && is_row(natural) && crafted.len() == networks && crafted.iter().all(is_row)
    }

    fn add(&mut self, networks: &[(&str, &dyn Target)], shown: &Shown, attack: &Attack) -> Result<(), EvaluationError> {
        let by = attack.ascent(attack.epsilon());
        self.groups.extend(shown.names().map(|(_, group)| group));
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
