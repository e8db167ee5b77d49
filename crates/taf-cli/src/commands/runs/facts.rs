use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Serialize, Serializer};
use taf::recipe::Recipe;
use taf::train::{CheckpointFolder, CheckpointInfo};
use taf_report::run::{LogEnd, Pace, RunDir, State};

use super::Order;
use crate::session::stored_recipe;
use crate::words::{adversary, network_name};

/// What a list of runs says of one.
#[derive(Debug, Serialize)]
pub struct Facts {
    /// Its folder.
    pub run: PathBuf,
    #[serde(serialize_with = "state")]
    pub state: State,
    /// `tsm on resnet50`.
    pub network: String,
    /// A word for its manifest.
    pub data: String,
    pub manifest: PathBuf,
    /// Which labels the manifest has, where it says so.
    pub label_set: Option<String>,
    /// The adversary of fine-tuning; none for plain training.
    pub taf: Option<String>,
    pub epochs_done: usize,
    pub epochs: usize,
    pub steps: u64,
    /// Top-1 on the validation videos, in [0, 1].
    pub best_top1: Option<f64>,
    pub last_top1: Option<f64>,
    pub steps_per_second: Option<f64>,
    pub waited_share: Option<f64>,
    /// UTC, RFC 3339.
    pub started: String,
    pub age_seconds: Option<i64>,
    #[serde(skip)]
    pub recipe: Recipe,
}

impl Facts {
    /// Reads a run from outside: its recipe, the end of its log, what its newest checkpoint says of itself.
    pub fn of(run: &RunDir) -> Result<Self> {
        let recipe = stored_recipe(run)?;
        let provenance = run.read_provenance()?;
        let end = LogEnd::read(&run.metrics_path())?;
        let newest = CheckpointFolder::new(run.checkpoints()).newest_path()?;
        let info = newest.map(|path| CheckpointInfo::read(&path)).transpose()?;
        let best_top1 = info.as_ref().and_then(|info| info.progress.best_top1);
        let last_top1 = end.evaluation.as_ref().map(|evaluation| evaluation.top1);
        Ok(Self {
            run: run.path().to_owned(),
            state: run.state(),
            network: network_name(&recipe.model),
            data: data_name(&recipe.data.manifest),
            manifest: recipe.data.manifest.clone(),
            label_set: info.and_then(|info| info.label_set),
            taf: recipe.taf.as_ref().map(|taf| adversary(&taf.adversary)),
            epochs_done: end.epochs(),
            epochs: recipe.train.epochs,
            steps: end.step.as_ref().map_or(0, |(steps, _)| *steps),
            best_top1: best_top1.into_iter().chain(last_top1).reduce(f64::max),
            last_top1,
            steps_per_second: end.pace.as_ref().map(Pace::steps_per_second),
            waited_share: end.pace.as_ref().map(Pace::waited_share),
            age_seconds: provenance.age_seconds(),
            started: provenance.started,
            recipe,
        })
    }

    /// The text that a search looks in.
    pub fn searched(&self) -> String {
        let Self { run, network, data, label_set, taf, .. } = self;
        let [labels, taf] = [(label_set, ""), (taf, "plain")].map(|(text, without)| text.as_deref().unwrap_or(without));
        format!("{} {network} {data} {labels} {taf}", run.display())
    }
}

/// Which of two runs comes first; those without the figure come last.
pub fn compare(order: Order, a: &Facts, b: &Facts) -> Ordering {
    let by = |figure: fn(&Facts) -> Option<f64>| {
        let [a, b] = [a, b].map(|facts| figure(facts).unwrap_or(f64::NEG_INFINITY));
        b.total_cmp(&a)
    };
    match order {
        Order::Best => by(|facts| facts.best_top1),
        Order::Last => by(|facts| facts.last_top1),
        Order::Epochs => by(|facts| Some(facts.epochs_done as f64)),
        Order::Speed => by(|facts| facts.steps_per_second),
        Order::Waits => by(|facts| facts.waited_share),
        // As RFC 3339 writes it, later is greater.
        Order::Started => b.started.cmp(&a.started),
    }
}

/// The name of a manifest without its ending; where it is called `manifest`, as those of generated videos are, that of its folder.
fn data_name(manifest: &Path) -> String {
    let stem = manifest.file_stem().unwrap_or_default();
    let folder = manifest.parent().and_then(Path::file_name).filter(|_| stem == "manifest");
    folder.unwrap_or(stem).to_string_lossy().into_owned()
}

/// A state in a word.
pub fn word(state: State) -> &'static str {
    match state {
        State::Finished => "finished",
        State::Imported => "imported",
        State::Running => "running",
        State::Interrupted => "interrupted",
    }
}

fn state<S: Serializer>(state: &State, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(word(*state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_known_by_its_name_or_that_of_its_folder() {
        let name = |path: &str| data_name(Path::new(path));
        assert_eq!(name("/data/ssv2.jsonl"), "ssv2");
        assert_eq!(name("/data/shapes/manifest.jsonl"), "shapes");
        assert_eq!([name("manifest.jsonl"), name("")], ["manifest", ""]);
    }
}
