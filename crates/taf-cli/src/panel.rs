//! One or several networks that are asked the same questions, for a report.

use anyhow::{Result, bail};
use taf::adversary::TemporalAdversary;
use taf::evaluate::{Evaluation, Explanation, Protocol, Suite};
use taf::recipe::Recipe;
use taf::trained::{Asked, Examination, Trained};
use taf_report::page::{Axis, Chart, Detailed, Report, ReportBuilder, Series};
use taf_report::run::{Pace, accuracies, epoch_means, read_metrics, steps};
use taf_video::dataset::Record;

use crate::answers;
use crate::output::say;
use crate::progress::Counter;
use crate::run_folders::{distinct_names, refuse_repeated};
use crate::trained::device;
use crate::words;

/// The most videos whose attention is measured for a report; of more a sample by class.
const PROBED_CLIPS: usize = 512;

/// Networks that know the same classes, and the videos each of them is asked about.
pub struct Panel {
    members: Vec<Member>,
    protocol: Option<Protocol>,
}

struct Member {
    name: String,
    trained: Trained,
    examination: Examination,
}

impl Panel {
    /// Puts networks together, the one to compare with first; each is shown the videos as its recipe says. The videos are
    /// those of each run's recipe, or of another manifest or split.
    pub fn new(trained: Vec<Trained>, asked: &Asked) -> Result<Self> {
        same_classes(&trained)?;
        same_label_set(&trained)?;
        refuse_repeated(trained.iter().map(|trained| &trained.run))?;
        let names = distinct_names(trained.iter().map(|trained| &trained.run));
        let member = |(trained, name): (Trained, String)| -> Result<Member> {
            let examination = trained.examination(asked)?;
            Ok(Member { name, trained, examination })
        };
        let members: Vec<Member> = trained.into_iter().zip(names).map(member).collect::<Result<_>>()?;
        tell_left_out(&members);
        Ok(Self { members, protocol: asked.protocol })
    }

    /// The names of the networks, as they stand in the report.
    pub fn names(&self) -> Vec<&str> {
        self.members.iter().map(|member| member.name.as_str()).collect()
    }

    /// The last of the networks: the one a report is about.
    pub fn subject(&self) -> &Trained {
        &self.last().trained
    }

    /// The name of the last of the networks.
    pub fn subject_name(&self) -> &str {
        &self.last().name
    }

    /// The recipe that says how the last of the networks is asked.
    pub fn recipe(&self) -> &Recipe {
        &self.last().examination.recipe
    }

    /// The videos that the last of the networks is asked about.
    pub fn examination(&self) -> &Examination {
        &self.last().examination
    }

    /// Every network with its name and its videos.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Trained, &Examination)> {
        self.members.iter().map(|member| (member.name.as_str(), &member.trained, &member.examination))
    }

    /// Refuses networks that are asked about different videos.
    pub fn same_videos(&self) -> Result<()> {
        let asked = |member: &Member| {
            let records = member.examination.evaluation.records().iter();
            records.map(|record| (record.id().into_owned(), record.label)).collect::<Vec<_>>()
        };
        let manifest = |member: &Member| member.examination.recipe.data.manifest.display().to_string();
        let (first, others) = self.members.split_first().expect("a panel has a member");
        let known = asked(first);
        match others.iter().find(|other| asked(other) != known) {
            None => Ok(()),
            Some(other) => bail!(
                "expected the videos of {} ({}), found others: {} ({}); --data MANIFEST asks all about the same",
                first.name,
                manifest(first),
                other.name,
                manifest(other)
            ),
        }
    }

    /// The places of the networks that are shown the same clips of the same files, group by group; the first network is in the
    /// first group.
    pub fn groups(&self) -> Vec<Vec<usize>> {
        let evaluations: Vec<&Evaluation> = self.members.iter().map(|member| &member.examination.evaluation).collect();
        Evaluation::shown_alike(&evaluations)
    }

    fn evaluation(&self) -> &Evaluation {
        &self.examination().evaluation
    }

    fn last(&self) -> &Member {
        self.members.last().expect("a panel has a member")
    }

    /// A report with what every network says about every suite.
    pub fn report(&self, title: impl Into<String>, suites: &[Suite]) -> Result<ReportBuilder> {
        let mut report = Report::builder(title).classes(self.subject().info.classes.clone());
        for Member { name, trained, examination } in &self.members {
            report = report.model(name, words::description(trained)).weights(name, words::weights(trained));
            let answers = answers::of_versions(name, trained, &examination.evaluation, suites)?;
            for suite in suites {
                let of_suite = suite.versions.iter().map(|version| answers[version].clone());
                report = report.suite(&suite.name, &suite.description);
                report = report.predictions(name, &suite.name, suite.joined(of_suite)?);
            }
        }
        Ok(self.with_labels(report))
    }

    /// Adds which labels the classes are, and how the videos are shown, where that has a name.
    pub fn with_labels(&self, mut report: ReportBuilder) -> ReportBuilder {
        if let Some(labels) = &self.subject().info.label_set {
            report = report.fact("labels", labels);
        }
        match self.protocol {
            Some(protocol) => report.finding(format!("Protocol {protocol}: {}.", protocol.summary())),
            None => report,
        }
    }

    /// Adds how every network spreads its attention, and how far one adversary moves it; then pictures of what each sees in
    /// `strips` videos of different classes.
    pub fn with_attention(&self, mut report: ReportBuilder, strips: usize) -> Result<ReportBuilder> {
        let adversary = self.adversary();
        for Member { name, trained, examination: Examination { evaluation, .. } } in &self.members {
            let bar = Counter::new(format!("attention of {name}"));
            let mut show = |done, total| bar.show(done, total);
            let videos = evaluation.sample(PROBED_CLIPS);
            let summary = evaluation.probe(&trained.model, &videos, adversary, &device(), &mut show)?;
            report = report.attention(name, summary);
        }
        for index in one_per_class(self.evaluation().records()).into_iter().take(strips) {
            for member in &self.members {
                report = member.with_strip(report, index, adversary)?;
            }
        }
        Ok(report.fact("attention is measured against", words::adversary(adversary)))
    }

    /// The adversary that all are measured against: that of the last network fine-tuned with TAF, or else the probe of the last.
    fn adversary(&self) -> &TemporalAdversary {
        let of_taf = self.members.iter().rev().find_map(|member| member.trained.recipe.taf.as_ref());
        of_taf.map_or(&self.recipe().probe, |taf| &taf.adversary)
    }

    /// Adds loss and validation accuracy of every network over its own training, and how much of it went by waiting for clips.
    pub fn with_curves(&self, mut report: ReportBuilder) -> Result<ReportBuilder> {
        let epochs = || Axis::with_unit("training", "epochs");
        let mut loss =
            Chart::new("Training loss, mean of each epoch", epochs(), Axis::with_unit("cross-entropy", "nats"));
        let mut accuracy = Chart::new("Validation accuracy", epochs(), Axis::new("top-1"));
        for Member { name, trained, .. } in &self.members {
            let log = read_metrics(&trained.run.metrics_path())?;
            loss = loss.with(Series::new(name, epoch_means(&log, |step| Some(step.loss))));
            let perturbed = epoch_means(&log, |step| step.perturbed_loss);
            if !perturbed.is_empty() {
                loss = loss.with(Series::new(format!("{name}, perturbed"), perturbed));
            }
            accuracy = accuracy.with(Series::new(name, accuracies(&log)));
            if let Some(pace) = Pace::of(steps(&log)) {
                report = report.fact(format!("{name} waited for clips"), words::waited(&pace));
            }
        }
        Ok(report.curve(loss).curve(accuracy))
    }

    /// Adds what a reader needs to know to judge the rest.
    pub fn with_facts<R: Detailed>(&self, report: R) -> R {
        let report = self.facts().into_iter().fold(report, |report, (name, value)| report.fact(name, value));
        self.recipes().fold(report, |report, (title, text)| report.listing(title, text))
    }

    /// What a reader needs to know of the videos and how they are shown: once where it is the same for all networks, and else for
    /// each.
    fn facts(&self) -> Vec<(String, String)> {
        let of_each: Vec<_> = self.members.iter().map(Member::facts).collect();
        let fact = |(at, (what, first)): (usize, &(&str, String))| -> Vec<(String, String)> {
            if of_each.iter().all(|facts| facts[at].1 == *first) {
                return vec![((*what).to_owned(), first.clone())];
            }
            let members = self.members.iter().zip(&of_each);
            members.map(|(member, facts)| (format!("{what}, {}", member.name), facts[at].1.clone())).collect()
        };
        of_each[0].iter().enumerate().flat_map(fact).collect()
    }

    /// The recipe of every network under its title.
    fn recipes(&self) -> impl Iterator<Item = (String, String)> {
        self.members
            .iter()
            .map(|Member { name, trained, .. }| (format!("{name}: recipe.toml"), trained.recipe.to_toml()))
    }
}

impl Member {
    fn facts(&self) -> [(&'static str, String); 5] {
        let Examination { evaluation, recipe, .. } = &self.examination;
        let (views, data) = (&evaluation.views, &recipe.data);
        [
            ("videos", data.manifest.display().to_string()),
            ("evaluated", format!("{} videos of {}", evaluation.records().len(), data.validation.join(", "))),
            ("clip", format!("{} frames of {1}x{1}", views.sampling.frames(), views.transform.size())),
            ("views per video", views.count().to_string()),
            ("views are averaged as", words::as_in_recipes(&evaluation.average)),
        ]
    }

    fn with_strip(&self, report: ReportBuilder, index: usize, adversary: &TemporalAdversary) -> Result<ReportBuilder> {
        let Self { name, trained, examination } = self;
        let record = &examination.evaluation.records()[index];
        let (clip, seed) = (examination.evaluation.first_view(index)?, trained.recipe.seed);
        let seen = Explanation::new(&trained.model, &clip, record.label, adversary, &device(), seed)?;
        let classes = &trained.info.classes;
        let title = format!("{name} sees {:?}", classes[record.known_label()?]);
        let caption = format!(
            "{}: frames, where the class is argued for, attention per frame; natural and temporal adversarial clip, and the \
             difference amplified.",
            examination.evaluation.videos.short_id(record)
        );
        let png = seen.strip(&title, classes, None)?;
        Ok(report.picture(title, caption, png))
    }
}

/// Says which videos of a manifest are left out, once for each manifest.
fn tell_left_out(members: &[Member]) {
    let mut told = Vec::new();
    for Examination { unknown_classes, unlabelled, recipe, .. } in members.iter().map(|member| &member.examination) {
        let manifest = &recipe.data.manifest;
        if told.contains(&manifest) {
            continue;
        }
        let (classes, file) = (unknown_classes.join(", "), manifest.display());
        if !unknown_classes.is_empty() {
            say(format_args!("the network does not know {classes}: their videos are left out: {file}"));
        }
        if *unlabelled > 0 {
            say(format_args!("{unlabelled} videos without label are left out: {file}"));
        }
        told.push(manifest);
    }
}

/// Refuses networks that were trained on labels of different meaning, such as those of two versions of a data set.
fn same_label_set(trained: &[Trained]) -> Result<()> {
    let mut known = trained.iter().filter_map(|member| Some((member.info.label_set.as_ref()?, member.run.path())));
    let Some((expected, first)) = known.next() else { return Ok(()) };
    match known.find(|(found, _)| *found != expected) {
        None => Ok(()),
        Some((found, run)) => bail!(
            "expected the labels {expected}, which {} was trained on, found {found}: {}",
            first.display(),
            run.display()
        ),
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

/// The first video of each class, by index.
fn one_per_class(videos: &[Record]) -> Vec<usize> {
    let mut classes: Vec<_> = videos.iter().map(|video| video.label).collect();
    classes.sort_unstable();
    classes.dedup();
    classes.into_iter().filter_map(|class| videos.iter().position(|video| video.label == class)).collect()
}
