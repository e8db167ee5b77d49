//! Reports of runs: what was trained, how well it does, what it attends to.

use std::path::PathBuf;

use anyhow::Result;
use taf::eval::{Explanation, Suite, probe};
use taf::recipe::Plan;
use taf::report::{Axis, Chart, Report, ReportBuilder, Series};
use taf::run::{RunDir, read_metrics};
use taf_video::Clip;
use taf_video::dataset::Manifest;

use crate::progress::Counter;
use crate::session::Session;
use crate::suites;
use crate::trained::{Trained, Which, device};

/// Clips whose attention is measured for a report: enough for narrow intervals, at a few passes each.
const PROBED_CLIPS: usize = 64;
/// Pictures of what the network sees.
const STRIPS: usize = 3;

/// Writes the report of a run that was trained on its own.
pub fn training(session: &Session) -> Result<PathBuf> {
    let trained = Trained::open(session.run.path(), Which::Best)?;
    let plan = trained.plan(None, &[])?;
    let (name, suite) = (trained.name(), Suite::clean());
    let predictions = suites::predictions(&trained, &plan, &suite)?;
    let mut report = Report::builder(format!("{name}: training"))
        .question("How well does the network do on clips it was not trained on?")
        .classes(plan.classes.clone())
        .model(&name, trained.description())
        .suite(&suite.name, &suite.description)
        .predictions(&name, &suite.name, predictions);
    report = with_attention(report, &trained, &plan)?;
    report = with_curves(report, &[(&name, &session.run)])?;
    report = with_strips(report, &trained, &plan)?;
    write(&session.run, described(report, &trained, &session.plan))
}

/// How a network spreads its attention, and how far the recipe's adversary moves it.
pub fn with_attention(report: ReportBuilder, trained: &Trained, plan: &Plan) -> Result<ReportBuilder> {
    let bar = Counter::new(format!("attention of {}", trained.name()));
    let adversary = &plan.recipe.probe;
    let mut show = |done, total| bar.show(done, total);
    let summary = probe(&trained.model, plan, adversary, PROBED_CLIPS, &device(), &mut show)?;
    Ok(report.attention(trained.name(), summary))
}

/// Loss and accuracy over the steps of runs.
pub fn with_curves(report: ReportBuilder, runs: &[(&str, &RunDir)]) -> Result<ReportBuilder> {
    let steps = || Axis::with_unit("training", "steps");
    let mut loss = Chart::new("Training loss", steps(), Axis::with_unit("cross-entropy", "nats"));
    let mut accuracy = Chart::new("Validation accuracy", steps(), Axis::new("top-1"));
    for (name, run) in runs {
        let log = read_metrics(&run.metrics_path())?;
        loss = loss.with(Series::from_log(*name, &log, "loss"));
        if log.iter().any(|line| line.contains_key("perturbed_loss")) {
            loss = loss.with(Series::from_log(format!("{name}, perturbed"), &log, "perturbed_loss"));
        }
        accuracy = accuracy.with(Series::from_log(*name, &log, "top1"));
    }
    Ok(report.curve(loss).curve(accuracy))
}

/// Pictures of what a network sees in clips of different classes.
pub fn with_strips(mut report: ReportBuilder, trained: &Trained, plan: &Plan) -> Result<ReportBuilder> {
    for index in one_per_class(plan).into_iter().take(STRIPS) {
        let record = &plan.validation.records()[index];
        let class = &plan.classes[record.label];
        let seed = plan.recipe.seed;
        let clip = first_view(plan, index)?;
        let seen = Explanation::new(&trained.model, &clip, Some(record.label), &plan.recipe.probe, &device(), seed)?;
        let title = format!("{class}: {}", record.path);
        let caption = "Frames, evidence for the class on one scale for the clip, and attention per frame; below, the same \
                       for the temporal adversarial clip, and what was changed, amplified.";
        report = report.picture(&title, caption, seen.strip(&format!("{}, {title}", trained.name()), &plan.classes)?);
    }
    Ok(report)
}

/// The first validation video of each class, by index.
fn one_per_class(plan: &Plan) -> Vec<usize> {
    let records = plan.validation.records();
    (0..plan.classes.len()).filter_map(|class| records.iter().position(|record| record.label == class)).collect()
}

/// The first view of one validation video.
fn first_view(plan: &Plan, index: usize) -> Result<Clip> {
    let data = &plan.recipe.data;
    let record = &plan.validation.records()[index];
    let mut video = Manifest::read(&data.manifest)?.open(record)?;
    let frames = data.sampling.views(video.num_frames()?, data.views).swap_remove(0);
    Ok(plan.eval.views(video.read(&frames)?).swap_remove(0))
}

/// The facts that belong under every report.
fn described(report: ReportBuilder, trained: &Trained, plan: &Plan) -> ReportBuilder {
    let data = &plan.recipe.data;
    report
        .fact("network", trained.description())
        .fact("training clips", plan.train.records().len())
        .fact("validation clips", plan.validation.records().len())
        .fact("clip", format!("{} frames of {1}x{1}", data.sampling.frames(), plan.eval.size()))
        .fact("epochs", plan.recipe.train.epochs)
        .fact("steps", trained.info.progress.step)
        .listing("recipe.toml", plan.recipe.to_toml())
        .provenance(trained.provenance.clone())
}

/// Writes report.html, report.json and report.md into a run; returns the page.
pub fn write(run: &RunDir, report: ReportBuilder) -> Result<PathBuf> {
    let report = report.build()?;
    run.write("report.json", report.to_json().as_bytes())?;
    run.write("report.md", report.to_markdown().as_bytes())?;
    Ok(run.write("report.html", report.to_html().as_bytes())?)
}
