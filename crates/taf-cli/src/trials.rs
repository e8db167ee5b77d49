//! What `taf robustness` tries beside benchmarks: attacks, and whether attention can be trusted.

use std::num::NonZeroUsize;

use anyhow::Result;
use clap::{Args, ValueEnum};
use taf::adversary::{Norm, quotient};
use taf::attention::{AttentionRule, TemporalAttention};
use taf::evaluate::{Attack, AttentionChange, Condition, Evaluation, FrameRemoval, Target};
use taf::model::Recognizer;
use taf_report::metrics::{AttentionAgreement, AttentionMove, ClipAttention};
use taf_report::page::{AttackedModel, MovedAttention, Picture, Trials, TrustedAttention};

use crate::panel::Panel;
use crate::progress::Counter;
use crate::trained::device;

/// How attacks are made and attention is tried.
#[derive(Debug, Args)]
pub struct TrialArgs {
    /// adversarial: how the size of an attack is measured
    #[arg(long, value_enum, default_value_t = NormName::Linf)]
    pub norm: NormName,
    /// adversarial: sizes of the attacks in pixel units of [0, 1], rising, such as 1/255,2/255 [default: 0.25/255 to 4/255, or 0.25
    /// to 4 for l2]
    #[arg(long, value_name = "A,B,...", value_delimiter = ',', value_parser = size)]
    pub epsilons: Vec<f64>,
    /// adversarial: ascent steps of each attack
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub steps: usize,
    /// adversarial: random starts of each attack
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub restarts: usize,
    /// adversarial, attention: how many videos are tried, a sample by class
    #[arg(long, value_name = "N", default_value = "64")]
    pub clips: NonZeroUsize,
}

/// How the size of an attack is measured.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum NormName {
    /// The largest change of any pixel value
    Linf,
    /// The Euclidean length of the change of a whole clip
    L2,
}

/// What is tried, by the name it has beside those of benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    Adversarial,
    Attention,
}

impl Trial {
    /// Each with what it asks.
    pub const ALL: [(Self, &str, &str); 2] = [
        (Self::Adversarial, "adversarial", "top-1 under attack, checks for masked gradients, transfer between runs"),
        (
            Self::Attention,
            "attention",
            "whether attention tells what answers rest on, and how far it moved between runs",
        ),
    ];

    /// The names of all trials.
    pub fn names() -> [&'static str; 2] {
        Self::ALL.map(|(_, name, _)| name)
    }

    /// The trial of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known, _)| *known == name).map(|(trial, ..)| trial)
    }
}

/// Pictures of clips where attention moved most.
const STRIPS: usize = 3;

fn size(text: &str) -> Result<f64, String> {
    let value = text.trim().parse().ok().or_else(|| quotient(text));
    value.ok_or_else(|| "expected a number, or a quotient of two such as 4/255".to_owned())
}

impl TrialArgs {
    /// The attack, checked.
    pub fn attack(&self) -> Result<Attack> {
        let norm = match self.norm {
            NormName::Linf => Norm::Linf,
            NormName::L2 => Norm::L2,
        };
        let mut attack = Attack { steps: self.steps, restarts: self.restarts, ..Attack::new(norm) };
        if !self.epsilons.is_empty() {
            attack.epsilons.clone_from(&self.epsilons);
        }
        attack.check()?;
        Ok(attack)
    }

    /// Makes the trials of all networks of a panel.
    pub fn made(&self, panel: &Panel, trials: &[Trial]) -> Result<Trials> {
        let mut made = Trials::default();
        if trials.contains(&Trial::Adversarial) {
            self.attacked(panel, &mut made)?;
        }
        if trials.contains(&Trial::Attention) {
            self.attended(panel, &mut made)?;
        }
        Ok(made)
    }

    fn attacked(&self, panel: &Panel, made: &mut Trials) -> Result<()> {
        let (attack, device) = (self.attack()?, device());
        let peers = peers(panel);
        for (name, trained, examination) in panel.members() {
            let evaluation = &examination.evaluation;
            let videos = evaluation.sample(self.clips.get());
            let bar = Counter::new(format!("attacks on {name}"));
            let mut show = |done, total| bar.show(done, total);
            let robust = evaluation.robust_accuracy(&trained.model, &videos, &attack, &device, &mut show)?;
            let is_peer = peers.iter().any(|(peer, ..)| *peer == name);
            let others: Vec<(&str, &dyn Target)> = peers
                .iter()
                .filter(|(peer, ..)| is_peer && *peer != name)
                .map(|(peer, model, _)| (*peer, target(model)))
                .collect();
            let bar = Counter::new(format!("checks of attacks on {name}"));
            let mut show = |done, total| bar.show(done, total);
            let masking = evaluation.masking(&trained.model, &others, &videos, &attack, &device, &mut show)?;
            made.adversarial.push(AttackedModel { model: name.to_owned(), robust, masking });
        }
        if peers.len() > 1 {
            let networks: Vec<(&str, &dyn Target)> =
                peers.iter().map(|(name, model, _)| (*name, target(model))).collect();
            let (evaluation, bar) = (peers[0].2, Counter::new("attacks on one, asked of all".to_owned()));
            let mut show = |done, total| bar.show(done, total);
            let videos = evaluation.sample(self.clips.get());
            made.transfer = Some(evaluation.transfer(&networks, &videos, &attack, &device, &mut show)?);
        }
        Ok(())
    }

    fn attended(&self, panel: &Panel, made: &mut Trials) -> Result<()> {
        let removal = FrameRemoval { attention: panel.recipe().probe.attention, ..FrameRemoval::default() };
        let mut lists = Vec::new();
        for (name, trained, examination) in panel.members() {
            let evaluation = &examination.evaluation;
            let videos = evaluation.sample(self.clips.get());
            let bar = Counter::new(format!("attention of {name}"));
            let mut show = |done, total| bar.show(done, total);
            let faithfulness = evaluation.faithfulness(&trained.model, &videos, &removal, &device(), &mut show)?;
            let definitions = definitions(removal.attention);
            let rules: Vec<TemporalAttention> = definitions.iter().map(|(_, rule)| *rule).collect();
            let mut rows = evaluation.attentions(&trained.model, &videos, &rules, &device(), &mut |_, _| {})?;
            let own = rows[0].clone();
            let named: Vec<(String, Vec<ClipAttention>)> =
                definitions.into_iter().map(|(name, _)| name).zip(rows.drain(..)).collect();
            let agreement = AttentionAgreement::new(&named)?;
            made.attention.push(TrustedAttention { model: name.to_owned(), faithfulness, agreement });
            lists.push((name, own));
        }
        self.moved(panel, &removal.attention, &lists, made)
    }

    /// How far attention moved from the first network to those that are shown the same clips.
    fn moved(
        &self,
        panel: &Panel,
        rule: &TemporalAttention,
        lists: &[(&str, Vec<ClipAttention>)],
        made: &mut Trials,
    ) -> Result<()> {
        let peers = peers(panel);
        let of = |name: &str| &lists.iter().find(|(known, _)| *known == name).expect("every member was asked").1;
        let (first, model, evaluation) = peers[0];
        let videos = evaluation.sample(self.clips.get());
        for (second, other, _) in &peers[1..] {
            let moved = AttentionMove::new(of(first), of(second))?;
            for clip in moved.most_moved.iter().take(STRIPS) {
                let place = videos[clip.place];
                let class = evaluation.records()[place].known_label()?;
                let view = evaluation.shown(place, Condition::CLEAN)?;
                let change = AttentionChange::new((model, *other), &view, class, rule, &device())?;
                let classes = &panel.subject().info.classes;
                let title = format!("{:?}: {first} and {second}", classes[class]);
                let png = change.strip(&title, [first, second], classes, None)?;
                let caption = format!("{}: attention moved by {:.2} of 1.", clip.id, clip.moved);
                made.pictures.push(Picture { title, caption, png });
            }
            made.moved.push(MovedAttention { first: first.to_owned(), second: (*second).to_owned(), moved });
        }
        Ok(())
    }
}

/// The networks that are shown the videos as the first is, it before the others.
fn peers(panel: &Panel) -> Vec<(&str, &Recognizer, &Evaluation)> {
    let members = panel.members().map(|(name, trained, of)| (name, &trained.model, &of.evaluation));
    let all: Vec<(&str, &Recognizer, &Evaluation)> = members.collect();
    all.iter().filter(|(_, _, evaluation)| evaluation.views == all[0].2.views).copied().collect()
}

fn target(model: &Recognizer) -> &dyn Target {
    model
}

/// The definition that is measured, and others to compare it with.
fn definitions(own: TemporalAttention) -> Vec<(String, TemporalAttention)> {
    let softmax = |temperature| TemporalAttention { rule: AttentionRule::Softmax, temperature };
    let relu = TemporalAttention { rule: AttentionRule::Relu, temperature: 1.0 };
    let others = [softmax(1.0), softmax(0.25), relu].into_iter().filter(|other| *other != own);
    [own].into_iter().chain(others).map(|rule| (name(&rule), rule)).collect()
}

fn name(of: &TemporalAttention) -> String {
    match of.rule {
        AttentionRule::Relu => "relu".to_owned(),
        AttentionRule::Softmax => format!("softmax / {}", of.temperature),
    }
}
