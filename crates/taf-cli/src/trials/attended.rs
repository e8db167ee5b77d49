use anyhow::Result;
use taf::attention::{AttentionRule, TemporalAttention};
use taf::evaluate::{AttentionTrial, FrameRemoval, RemovalTrial, TrialKey, Underway};
use taf::model::Recognizer;
use taf_report::metrics::{AttentionAgreement, ClipAttention};
use taf_report::page::TrustedAttention;

use super::group::{Group, Member};

/// How attention is tried.
pub struct Attention {
    removal: FrameRemoval,
    /// The definition that is measured, and others to compare it with.
    rules: Vec<TemporalAttention>,
}

impl Attention {
    /// Attention by one definition.
    pub fn by(own: TemporalAttention) -> Self {
        let softmax = |temperature| TemporalAttention { rule: AttentionRule::Softmax, temperature };
        let relu = TemporalAttention { rule: AttentionRule::Relu, temperature: 1.0 };
        let others = [softmax(1.0), softmax(0.25), relu].into_iter().filter(|other| *other != own);
        let removal = FrameRemoval { attention: own, ..FrameRemoval::default() };
        Self { removal, rules: [own].into_iter().chain(others).collect() }
    }

    /// The definition.
    pub fn rule(&self) -> &TemporalAttention {
        &self.removal.attention
    }
}

fn name(of: &TemporalAttention) -> String {
    match of.rule {
        AttentionRule::Relu => "relu".to_owned(),
        AttentionRule::Softmax => format!("softmax / {}", of.temperature),
    }
}

/// What the networks of a group attend to.
pub struct Attended<'a> {
    attention: &'a Attention,
    of_each: Vec<(RemovalTrial<'a, Recognizer>, AttentionTrial<'a, Recognizer>)>,
}

impl<'a> Attended<'a> {
    pub fn new(group: &'a Group, attention: &'a Attention) -> Result<Self> {
        let Attention { removal, rules } = attention;
        let models = group.members.iter().map(|member| &member.trained.model);
        let of_one = |model| {
            let removal = RemovalTrial::new(model, removal, group.versions)?;
            Ok((removal, AttentionTrial::new(model, rules)))
        };
        Ok(Self { attention, of_each: models.map(of_one).collect::<Result<_>>()? })
    }

    /// All of them, each with the file of its network.
    pub fn underway<'t>(&'t mut self, group: &Group, key: &TrialKey) -> Vec<Underway<'t>> {
        let Attention { removal, rules } = self.attention;
        let mut underway = Vec::new();
        for (member, (removed, attended)) in group.members.iter().zip(&mut self.of_each) {
            let own = [member.weights()];
            let how = (removal, group.versions);
            underway.push(Underway::new(removed, Some(member.file(key.of("removal", &how, &own)))));
            underway.push(Underway::new(attended, Some(member.file(key.of("attention", rules, &own)))));
        }
        underway
    }

    /// What they came to, with the place of each network.
    pub fn results(&self, group: &Group) -> Result<Vec<(usize, TrustedAttention)>> {
        let of_one = |(member, (removed, attended)): (&Member, &(RemovalTrial<_>, AttentionTrial<_>))| {
            let named: Vec<_> = self.attention.rules.iter().map(name).zip(attended.lists().to_vec()).collect();
            let faithfulness = removed.result(group.evaluation.records().len())?;
            let agreement = AttentionAgreement::new(&named)?;
            Ok((member.place, TrustedAttention { model: member.name.to_owned(), faithfulness, agreement }))
        };
        group.members.iter().zip(&self.of_each).map(of_one).collect()
    }

    /// The attention of each network to every clip.
    pub fn own(&self) -> Vec<Vec<ClipAttention>> {
        self.of_each.iter().map(|(_, attended)| attended.lists()[0].clone()).collect()
    }
}
