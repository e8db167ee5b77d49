//! What a network answers to the versions of its videos: asked once, kept in the run.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use anyhow::Result;
use taf::evaluate::{
    Answers, Condition, Evaluation, EvaluationError, Interview, Kept, Store, Subject, Suite, Told, Version,
};
use taf::model::Recognizer;
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
    Version::check_encoders(versions.iter().copied())?;
    let videos = evaluation.records().len();
    let device = device();
    let interview = Interview::new(vec![subject(name, trained, evaluation)], &device);
    let mut dialogue = Dialogue::new(name, interview, versions.len() * videos)?;
    let mut answers = BTreeMap::new();
    for version in versions {
        let said = dialogue.ask(|interview, told| interview.answers(Condition::Version(version), told))?;
        answers.insert(version, evaluation.predictions(&said[0])?);
    }
    dialogue.end();
    Ok(answers)
}

/// What a network says about every view of the videos as they are, which need no labels.
pub fn of_views(name: &str, trained: &Trained, evaluation: &Evaluation) -> Result<Answers> {
    let device = device();
    let interview = Interview::new(vec![subject(name, trained, evaluation)], &device);
    let mut dialogue = Dialogue::new(name, interview, evaluation.records().len())?;
    let answers = dialogue.ask(|interview, told| interview.answers(Condition::CLEAN, told))?.swap_remove(0);
    dialogue.end();
    Ok(answers)
}

/// A run that is asked, its answers kept in its folder.
pub fn subject<'a>(name: &str, trained: &'a Trained, evaluation: &'a Evaluation) -> Subject<'a, Recognizer> {
    let store = Store::new(trained.run.predictions());
    let kept = Kept::new(store, evaluation, &trained.weights_hash, &answered_by());
    Subject { name: name.to_owned(), model: &trained.model, evaluation, kept: Some(kept) }
}

/// Runs that are asked, with a bar; Ctrl-C keeps what is answered.
pub struct Dialogue<'a> {
    interview: Interview<'a, Recognizer>,
    bar: Counter,
    /// Answers there will be in the end, of all runs and conditions.
    total: usize,
    graceful: Graceful,
}

/// Hears what happens, and breaks where a stop is asked for.
type Listener<'a> = &'a mut dyn FnMut(Told) -> ControlFlow<()>;

impl<'a> Dialogue<'a> {
    /// `total` answers will be there in the end, of all runs and conditions; `what` stands in front of the bar.
    pub fn new(what: &str, interview: Interview<'a, Recognizer>, total: usize) -> Result<Self> {
        let graceful = Graceful::ending_with("finishing these clips and keeping what is answered")?;
        Ok(Self { interview, bar: Counter::new(what), total, graceful })
    }

    /// Asks something of the runs.
    pub fn ask<T>(
        &mut self,
        question: impl FnOnce(&mut Interview<'a, Recognizer>, Listener) -> Result<T, EvaluationError>,
    ) -> Result<T> {
        let Self { interview, bar, total, graceful } = self;
        let said = question(interview, &mut |told| {
            match told {
                Told::Answered(answered) => bar.show(answered, *total),
                Told::GoesOn { name, condition, answered, videos } => {
                    bar.aside(|| say(format_args!("{name}, {condition}: goes on after {answered} of {videos} videos")));
                }
            }
            if graceful.asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        said.map_err(|error| match error {
            EvaluationError::Stopped { condition, answered, asked } => {
                let of = format!("answers ({condition})");
                Stopped { done: answered, total: asked, of, unkept: interview.take_unkept() }.into()
            }
            error => error.into(),
        })
    }

    /// Takes the bar away, and says where answers could not be kept.
    pub fn end(mut self) {
        drop(self.bar);
        if let Some(error) = self.interview.take_unkept() {
            say(format_args!(
                "the predictions could not be kept, and will be made again when they are needed: {error}"
            ));
        }
    }
}

/// What answers hang on beside networks and videos: the program, and what decodes, spoils and encodes videos for it.
pub fn answered_by() -> String {
    format!("{}, {}", program(), taf_video::codec_library())
}

/// Version and commit: another build of the program may answer otherwise.
pub fn program() -> String {
    format!("{} {}", env!("CARGO_PKG_VERSION"), option_env!("TAF_GIT_COMMIT").unwrap_or("without commit"))
}
