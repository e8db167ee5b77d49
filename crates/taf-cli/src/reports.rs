//! The reports that training and comparing leave behind.

use std::path::{Path, PathBuf};

use anyhow::Result;
use taf::evaluate::Suite;
use taf::recipe::Recipe;
use taf::trained::{Asked, Trained, Weights};
use taf_files::write_atomic;
use taf_report::page::{Detailed, Report, ReportBuilder};
use taf_report::run::RunDir;
use taf_video::corrupt::Severity;

use crate::panel::Panel;
use crate::session::{Session, provenance};
use crate::source::Source;
use crate::trained::open;

/// Videos whose pictures are shown of a network that stands alone, and of each that is compared.
const STRIPS_ALONE: usize = 3;
const STRIPS_COMPARED: usize = 2;
/// The severity that reports of a training show.
const SEVERITY: u8 = 3;

/// Writes the report of a run that was trained on its own.
pub fn training(session: &Session) -> Result<PathBuf> {
    let panel = Panel::new(vec![open(session.run.path(), Weights::Last)?], &Asked::default())?;
    let report = alone(&panel, format!("{}: training", panel.subject_name()), &[Suite::clean()])?
        .question("How well does the network do on videos it was not trained on?")
        .fact("training videos", session.plan.train.records().len())
        .provenance(panel.subject().provenance.clone());
    write(&session.run, &report.build()?)
}

/// What both networks of a fine-tuning are asked about: the videos of the new run, since those of its source may be others.
pub fn asked(recipe: &Recipe) -> Asked<'_> {
    Asked { manifest: Some(&recipe.data.manifest), splits: &recipe.data.validation, ..Asked::default() }
}

/// Writes the report of a run that was fine-tuned: the network before and after, or after alone where the source answers
/// with other classes.
pub fn finetuning(session: &Session, source: Trained) -> Result<PathBuf> {
    let tuned = open(session.run.path(), Weights::Last)?;
    let suites = [Suite::clean(), Suite::time_shifted(&[Severity::new(SEVERITY)?])];
    let known = Source { trained: &source, new_classifier: false };
    let (report, panel) = if known.knows(&tuned.info.classes, tuned.info.label_set.as_deref()) {
        let panel = Panel::new(vec![source, tuned], &asked(&session.plan.recipe))?;
        let question = "Did fine-tuning make the network better, and what does it attend to now?";
        (compared(&panel, title(&panel), &suites)?.question(question), panel)
    } else {
        let before = format!("{} answers with other classes and is no measure here", source.name());
        let panel = Panel::new(vec![tuned], &Asked::default())?;
        let question = "How well does the network tell the new classes apart?";
        (alone(&panel, title(&panel), &suites)?.question(question).fact("before", before), panel)
    };
    let report = report
        .fact("training videos", session.plan.train.records().len())
        .provenance(panel.subject().provenance.clone());
    write(&session.run, &report.build()?)
}

fn title(panel: &Panel) -> String {
    format!("{}: fine-tuning", panel.subject_name())
}

/// Everything about a network that stands alone.
fn alone(panel: &Panel, title: String, suites: &[Suite]) -> Result<ReportBuilder> {
    let report = panel.with_curves(panel.with_attention(panel.report(title, suites)?, STRIPS_ALONE)?)?;
    Ok(panel.with_facts(report))
}

/// Writes the report of several runs to an HTML file.
pub fn comparison(panel: &Panel, question: &str, title: &str, suites: &[Suite], page: &Path) -> Result<Report> {
    let report = compared(panel, title.to_owned(), suites)?
        .question(question)
        .provenance(provenance(panel.recipe(), None)?)
        .build()?;
    write_atomic(page, report.to_html().as_bytes())?;
    Ok(report)
}

/// Everything about several networks; each is compared with the first, and before that the last with the one before it.
fn compared(panel: &Panel, title: String, suites: &[Suite]) -> Result<ReportBuilder> {
    let report =
        panel.with_curves(panel.with_attention(with_pairs(panel, panel.report(title, suites)?), STRIPS_COMPARED)?)?;
    Ok(panel.with_facts(report))
}

/// Compares the last network with the one before it, which the answer speaks of, and then each with the first.
pub fn with_pairs(panel: &Panel, mut report: ReportBuilder) -> ReportBuilder {
    let names = panel.names();
    let [first, .., before, last] = names[..] else {
        return match names[..] {
            [first, second] => report.compare(first, second),
            _ => report,
        };
    };
    report = report.compare(before, last);
    for name in &names[1..] {
        report = report.compare(first, *name);
    }
    report
}

/// Writes report.html, report.json and report.md into a run; returns the page.
fn write(run: &RunDir, report: &Report) -> Result<PathBuf> {
    run.write("report.json", report.to_json().as_bytes())?;
    run.write("report.md", report.to_markdown().as_bytes())?;
    Ok(run.write("report.html", report.to_html().as_bytes())?)
}
