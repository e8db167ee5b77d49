//! What `taf robustness` tries beside benchmarks: attacks, and whether attention can be trusted.

mod attacked;
mod attended;
mod group;
mod moved;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use anyhow::Result;
use clap::{Args, ValueEnum};
use taf::adversary::{Norm, quotient};
use taf::evaluate::{Attack, Tried, Underway};
use taf_report::page::Trials;

use self::attacked::Attacked;
use self::attended::{Attended, Attention};
use self::group::Group;
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
    pub fn made(&self, panel: &Panel, groups: &[Vec<usize>], trials: &[Trial]) -> Result<Trials> {
        let asks = |trial| trials.contains(&trial);
        let attack = asks(Trial::Adversarial).then(|| self.attack()).transpose()?;
        let attention = asks(Trial::Attention).then(|| Attention::by(panel.recipe().probe.attention));
        let groups: Vec<Group> = groups.iter().map(|places| Group::new(panel, places, self.clips)).collect();
        let mut session = Session::new(groups.iter().map(|group| group.clips(attack.is_some(), attention.is_some())))?;
        let (mut made, mut lists) = (Trials::default(), Vec::new());
        let (mut of_attacks, mut of_attention) = (Vec::new(), Vec::new());
        for group in &groups {
            let mut attacked = attack.as_ref().map(|attack| Attacked::new(group, attack)).transpose()?;
            let mut attended = attention.as_ref().map(|attention| Attended::new(group, attention)).transpose()?;
            let key = group.key();
            let attacks = attacked.iter_mut().flat_map(|attacked| attacked.underway(group, &key));
            let underway = attacks.chain(attended.iter_mut().flat_map(|attended| attended.underway(group, &key)));
            session.make(group, &mut underway.collect::<Vec<_>>())?;
            if let Some(attacked) = attacked {
                of_attacks.extend(attacked.results(group)?);
                made.transfer = made.transfer.or(attacked.transferred()?);
            }
            if let Some(attended) = attended {
                of_attention.extend(attended.results(group)?);
                lists.push(attended.own());
            }
        }
        made.adversarial = in_order(of_attacks);
        made.attention = in_order(of_attention);
        if let (Some(attention), Some(lists)) = (&attention, lists.first()) {
            moved(panel, &groups[0], attention.rule(), lists, &mut made)?;
        }
        Ok(made)
    }
}

/// Results by the places of their networks.
fn in_order<T>(mut results: Vec<(usize, T)>) -> Vec<T> {
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Trials that are made, with a bar; Ctrl-C keeps what they found.
struct Session {
    bar: Counter,
    /// Clips of the groups before, as often as they were tried.
    done: usize,
    /// The same of all groups in the end.
    total: usize,
    graceful: Graceful,
}

impl Session {
    fn new(clips: impl Iterator<Item = usize>) -> Result<Self> {
        let graceful = Graceful::ending_with("finishing these clips and keeping what was found")?;
        Ok(Self { bar: Counter::new("clips tried"), done: 0, total: clips.sum(), graceful })
    }

    fn make(&mut self, group: &Group, trials: &mut [Underway]) -> Result<()> {
        let (whole, mut tried) = (trials.len() * group.videos.len(), None);
        let Self { bar, done, total, graceful } = self;
        let ended = group.evaluation.try_all(&group.videos, trials, &device(), &mut |clips| {
            if tried.is_none() && clips > 0 && clips < whole {
                let names = group.names();
                bar.aside(|| say(format_args!("trials of {names}: go on after {clips} of {whole} clips")));
            }
            tried = Some(clips);
            bar.show(*done + clips, *total);
            if graceful.asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let Tried { stopped, unkept } = ended?;
        if stopped {
            let answered = *done + tried.unwrap_or(0);
            return Err(Stopped { answered, asked: *total, of: "clips tried".to_owned(), unkept }.into());
        }
        if let Some(error) = unkept {
            bar.aside(|| {
                say(format_args!("what trials found could not be kept, and they will be made again: {error}"))
            });
        }
        *done += whole;
        Ok(())
    }
}
