//! Networks, adversaries and weights in a few words, for tables and pages.

use std::time::Duration;

use taf::adversary::{Budget, Frames, TemporalAdversary};
use taf::model::{ModelRecipe, num_parameters};
use taf::train::CheckpointInfo;
use taf::trained::{Trained, Weights};
use taf_report::page;
use taf_report::run::Pace;

use crate::progress::clock;

/// `tsm on resnet50`.
pub fn network_name(model: &ModelRecipe) -> String {
    format!("{} on {}", as_in_recipes(&model.kind), as_in_recipes(&model.trunk))
}

/// What an adversary does: `shift, linf epsilon 4.0/255, 1 step`.
pub fn adversary(adversary: &TemporalAdversary) -> String {
    let TemporalAdversary { objective, epsilon, steps, norm, scale, .. } = adversary;
    let plural = if *steps == 1 { "" } else { "s" };
    let scale = if *scale == 1.0 { String::new() } else { format!(" at {scale} of the side") };
    let from = adversary.epsilon_from.map_or(String::new(), |from| format!("{:.1} to ", from * 255.0));
    format!(
        "{}{}, {} epsilon {from}{:.1}/255{}, {steps} step{plural}{}{scale}",
        as_in_recipes(objective),
        company(adversary),
        as_in_recipes(norm),
        epsilon * 255.0,
        places(adversary),
        ascent(adversary),
    )
}

/// What is maximised beside the objective.
fn company(adversary: &TemporalAdversary) -> String {
    match adversary.cross_entropy {
        0.0 => String::new(),
        weight => format!(" + {weight} cross-entropy"),
    }
}

/// What steps have besides their number.
fn ascent(adversary: &TemporalAdversary) -> String {
    let momentum = match adversary.momentum {
        0.0 => String::new(),
        momentum => format!(" with momentum {momentum}"),
    };
    if adversary.until_wrong { momentum + " until the answer is wrong" } else { momentum }
}

/// Where the budget lies, if not on all frames alike, and how many frames are lost.
fn places(adversary: &TemporalAdversary) -> String {
    let frames = match adversary.frames {
        Frames::All => String::new(),
        frames => format!(" on {} frames", as_in_recipes(&frames)),
    };
    let places = match adversary.budget {
        Budget::Uniform => frames,
        budget => format!("{frames} by {}", as_in_recipes(&budget)),
    };
    match adversary.dropped {
        0 => places,
        count => format!("{places}, without {count} frames by {}", as_in_recipes(&adversary.dropped_by)),
    }
}

/// One line: what network a run has, and how it was trained.
pub fn description(trained: &Trained) -> String {
    let CheckpointInfo { model, classes, frames, progress, .. } = &trained.info;
    let training = trained
        .recipe
        .taf
        .as_ref()
        .map_or_else(|| "plain training".to_owned(), |taf| format!("TAF ({})", adversary(&taf.adversary)));
    format!(
        "{}, {} parameters, {} classes, {frames} frames, {training}, weights after step {}",
        network_name(model),
        num_parameters(&trained.model),
        classes.len(),
        progress.step
    )
}

/// How much of a training went by waiting: `0.4 % of 12:05 of training steps`.
pub fn waited(pace: &Pace) -> String {
    let whole = clock(Duration::from_secs_f64(pace.seconds));
    format!("{:.1} % of {whole} of training steps", 100.0 * pace.waited_share())
}

/// Which weights of a run were evaluated, for a report.
pub fn weights(trained: &Trained) -> page::Weights {
    match trained.which {
        Weights::Last => page::Weights::Last,
        Weights::Best => page::Weights::Best { chosen_on: trained.recipe.data.validation.join(", ") },
    }
}

/// A value as recipes write it.
pub fn as_in_recipes(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Names in one line, of which `most` are shown and the others counted.
pub fn shortened<'a>(names: impl ExactSizeIterator<Item = &'a str>, most: usize) -> String {
    let more = names.len().saturating_sub(most);
    let shown = names.take(most).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// Bytes as disks are sold: `12.3 GB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let place = (1..UNITS.len()).rev().find(|&place| bytes >= 1000_u64.pow(place as u32 + 1)).unwrap_or(0);
    let value = bytes as f64 / 1000_f64.powi(place as i32 + 1);
    format!("{value:.*} {}", usize::from(value < 100.0), UNITS[place])
}
