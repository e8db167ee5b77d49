use super::schema::{
    BenchmarkPart, BenchmarkPlan, BenchmarkResult, BenchmarkRow, Part, PlannedRow, RobustnessDifference,
    RobustnessReport,
};
use super::trials::Trials;
use super::words;
use crate::metrics::{Outcomes, holm};
use crate::page::{Detailed, Details, Error, Named, Result};

/// Collects what a report of robustness is made of; [`RobustnessBuilder::build`] scores and compares it.
#[derive(Clone, Debug)]
pub struct RobustnessBuilder {
    report: RobustnessReport,
    outcomes: Vec<Outcomes>,
    plans: Vec<BenchmarkPlan>,
}

impl RobustnessReport {
    /// Starts a report on networks of so many classes.
    pub fn builder(title: impl Into<String>, classes: usize) -> RobustnessBuilder {
        let report = Self {
            schema: 1,
            title: title.into(),
            answer: String::new(),
            findings: Vec::new(),
            models: Vec::new(),
            classes,
            videos: 0,
            groups: 0,
            clean: Vec::new(),
            other_clips: Vec::new(),
            benchmarks: Vec::new(),
            trials: Trials::default(),
            details: Details::default(),
        };
        RobustnessBuilder { report, outcomes: Vec::new(), plans: Vec::new() }
    }
}

impl Detailed for RobustnessBuilder {
    fn details(&mut self) -> &mut Details {
        &mut self.report.details
    }
}

impl RobustnessBuilder {
    /// Adds a model, what it is, and what it gets right.
    pub fn model(mut self, name: impl Into<String>, description: impl Into<String>, outcomes: Outcomes) -> Self {
        self.report.models.push(Named { name: name.into(), description: description.into() });
        self.outcomes.push(outcomes);
        self
    }

    /// Adds a model that is asked no benchmark.
    pub fn tried(mut self, name: impl Into<String>) -> Self {
        self.report.models.push(Named { name: name.into(), description: String::new() });
        self
    }

    /// Says which models were shown other clips than the first: in another way, by another list or of other files.
    pub fn other_clips(mut self, models: Vec<String>) -> Self {
        self.report.other_clips = models;
        self
    }

    /// Says what a model is.
    pub fn describe(mut self, model: &str, description: impl Into<String>) -> Self {
        if let Some(named) = self.report.models.iter_mut().find(|named| named.name == model) {
            named.description = description.into();
        }
        self
    }

    /// Adds a benchmark.
    pub fn benchmark(mut self, plan: BenchmarkPlan) -> Self {
        self.plans.push(plan);
        self
    }

    /// Says what the models were tried for beside benchmarks.
    pub fn trials(mut self, trials: Trials) -> Self {
        self.report.trials = trials;
        self
    }

    /// Scores, compares every model with the first, and puts the answer into words.
    ///
    /// # Errors
    /// If there is no model, or neither a benchmark nor a trial, two models have one name, a benchmark has no row or level or asks
    /// for a version that is not there or that a model was not asked about, or the models were asked about different videos.
    pub fn build(mut self) -> Result<RobustnessReport> {
        self.check()?;
        if let Some(first) = self.outcomes.first() {
            (self.report.videos, self.report.groups) = first.videos_and_groups();
        }
        self.report.clean = self.outcomes.iter().map(Outcomes::clean).collect();
        let plans = std::mem::take(&mut self.plans);
        self.report.benchmarks = plans.into_iter().map(|plan| self.result(plan)).collect::<Result<_>>()?;
        correct_p_values(&mut self.report.benchmarks);
        self.report.answer = words::answer(&self.report);
        self.report.findings = words::findings(&self.report);
        Ok(self.report)
    }

    fn check(&self) -> Result<()> {
        let Self { report, outcomes, plans } = self;
        if report.models.is_empty() || (plans.is_empty() && report.trials.is_empty()) {
            return Err(Error::content("at least one model, and one benchmark or trial", "none"));
        }
        if !plans.is_empty() && outcomes.len() < report.models.len() {
            let expected = format!("answers of {} models to benchmarks", report.models.len());
            return Err(Error::content(expected, format!("those of {}", outcomes.len())));
        }
        let mut names: Vec<&str> = report.models.iter().map(|named| named.name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::content("a name of its own for every model", format!("{:?} twice", pair[0])));
        }
        let known = outcomes.iter().map(Outcomes::versions).min().unwrap_or(0);
        for plan in plans {
            let whole = |row: &PlannedRow| row.versions.len() == plan.about.levels.len();
            if plan.rows.is_empty() || plan.about.levels.is_empty() || !plan.rows.iter().all(whole) {
                return Err(Error::content("a benchmark with a version for every row and level", &plan.about.name));
            }
            if let Some(&place) = plan.rows.iter().flat_map(|row| &row.versions).find(|&&place| place >= known) {
                return Err(Error::content(format!("one of {known} versions in {}", plan.about.name), place));
            }
        }
        Ok(())
    }

    fn result(&self, plan: BenchmarkPlan) -> Result<BenchmarkResult> {
        let of_models = |versions: &[usize]| self.outcomes.iter().map(|model| model.robustness(versions)).collect();
        let parts = parts(&plan);
        let mut differences = Vec::new();
        let (first, others) = self.report.models.split_first().expect("there is a model");
        for (place, second) in others.iter().enumerate() {
            for (part, versions) in &parts {
                let gain = self.outcomes[0].compare(&self.outcomes[place + 1], versions);
                let gain = gain.map_err(|source| Error::Scores {
                    model: format!("{} against {}", second.name, first.name),
                    suite: plan.about.name.clone(),
                    source,
                })?;
                let (first, second, part) = (first.name.clone(), second.name.clone(), part.clone());
                differences.push(RobustnessDifference { first, second, part, gain, p_corrected: None });
            }
        }
        let row = |row: &PlannedRow| {
            let top1 = |model: &Outcomes| row.versions.iter().map(|&version| model.top1(version)).collect();
            let top1 = self.outcomes.iter().map(top1).collect();
            BenchmarkRow { name: row.name.clone(), family: row.family.clone(), top1 }
        };
        Ok(BenchmarkResult {
            rows: plan.rows.iter().map(row).collect(),
            parts: parts.into_iter().map(|(part, of)| BenchmarkPart { part, models: of_models(&of) }).collect(),
            differences,
            about: plan.about,
        })
    }
}

/// The parts of a benchmark that have numbers of their own, with their versions.
fn parts(plan: &BenchmarkPlan) -> Vec<(Part, Vec<usize>)> {
    let of = |keep: &dyn Fn(&PlannedRow) -> bool| -> Vec<usize> {
        plan.rows.iter().filter(|row| keep(row)).flat_map(|row| row.versions.iter().copied()).collect()
    };
    let mut families: Vec<&String> = Vec::new();
    for row in &plan.rows {
        if !families.contains(&&row.family) {
            families.push(&row.family);
        }
    }
    let mut parts = vec![(Part::Whole, of(&|_| true))];
    if families.len() > 1 {
        let family = |name: &&String| (Part::Family((*name).clone()), of(&|row| row.family == **name));
        parts.extend(families.iter().map(family));
    }
    if plan.about.levels.len() > 1 {
        let level = |(at, name): (usize, &String)| {
            (Part::Level(name.clone()), plan.rows.iter().map(|row| row.versions[at]).collect())
        };
        parts.extend(plan.about.levels.iter().enumerate().map(level));
    }
    parts
}

/// One family of tests: the whole of every benchmark for every pair of models.
fn correct_p_values(benchmarks: &mut [BenchmarkResult]) {
    let whole = |difference: &&mut RobustnessDifference| difference.part == Part::Whole;
    let mut tests: Vec<&mut RobustnessDifference> =
        benchmarks.iter_mut().flat_map(|benchmark| &mut benchmark.differences).filter(whole).collect();
    let corrected = holm(&tests.iter().map(|difference| difference.gain.p).collect::<Vec<_>>());
    tests.iter_mut().zip(corrected).for_each(|(difference, p)| difference.p_corrected = Some(p));
}
