//! Runs that answer together.

use anyhow::{Result, bail};
use clap::ValueEnum;
use taf::evaluate::{Average, Evaluation, Suite};
use taf::trained::{Asked, Trained, shared_video};
use taf_report::metrics::{Predictions, ScoreKind, learnt_weights, mixed, softmax};
use taf_report::page::{Detailed, Report, ReportBuilder};

use crate::answers;
use crate::output::say;
use crate::panel::Panel;
use crate::words;

/// What an ensemble takes the mean of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Combined {
    /// The probabilities of each run
    Probabilities,
    /// The logits of each run, as TSM's test_models.py does
    Logits,
}

/// How much each run counts.
pub enum Shares<'a> {
    /// As given; all the same where nothing is.
    Given(&'a [f64]),
    /// As has the least log loss on a split of what was asked about.
    Learnt {
        /// The question that the split replaces the splits of.
        asked: Asked<'a>,
        /// The split.
        split: &'a String,
    },
}

/// Runs that answered the same videos, and how they are mixed.
pub struct Ensemble<'a> {
    panel: &'a Panel,
    combined: Combined,
    /// Of each run a row of scores for each video.
    members: Vec<Vec<Vec<f32>>>,
    weights: Vec<f64>,
    /// Where the weights come from.
    origin: String,
}

impl<'a> Ensemble<'a> {
    /// Asks all networks of a panel, or looks up what they said before.
    pub fn ask(panel: &'a Panel, shares: Shares, combined: Combined) -> Result<Self> {
        panel.same_videos()?;
        let (weights, origin) = match shares {
            Shares::Given([]) => (vec![1.0; panel.names().len()], "all the same".to_owned()),
            Shares::Given(weights) => (weights.to_vec(), "as given".to_owned()),
            Shares::Learnt { asked, split } => learnt(panel, &asked, split)?,
        };
        let members = panel
            .members()
            .map(|(name, trained, examination)| scores(name, trained, &examination.evaluation, combined));
        let members = members.collect::<Result<_>>()?;
        Ok(Self { panel, combined, members, weights, origin })
    }

    /// What it says: a row for each video.
    pub fn scores(&self) -> Vec<Vec<f32>> {
        mixed(&self.members, &self.weights)
    }

    /// Every run, the ensemble, and the difference to the best of the runs.
    pub fn report(&self) -> Result<ReportBuilder> {
        let name = self.name();
        let suite = Suite::clean();
        let mut report = Report::builder(format!("{name}: {}", self.panel.names().join(", ")));
        report = self.panel.with_labels(report.classes(self.panel.subject().info.classes.clone()));
        report = report.suite(&suite.name, &suite.description);
        let mut best: Option<(&str, f64)> = None;
        for ((member, trained, _), rows) in self.panel.members().zip(&self.members) {
            let said = self.scored(rows.clone())?;
            let top1 = said.correct().iter().filter(|right| **right).count() as f64;
            best = best.filter(|(_, most)| *most >= top1).or(Some((member, top1)));
            report = report.model(member, words::description(trained)).weights(member, words::weights(trained));
            report = report.predictions(member, &suite.name, suite.joined([said])?);
        }
        let (best, _) = best.expect("an ensemble has members");
        report = report.model(&name, self.description());
        report = report.predictions(&name, &suite.name, suite.joined([self.scored(self.scores())?])?);
        Ok(report.compare(best, &name).finding(format!(
            "Weights of the ensemble: {}; {}.",
            self.listed_weights(),
            self.origin
        )))
    }

    fn name(&self) -> String {
        format!("ensemble of {}", self.members.len())
    }

    fn description(&self) -> String {
        let what = match self.combined {
            Combined::Probabilities => "probabilities",
            Combined::Logits => "logits",
        };
        format!("weighted mean of their {what}")
    }

    /// The share of each run.
    fn listed_weights(&self) -> String {
        let total: f64 = self.weights.iter().sum();
        let share = |(name, weight): (&str, &f64)| format!("{name} {:.3}", weight / total);
        self.panel.names().into_iter().zip(&self.weights).map(share).collect::<Vec<_>>().join(", ")
    }

    fn scored(&self, rows: Vec<Vec<f32>>) -> Result<Predictions> {
        Ok(self.panel.examination().evaluation.scored(self.combined.kind(), rows)?)
    }
}

impl Combined {
    fn kind(self) -> ScoreKind {
        match self {
            Self::Probabilities => ScoreKind::Probabilities,
            Self::Logits => ScoreKind::Logits,
        }
    }
}

/// One row of scores for each video.
fn scores(name: &str, trained: &Trained, evaluation: &Evaluation, combined: Combined) -> Result<Vec<Vec<f32>>> {
    let answers = answers::of_views(name, trained, evaluation)?;
    Ok(match (combined, evaluation.average) {
        (Combined::Logits, _) => answers.averaged(Average::Logits).collect(),
        (Combined::Probabilities, Average::Logits) => {
            answers.averaged(Average::Logits).map(|row| softmax(&row)).collect()
        }
        (Combined::Probabilities, Average::Probabilities) => answers.averaged(Average::Probabilities).collect(),
    })
}

/// The weights with the least log loss on a split, and where they come from.
fn learnt(panel: &Panel, asked: &Asked, split: &String) -> Result<(Vec<f64>, String)> {
    let asked = Asked { splits: std::slice::from_ref(split), unlabelled: false, lesson: true, ..asked.clone() };
    let mut members = Vec::new();
    for (name, trained, reported) in panel.members() {
        let lesson = trained.examination(&asked)?;
        if let Some(video) = shared_video(&lesson.evaluation.videos, &reported.evaluation.videos) {
            bail!(
                "--learn-on {split}: expected videos that are not reported, found {} among both: {}",
                video.id(),
                reported.recipe.data.manifest.display()
            );
        }
        if trained.recipe.data.train.contains(split) {
            say(format_args!("{name} was trained on {split}, so weights learnt there favour what overfits"));
        }
        let rows = scores(&format!("{name} on {split}"), trained, &lesson.evaluation, Combined::Probabilities)?;
        members.push(lesson.evaluation.scored(ScoreKind::Probabilities, rows)?);
    }
    let origin = format!("they have the least log loss on the {} videos of {split}", members[0].len());
    Ok((learnt_weights(&members)?, origin))
}
