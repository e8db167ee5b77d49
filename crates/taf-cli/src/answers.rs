//! What a network answers to the versions of its videos: asked once, kept in the run.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use taf::evaluate::{AnswerKey, Answers, Evaluation, Progress, Store, Suite, Version};
use taf::trained::Trained;
use taf_report::metrics::Predictions;

use crate::output::say;
use crate::progress::Counter;
use crate::trained::device;

/// The answers to every version that some suites need. Each is kept as soon as it is there, so that a command that is
/// stopped goes on at the version it was at. Where nothing can be kept, that is said and the answers are good all the same.
pub fn of_versions(
    name: &str,
    trained: &Trained,
    evaluation: &Evaluation,
    suites: &[Suite],
) -> Result<BTreeMap<Version, Predictions>> {
    let versions: BTreeSet<Version> = suites.iter().flat_map(|suite| suite.versions.iter().copied()).collect();
    let mut dialogue = Dialogue::new(trained, evaluation);
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
    let mut dialogue = Dialogue::new(trained, evaluation);
    let bar = Counter::new(name);
    let answers = dialogue.answers(Version::Clean, &mut |done, videos| bar.show(done, videos))?;
    drop(bar);
    dialogue.tell_unkept();
    Ok(answers)
}

/// A network that is asked about videos, and what it said before.
struct Dialogue<'a> {
    trained: &'a Trained,
    evaluation: &'a Evaluation,
    store: Store,
    key: AnswerKey,
    unkept: Option<taf_files::Error>,
}

impl<'a> Dialogue<'a> {
    fn new(trained: &'a Trained, evaluation: &'a Evaluation) -> Self {
        let store = Store::new(trained.run.predictions());
        let key = AnswerKey::new(evaluation, Version::Clean, &trained.weights_hash, &program());
        Self { trained, evaluation, store, key, unkept: None }
    }

    fn answers(&mut self, version: Version, progress: Progress) -> Result<Answers> {
        let key = self.key.of_version(version);
        if let Some(known) = self.store.find(&key) {
            let videos = self.evaluation.records().len();
            progress(videos, videos);
            return Ok(known);
        }
        let made = self.evaluation.ask(&self.trained.model, version, &device(), progress)?;
        self.unkept = self.unkept.take().or(self.store.keep(&key, &made).err());
        Ok(made)
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

/// Another build of the program may answer otherwise.
fn program() -> String {
    format!("{} {}", env!("CARGO_PKG_VERSION"), option_env!("TAF_GIT_COMMIT").unwrap_or("without commit"))
}
