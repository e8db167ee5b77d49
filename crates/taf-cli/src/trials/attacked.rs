use anyhow::Result;
use taf::evaluate::{Attack, MaskingTrial, RobustTrial, Target, TransferTrial, TrialKey, Underway};
use taf::model::Recognizer;
use taf_report::metrics::TransferMatrix;
use taf_report::page::AttackedModel;

use super::group::{Group, Member};

/// The attacks on the networks of a group.
pub struct Attacked<'a> {
    attack: &'a Attack,
    of_each: Vec<(RobustTrial<'a>, MaskingTrial<'a>)>,
    /// Attacks on one that are asked of all, where there are several.
    transfer: Option<TransferTrial<'a>>,
}

impl<'a> Attacked<'a> {
    pub fn new(group: &'a Group, attack: &'a Attack) -> Result<Self> {
        let all: Vec<(&str, &dyn Target)> = group.members.iter().map(target).collect();
        let of_one = |at: usize| -> Result<_> {
            let others = all.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| *other);
            let own = all[at].1;
            Ok((RobustTrial::new(own, attack)?, MaskingTrial::new(own, others.collect(), attack)?))
        };
        Ok(Self {
            attack,
            of_each: (0..all.len()).map(of_one).collect::<Result<_>>()?,
            transfer: (all.len() > 1).then(|| TransferTrial::new(all.clone(), attack)).transpose()?,
        })
    }

    /// All of them, each with the file of its network; those of several are kept with the first.
    pub fn underway<'t>(&'t mut self, group: &Group, key: &TrialKey) -> Vec<Underway<'t>> {
        let Self { attack, of_each, transfer } = self;
        let all: Vec<&str> = group.members.iter().map(Member::weights).collect();
        let mut underway = Vec::new();
        for (at, (member, (robust, masking))) in group.members.iter().zip(of_each).enumerate() {
            let mut own_first = all.clone();
            own_first[..=at].rotate_right(1);
            underway.push(Underway::new(robust, Some(member.file(key.of("attacks", attack, &own_first[..1])))));
            underway.push(Underway::new(masking, Some(member.file(key.of("masking", attack, &own_first)))));
        }
        if let Some(transfer) = transfer {
            let file = group.members[0].file(key.of("transfer", attack, &all));
            underway.push(Underway::new(transfer, Some(file)));
        }
        underway
    }

    /// What they came to, with the place of each network.
    pub fn results(&self, group: &Group) -> Result<Vec<(usize, AttackedModel)>> {
        let available = group.evaluation.records().len();
        let of_one = |(member, (robust, masking)): (&Member, &(RobustTrial, MaskingTrial))| {
            let (model, robust, masking) = (member.name.to_owned(), robust.result(available)?, masking.result()?);
            Ok((member.place, AttackedModel { model, robust, masking }))
        };
        group.members.iter().zip(&self.of_each).map(of_one).collect()
    }

    /// What the networks answered to clips crafted on each other.
    pub fn transferred(&self) -> Result<Option<TransferMatrix>> {
        Ok(self.transfer.as_ref().map(TransferTrial::result).transpose()?)
    }
}

fn target<'a>(member: &Member<'a>) -> (&'a str, &'a dyn Target) {
    let model: &Recognizer = &member.trained.model;
    (member.name, model)
}
