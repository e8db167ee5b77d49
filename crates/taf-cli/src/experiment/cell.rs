use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use taf::evaluate::Version;
use taf::experiment::Cell;
use taf::train::Outcome;
use taf::trained::{Asked, Trained, Weights};
use taf_report::experiment::{Answered, CellName, CellResult, ClipList, Split};
use taf_report::metrics::Predictions;
use taf_report::run::{Line, StepRecord, epoch_means, read_metrics, sha256};
use taf_video::dataset::{Manifest, path_below};

use super::bill::{Bill, OpenBill};
use super::{Place, fit, state, test_split};
use crate::answers;
use crate::exit::Status;
use crate::interrupt;
use crate::output::say;
use crate::session::Session;
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
    let start = cell.start.as_ref().map(|start| self::start(place, start)).transpose()?;
    if train(place, cell, start.as_ref(), redo)? == Outcome::Stopped {
        say("stopped");
        return Ok(Status::Interrupted);
    }
    bill.evaluating();
    let trained = open(&place.run(name), Weights::Last)?;
    if state::is_of_weights(place, cell, split, &trained.weights_hash)? {
        return Ok(Status::Done);
    }
    let examined = Examined::of(place, cell, &trained, split)?;
    let result = examined.result(cell, &trained, start.as_ref(), bill.now())?;
    let manifest = &cell.recipe.data.manifest;
    ensure!(
        trained.provenance.has_read(manifest)?,
        "expected what {name} was trained on, found other contents: {}",
        manifest.display()
    );
    place.results.write(&result, split, &examined.clips)?;
    Ok(Status::Done)
}

/// The run that a cell starts from, which must be as the grid says.
fn start(place: &Place, name: &CellName) -> Result<Trained> {
    let cell = place.grid.cell(name).with_context(|| format!("expected a cell of the grid, found {name}"))?;
    let trained = open(&place.run(name), Weights::Last)?;
    let other = fit::misfits(&trained.run, cell)?;
    ensure!(
        other.is_empty(),
        "the run to start from is of another kind; --redo replaces it: {}: {}",
        other.join("; "),
        trained.run.path().display()
    );
    Ok(trained)
}

/// Trains a cell's run to its end, where it is not there with its weights.
fn train(place: &Place, cell: &Cell, start: Option<&Trained>, redo: bool) -> Result<Outcome> {
    let folder = place.run(&cell.name);
    let existing = fit::existing(&folder, cell, start, redo)?;
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
        Ok(Self { name: cell.clips(&splits), clips, answers, manifest: Manifest::read(manifest)?.portable_hash() })
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
