//! What `taf robustness` tries beside benchmarks: attacks, and whether attention can be trusted.

mod attacked;
mod attended;
mod group;
mod group_trials;
mod moved;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use anyhow::Result;
use clap::{Args, ValueEnum};
use taf::adversary::{Norm, quotient};
use taf::evaluate::{Attack, Tried};
use taf_report::page::Trials;

use self::attended::Attention;
use self::group::Group;
use self::group_trials::GroupTrials;
use self::moved::moved;
use crate::exit::Stopped;
use crate::interrupt::Graceful;
use crate::output::say;
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
pub enum TrialName {
    Adversarial,
    Attention,
}

impl TrialName {
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
        Self::ALL.into_iter().find(|(_, known, _)| *known == name).map(|(name, ..)| name)
    }
}

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

    /// Makes trials of all networks of a panel, of which those that are shown the same clips share them: `groups` are their
    /// places. What is found is kept in the folders of the runs, so that a command that is stopped goes on where it was.
    pub fn made(&self, panel: &Panel, groups: &[Vec<usize>], names: &[TrialName]) -> Result<Trials> {
        let asks = |name| names.contains(&name);
        let attack = asks(TrialName::Adversarial).then(|| self.attack()).transpose()?;
        let attention = asks(TrialName::Attention).then(|| Attention::by(panel.recipe().probe.attention));
        let groups: Vec<Group> = groups.iter().map(|places| Group::new(panel, places, self.clips)).collect();
        let of_group = |group| GroupTrials::new(group, attack.as_ref(), attention.as_ref());
        let mut tried: Vec<GroupTrials> = groups.iter().map(of_group).collect::<Result<_>>()?;
        try_all(&mut tried)?;
        let mut made = Trials::default();
        let (mut of_attacks, mut of_attention) = (Vec::new(), Vec::new());
        for GroupTrials { group, attacked, attended, .. } in &tried {
            if let Some(attacked) = attacked {
                of_attacks.extend(attacked.results(group)?);
                made.transfer.extend(attacked.transferred()?);
            }
            if let Some(attended) = attended {
                of_attention.extend(attended.results(group)?);
            }
        }
        made.adversarial = in_order(of_attacks);
        made.attention = in_order(of_attention);
        // Every comparison is with the first network, which is in the first group.
        if let (Some(attention), Some(attended)) = (&attention, tried.first().and_then(|of| of.attended.as_ref())) {
            moved(panel, &groups[0], attention.rule(), &attended.own(), &mut made)?;
        }
        Ok(made)
    }
}

/// Results by the places of their networks.
fn in_order<T>(mut results: Vec<(usize, T)>) -> Vec<T> {
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Makes trials, with a bar; Ctrl-C keeps what they found.
fn try_all(tried: &mut [GroupTrials]) -> Result<()> {
    let graceful = Graceful::ending_with("finishing these clips and keeping what was found")?;
    let total = tried.iter_mut().map(|of| of.count() * of.group.videos.len()).sum();
    let mut session = Session { bar: Counter::new("clips tried"), done: 0, total, graceful };
    tried.iter_mut().try_for_each(|of| session.make(of))
}

/// Trials that are being made.
struct Session {
    bar: Counter,
    /// Clips of the groups before, as often as they were tried.
    done: usize,
    /// The same of all groups in the end.
    total: usize,
    graceful: Graceful,
}

impl Session {
    fn make(&mut self, of: &mut GroupTrials) -> Result<()> {
        let (group, count) = (of.group, of.count());
        let (clips, mut tried) = (group.videos.len(), None);
        let Self { bar, done, total, graceful } = self;
        let ended = group.evaluation.try_all(&group.videos, &mut of.underway(), &device(), &mut |now| {
            if tried.is_none() && now > 0 && now < count * clips {
                let (names, all) = (group.names(), count * clips);
                bar.aside(|| {
                    say(format_args!("{count} trials of {names}, {clips} clips each: go on after {now} of {all}"));
                });
            }
            tried = Some(now);
            bar.show(*done + now, *total);
            if graceful.asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let Tried { stopped, unkept } = ended?;
        if stopped {
            let of = "clips, each counted in every trial".to_owned();
            return Err(Stopped { done: *done + tried.unwrap_or(0), total: *total, of, unkept }.into());
        }
        if let Some(error) = unkept {
            bar.aside(|| {
                say(format_args!("what trials found could not be kept, and they will be made again: {error}"))
            });
        }
        *done += count * clips;
        Ok(())
    }
}
