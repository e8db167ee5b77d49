use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use taf::evaluate::Version;
use taf::experiment::Cell;
use taf::train::{CheckpointFolder, Outcome};
use taf::trained::{Asked, Trained, Weights};
use taf_report::experiment::{Answered, CellName, CellResult, ClipList, Split};
use taf_report::metrics::Predictions;
use taf_report::run::{Existing, Line, RunDir, StepRecord, epoch_means, read_metrics, sha256};
use taf_video::dataset::path_below;

use super::bill::{Bill, OpenBill};
use super::state::{self, State};
use super::{Place, test_split};
use crate::answers;
use crate::exit::Status;
use crate::interrupt;
use crate::output::say;
use crate::session::{Session, differences, stored_recipe};
use crate::source::Source;
use crate::trained::{autodiff_device, open};
use crate::training;

/// Trains and evaluates one cell, and writes its result. What is there already is not done again.
pub fn cell(place: &Place, name: &CellName, split: Split, redo: bool) -> Result<Status> {
    let cell =
        place.grid.cell(name).with_context(|| format!("expected a cell of {}, found {name}", place.file.display()))?;
    interrupt::stop_when_input_closes()?;
    if split == Split::Test {
        test_split::refuse_unchosen(place, cell)?;
    }
    let bill = OpenBill::open(&place.bill(name))?;
    let start = cell.start.as_ref().map(|start| open(&place.run(start), Weights::Last)).transpose()?;
    if train(place, cell, start.as_ref(), redo)? == Outcome::Stopped {
        say("stopped");
        return Ok(Status::Interrupted);
    }
    bill.evaluating();
    if state::alone(place, cell, split)? == State::Done {
        return Ok(Status::Done);
    }
    let trained = open(&place.run(name), Weights::Last)?;
    let examined = Examined::of(place, cell, &trained, split)?;
    let result = examined.result(cell, &trained, start.as_ref(), bill.now())?;
    place.results.write(&result, split, &examined.clips)?;
    Ok(Status::Done)
}

/// Trains a cell's run to its end, where it is not there with its weights.
fn train(place: &Place, cell: &Cell, start: Option<&Trained>, redo: bool) -> Result<Outcome> {
    let folder = place.run(&cell.name);
    let existing = existing(&folder, cell, start, redo)?;
    let source = start.map(|trained| Source { trained, new_classifier: false });
    let Some(session) = Session::begin(&folder, existing, cell.recipe.clone(), source)? else {
        return Ok(Outcome::Finished);
    };
    let model = match source {
        None => session.plan.init_model(&autodiff_device()),
        Some(source) => source.start(&session.plan)?,
    };
    let (outcome, _) = training::train(&session, model, &cell.name.run)?;
    if outcome == Outcome::Finished {
        session.run.finish()?;
    }
    Ok(outcome)
}

/// What is to happen to a run that is there: one of another recipe or start is replaced where that is asked for, and so is one
/// whose weights are gone.
fn existing(folder: &Path, cell: &Cell, start: Option<&Trained>, redo: bool) -> Result<Existing> {
    let Ok(run) = RunDir::open(folder) else { return Ok(Existing::Resume) };
    let mut other = differences(&stored_recipe(&run)?, &cell.recipe);
    if let Some(start) = start {
        let began = run.read_provenance()?;
        if began.data.iter().all(|data| data.sha256 != start.weights_hash) {
            other.push(format!("the weights it began with are no longer those of {}", start.run.path().display()));
        }
    }
    if other.is_empty() {
        let has_weights = CheckpointFolder::new(run.checkpoints()).newest_path()?.is_some();
        return Ok(if run.is_finished() && !has_weights { Existing::Replace } else { Existing::Resume });
    }
    if redo {
        return Ok(Existing::Replace);
    }
    bail!("the run that is there is of another kind; --redo replaces it: {}: {}", other.join("; "), folder.display())
}

/// What a network said about the clips of a cell.
struct Examined {
    name: String,
    clips: ClipList,
    answers: BTreeMap<Version, Predictions>,
    manifest: String,
}

impl Examined {
    fn of(place: &Place, cell: &Cell, trained: &Trained, split: Split) -> Result<Self> {
        let splits = place.splits(cell, split);
        let manifest = cell.recipe.data.manifest.as_path();
        let asked = Asked { manifest: Some(manifest), splits: &splits, ..Asked::default() };
        let examination = trained.examination(&asked)?;
        let answers = answers::of_versions(&cell.name.run, trained, &examination.evaluation, &place.grid.suites)?;
        let clean = answers.get(&Version::Clean).context("every experiment asks about clean clips")?;
        // Where the videos lie is of one machine.
        let folder = examination.evaluation.videos.common_folder().unwrap_or_default();
        let clips = ClipList::of(clean, &trained.info.classes).renamed(|name| path_below(name, &folder).to_owned());
        Ok(Self { name: cell.clips(&splits), clips, answers, manifest: cell.recipe.plan()?.manifest_hash })
    }

    fn result(&self, cell: &Cell, trained: &Trained, start: Option<&Trained>, bill: Bill) -> Result<CellResult> {
        let log = read_metrics(&trained.run.metrics_path())?;
        // Where the manifest lies is of one machine; what it holds is told by its hash.
        let mut recipe = trained.recipe.clone();
        recipe.data.manifest = recipe.data.manifest.file_name().map(Into::into).unwrap_or_default();
        let recipe = recipe.to_toml();
        let answered = |(version, said): (&Version, &Predictions)| (version.to_string(), Answered::of(said));
        Ok(CellResult {
            schema: CellResult::SCHEMA,
            cell: cell.name.clone(),
            clips: self.name.clone(),
            clips_sha256: self.clips.hash(),
            versions: self.answers.iter().map(answered).collect(),
            train_loss: last_epoch(&log, |step| step.loss),
            train_top1: last_epoch(&log, |step| step.accuracy),
            processor_seconds: bill.processor,
            seconds: bill.seconds,
            weights_sha256: trained.weights_hash.clone(),
            start_sha256: start.map(|start| start.weights_hash.clone()),
            manifest_sha256: self.manifest.clone(),
            recipe_sha256: sha256(recipe.as_bytes()),
            program: answers::program(),
            recipe,
        })
    }
}

fn last_epoch(log: &[Line], value: fn(&StepRecord) -> f64) -> Option<f64> {
    epoch_means(log, |step| Some(value(step))).last().map(|(_, mean)| *mean)
}
