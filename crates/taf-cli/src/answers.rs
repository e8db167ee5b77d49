//! What a network answers to the versions of its videos: asked once, kept in the run.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use taf::evaluate::{AnswerKey, Evaluation, Store, Suite, Version};
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
    let store = Store::new(trained.run.predictions());
    let of = AnswerKey::new(evaluation, Version::Clean, &trained.weights_hash, &program());
    let bar = Counter::new(name);
    let (videos, mut unkept) = (evaluation.records().len(), None);
    let mut answers = BTreeMap::new();
    for (place, &version) in versions.iter().enumerate() {
        let of = of.of_version(version);
        let mut show = |done, _| bar.show(place * videos + done, versions.len() * videos);
        let known = match store.find(&of) {
            Some(known) => known,
            None => {
                let made = evaluation.predict(&trained.model, version, &device(), &mut show)?;
                unkept = unkept.or(store.keep(of, &made).err());
                made
            }
        };
        show(videos, videos);
        answers.insert(version, known);
    }
    drop(bar);
    unkept.iter().for_each(tell_unkept);
    Ok(answers)
}

/// Another build of the program may answer otherwise.
fn program() -> String {
    format!("{} {}", env!("CARGO_PKG_VERSION"), option_env!("TAF_GIT_COMMIT").unwrap_or("without commit"))
}

fn tell_unkept(error: &taf_files::Error) {
    say(format_args!("the predictions could not be kept, and will be made again when they are needed: {error}"));
}
