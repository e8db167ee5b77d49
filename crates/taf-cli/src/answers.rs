//! What a network answers to the versions of its videos: asked once, kept in the run.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use anyhow::Result;
use taf::evaluate::{AnswerKey, Answers, Evaluation, Progress, Store, Suite, Version};
use taf::trained::Trained;
use taf_report::metrics::Predictions;

use crate::exit::Stopped;
use crate::interrupt::Graceful;
use crate::output::say;
use crate::progress::Counter;
use crate::trained::device;

/// The answers to every version that some suites need. What is answered is kept every minute, so that a command that is
/// stopped goes on where it was. Where nothing can be kept, that is said and the answers are good all the same.
pub fn of_versions(
    name: &str,
    trained: &Trained,
    evaluation: &Evaluation,
    suites: &[Suite],
) -> Result<BTreeMap<Version, Predictions>> {
    let versions: BTreeSet<Version> = suites.iter().flat_map(|suite| suite.versions.iter().copied()).collect();
    let mut dialogue = Dialogue::new(trained, evaluation)?;
    let bar = Counter::new(name);
    let videos = evaluation.records().len();
    let mut answers = BTreeMap::new();
    for (place, &version) in versions.iter().enumerate() {
        let mut show = |done, _| bar.show(place * videos + done, versions.len() * videos);
        answers.insert(version, evaluation.predictions(&dialogue.answers(version, &mut show)?)?);
    }
    drop(bar);
    dialogue.tell_unkept();
    Ok(answers)
}

/// What a network says about every view of the videos as they are, which need no labels.
pub fn of_views(name: &str, trained: &Trained, evaluation: &Evaluation) -> Result<Answers> {
    let mut dialogue = Dialogue::new(trained, evaluation)?;
    let bar = Counter::new(name);
    let answers = dialogue.answers(Version::Clean, &mut |done, videos| bar.show(done, videos))?;
    drop(bar);
    dialogue.tell_unkept();
    Ok(answers)
}

/// Between the times that unfinished answers are kept.
const KEEP_EVERY: Duration = Duration::from_secs(60);

/// A network that is asked about videos, and what it said before.
struct Dialogue<'a> {
    trained: &'a Trained,
    evaluation: &'a Evaluation,
    store: Store,
    key: AnswerKey,
    unkept: Option<taf_files::Error>,
    graceful: Graceful,
}

impl<'a> Dialogue<'a> {
    fn new(trained: &'a Trained, evaluation: &'a Evaluation) -> Result<Self> {
        let store = Store::new(trained.run.predictions());
        let key = AnswerKey::new(evaluation, Version::Clean, &trained.weights_hash, &program());
        let graceful = Graceful::ending_with("finishing these clips and keeping what is answered")?;
        Ok(Self { trained, evaluation, store, key, unkept: None, graceful })
    }

    fn answers(&mut self, version: Version, progress: Progress) -> Result<Answers> {
        let key = self.key.of_version(version);
        let videos = self.evaluation.records().len();
        if let Some(known) = self.store.find(&key) {
            progress(videos, videos);
            return Ok(known);
        }
        let made = self.ask(&key, version, progress)?;
        let is_whole = made.videos() == videos;
        self.note(if is_whole { self.store.keep(&key, &made) } else { self.store.keep_part(&key, &made) });
        if !self.graceful.asked() {
            return Ok(made);
        }
        Err(Stopped { answered: made.videos(), videos, version, unkept: self.unkept.take() }.into())
    }

    /// Asks until all is answered or a stop is asked for.
    fn ask(&mut self, key: &AnswerKey, version: Version, progress: Progress) -> Result<Answers> {
        let Self { trained, evaluation, .. } = *self;
        let videos = evaluation.records().len();
        let known = self.store.find_part(key);
        if let Some(known) = &known {
            say(format_args!("{}, {version}: goes on after {} of {videos} videos", trained.name(), known.videos()));
        }
        let mut kept = Instant::now();
        let answers = evaluation.ask_on(&trained.model, version, &device(), known, &mut |answers| {
            progress(answers.videos(), videos);
            if kept.elapsed() >= KEEP_EVERY {
                self.note(self.store.keep_part(key, answers));
                kept = Instant::now();
            }
            if self.graceful.asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(answers)
    }

    /// Remembers the first reason for which answers are not kept.
    fn note(&mut self, kept: taf_files::Result<()>) {
        self.unkept = self.unkept.take().or(kept.err());
    }

    /// Says where answers could not be kept.
    fn tell_unkept(self) {
        if let Some(error) = self.unkept {
            say(format_args!(
                "the predictions could not be kept, and will be made again when they are needed: {error}"
            ));
        }
    }
}

/// Version and commit: another build of the program may answer otherwise.
pub fn program() -> String {
    format!("{} {}", env!("CARGO_PKG_VERSION"), option_env!("TAF_GIT_COMMIT").unwrap_or("without commit"))
}
