//! One or several networks that are asked the same questions, for a report.

use std::path::Path;

use anyhow::{Result, bail};
use taf::adversary::TemporalAdversary;
use taf::eval::{Explanation, Suite, probe};
use taf::recipe::Plan;
use taf_report::page::{Axis, Chart, Report, ReportBuilder, Series};
use taf_report::run::{accuracies, epoch_means, read_metrics};
use taf_video::Clip;
use taf_video::dataset::Manifest;

use crate::progress::Counter;
use crate::suites;
use crate::trained::{Trained, device, words};

/// Clips whose attention is measured for a report: enough for narrow intervals, at a few passes each.
const PROBED_CLIPS: usize = 64;

/// Networks that know the same classes, and the clips each of them is asked about.
pub struct Panel {
    members: Vec<Member>,
}

struct Member {
    trained: Trained,
    plan: Plan,
}

impl Panel {
    /// Puts networks together, the one to compare with first; each sees the clips as its recipe says. The videos are those
    /// of each run's recipe, or of another manifest or split.
    pub fn new(trained: Vec<Trained>, data: Option<&Path>, splits: &[String]) -> Result<Self> {
        same_classes(&trained)?;
        let names = distinct_names(&trained);
        let member = |(trained, name): (Trained, String)| -> Result<Member> {
            let plan = trained.plan(data, splits)?;
            Ok(Member { trained: Trained { name, ..trained }, plan })
        };
        Ok(Self { members: trained.into_iter().zip(names).map(member).collect::<Result<_>>()? })
    }

    /// The names of the networks, as they stand in the report.
    pub fn names(&self) -> Vec<&str> {
        self.members.iter().map(|member| member.trained.name.as_str()).collect()
    }

    /// The last of the networks: the one a report is about.
    pub fn subject(&self) -> &Trained {
        &self.last().trained
    }

    /// The plan of the last of the networks.
    pub fn plan(&self) -> &Plan {
        &self.last().plan
    }

    fn last(&self) -> &Member {
        self.members.last().expect("a panel has a member")
    }

    /// A report with what every network says about every suite.
    pub fn report(&self, title: impl Into<String>, suites: &[Suite]) -> Result<ReportBuilder> {
        let mut report = Report::builder(title).classes(self.plan().classes.clone());
        for Member { trained, plan } in &self.members {
            report = report.model(&trained.name, trained.description());
            for suite in suites {
                let predictions = suites::predictions(trained, plan, suite)?;
                report = report.suite(&suite.name, &suite.description);
                report = report.predictions(&trained.name, &suite.name, predictions);
            }
        }
        Ok(report)
    }

    /// Adds how every network spreads its attention, and how far one adversary moves it; then pictures of what each sees in
    /// `strips` videos of different classes.
    pub fn with_attention(&self, mut report: ReportBuilder, strips: usize) -> Result<ReportBuilder> {
        let adversary = self.adversary();
        for Member { trained, plan } in &self.members {
            let bar = Counter::new(format!("attention of {}", trained.name));
            let mut show = |done, total| bar.show(done, total);
            let summary = probe(&trained.model, plan, adversary, PROBED_CLIPS, &device(), &mut show)?;
            report = report.attention(&trained.name, summary);
        }
        for index in one_per_class(self.plan()).into_iter().take(strips) {
            for member in &self.members {
                report = member.with_strip(report, index, adversary)?;
            }
        }
        Ok(report.fact("attention is measured against", words(adversary)))
    }

    /// The adversary that all are measured against: that of the last network fine-tuned with TAF, or else the probe of the last.
    fn adversary(&self) -> &TemporalAdversary {
        let of_taf = self.members.iter().rev().find_map(|member| member.plan.recipe.taf.as_ref());
        of_taf.map_or(&self.plan().recipe.probe, |taf| &taf.adversary)
    }

    /// Adds loss and validation accuracy of every network over its own training.
    pub fn with_curves(&self, report: ReportBuilder) -> Result<ReportBuilder> {
        let epochs = || Axis::with_unit("training", "epochs");
        let mut loss =
            Chart::new("Training loss, mean of each epoch", epochs(), Axis::with_unit("cross-entropy", "nats"));
        let mut accuracy = Chart::new("Validation accuracy", epochs(), Axis::new("top-1"));
        for Member { trained, .. } in &self.members {
            let log = read_metrics(&trained.run.metrics_path())?;
            loss = loss.with(Series::new(&trained.name, epoch_means(&log, |step| Some(step.loss))));
            let perturbed = epoch_means(&log, |step| step.perturbed_loss);
            if !perturbed.is_empty() {
                loss = loss.with(Series::new(format!("{}, perturbed", trained.name), perturbed));
            }
            accuracy = accuracy.with(Series::new(&trained.name, accuracies(&log)));
        }
        Ok(report.curve(loss).curve(accuracy))
    }

    /// Adds what a reader needs to know to judge the rest.
    pub fn with_facts(&self, report: ReportBuilder) -> ReportBuilder {
        let plan = self.plan();
        let mut report = report
            .fact("videos", plan.recipe.data.manifest.display())
            .fact(
                "evaluated",
                format!("{} videos of {}", plan.validation.records().len(), plan.recipe.data.validation.join(", ")),
            )
            .fact("clip", format!("{} frames of {1}x{1}", plan.recipe.data.sampling.frames(), plan.eval.size()));
        for Member { trained, .. } in &self.members {
            report = report.listing(format!("{}: recipe.toml", trained.name), trained.recipe.to_toml());
        }
        report
    }
}

impl Member {
    fn with_strip(&self, report: ReportBuilder, index: usize, adversary: &TemporalAdversary) -> Result<ReportBuilder> {
        let Self { trained, plan } = self;
        let record = &plan.validation.records()[index];
        let (clip, seed) = (first_view(plan, index)?, plan.recipe.seed);
        let seen = Explanation::new(&trained.model, &clip, Some(record.label), adversary, &device(), seed)?;
        let title = format!("{} sees {:?}", trained.name, plan.classes[record.label]);
        let caption = format!(
            "{}: frames, where the class is argued for, attention per frame; natural and temporal adversarial clip, and the \
             difference amplified.",
            record.path
        );
        let png = seen.strip(&title, &plan.classes)?;
        Ok(report.picture(title, caption, png))
    }
}

fn same_classes(trained: &[Trained]) -> Result<()> {
    let Some((first, others)) = trained.split_first() else { bail!("expected at least one run, found none") };
    match others.iter().find(|other| other.info.classes != first.info.classes) {
        None => Ok(()),
        Some(other) => bail!(
            "expected the classes of {} ({}), found {}: {}",
            first.run.path().display(),
            first.info.classes.join(", "),
            other.info.classes.join(", "),
            other.run.path().display()
        ),
    }
}

/// The names of the folders, or whole paths where two folders have the same name.
fn distinct_names(trained: &[Trained]) -> Vec<String> {
    let clash = |name: &str| trained.iter().filter(|other| other.name == name).count() > 1;
    let name = |t: &Trained| if clash(&t.name) { t.run.path().display().to_string() } else { t.name.clone() };
    trained.iter().map(name).collect()
}

/// The first validation video of each class, by index.
fn one_per_class(plan: &Plan) -> Vec<usize> {
    let records = plan.validation.records();
    (0..plan.classes.len()).filter_map(|class| records.iter().position(|record| record.label == class)).collect()
}

/// The first view of one validation video.
fn first_view(plan: &Plan, index: usize) -> Result<Clip> {
    let data = &plan.recipe.data;
    let mut video = Manifest::read(&data.manifest)?.open(&plan.validation.records()[index])?;
    let frames = data.sampling.views(video.num_frames()?, data.views).swap_remove(0);
    Ok(plan.eval.views(video.read(&frames)?).swap_remove(0))
}
