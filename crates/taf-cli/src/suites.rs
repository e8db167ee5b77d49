//! Suites by name, and predictions that are made once and kept in the run.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::{Deserialize, Serialize};
use taf::eval::{Suite, predict_suite};
use taf::recipe::Plan;
use taf_files::write_atomic;
use taf_report::metrics::Predictions;
use taf_video::corrupt::{Corruption, Family, Severity};

use crate::progress::Counter;
use crate::trained::{Trained, device};

/// Which suites.
#[derive(Clone, Debug, Args)]
pub struct SuiteArgs {
    /// What to evaluate
    #[arg(long, value_name = "A,B,...", value_delimiter = ',', default_value = "clean,time-shifted,noise,blur")]
    pub suite: Vec<String>,
    /// How bad, from 1 to 5; several are pooled
    #[arg(long, value_name = "N,M,...", value_delimiter = ',', default_value = "3")]
    pub severity: Vec<u8>,
}

const FAMILIES: [(&str, Family); 4] =
    [("noise", Family::Noise), ("blur", Family::Blur), ("digital", Family::Digital), ("temporal", Family::Temporal)];

impl SuiteArgs {
    /// The suites that were named, each once, in order.
    pub fn suites(&self) -> Result<Vec<Suite>> {
        let severities: Vec<Severity> =
            self.severity.iter().map(|&number| Ok(Severity::new(number)?)).collect::<Result<_>>()?;
        let mut suites: Vec<Suite> = Vec::new();
        for name in &self.suite {
            let suite = named(name.trim(), &severities)?;
            if !suites.contains(&suite) {
                suites.push(suite);
            }
        }
        Ok(suites)
    }
}

fn named(name: &str, severities: &[Severity]) -> Result<Suite> {
    let family = FAMILIES.iter().find(|(family, _)| *family == name);
    Ok(match (name, family) {
        ("clean", _) => Suite::clean(),
        ("time-shifted", _) => Suite::time_shifted(severities),
        (_, Some((_, family))) => Suite::family(*family, severities),
        _ => match Corruption::ALL.into_iter().find(|corruption| corruption.name() == name) {
            Some(corruption) => Suite::corruption(corruption, severities),
            None => bail!(
                "suite must be clean, time-shifted, noise, blur, digital, temporal, {}, got {name:?}",
                Corruption::ALL.map(Corruption::name).join(", ")
            ),
        },
    })
}

/// Predictions as they lie in a run, with what they depend on.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    origin: Origin,
    predictions: Predictions,
}

/// What predictions depend on: where all of it is the same, they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Origin {
    /// When the run began, which tells it from an earlier one in the same folder.
    started: String,
    /// Steps the weights had been trained for.
    step: u64,
    manifest_sha256: String,
    splits: Vec<String>,
    /// Everything that decides how a video becomes a clip.
    clips: String,
    versions: Vec<String>,
}

impl Origin {
    fn new(trained: &Trained, plan: &Plan, suite: &Suite) -> Self {
        let data = &plan.recipe.data;
        let versions = suite.versions.iter().map(|version| match version {
            None => "clean".to_owned(),
            Some((corruption, severity)) => format!("{corruption}:{severity}"),
        });
        Self {
            started: trained.provenance.started.clone(),
            step: trained.info.progress.step,
            manifest_sha256: plan.manifest_hash.clone(),
            splits: data.validation.clone(),
            clips: format!(
                "seed {} {:?} {:?} {:?} {:?}",
                plan.recipe.seed, data.sampling, data.views, data.eval, plan.classes
            ),
            versions: versions.collect(),
        }
    }
}

/// What a network says about a suite; taken from the run where it was asked before.
pub fn predictions(trained: &Trained, plan: &Plan, suite: &Suite) -> Result<Predictions> {
    let origin = Origin::new(trained, plan, suite);
    let path = trained.run.predictions().join(format!("{}.json", suite.name));
    if let Some(known) = read(&path).filter(|stored| stored.origin == origin) {
        return Ok(known.predictions);
    }
    let bar = Counter::new(format!("{} on {}", trained.name, suite.name));
    let made = predict_suite(&trained.model, plan, suite, &device(), &mut |done, total| bar.show(done, total))?;
    drop(bar);
    write(&path, &Stored { origin, predictions: made.clone() })?;
    Ok(made)
}

/// What cannot be read is made anew.
fn read(path: &Path) -> Option<Stored> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn write(path: &Path, stored: &Stored) -> Result<()> {
    let folder = path.parent().expect("predictions lie in a folder");
    fs::create_dir_all(folder).with_context(|| format!("cannot create the folder {}", folder.display()))?;
    let json = serde_json::to_vec(stored).context("cannot write predictions as JSON")?;
    Ok(write_atomic(path, &json)?)
}
