use std::ops::ControlFlow;

use taf_report::metrics::Outcomes;
use taf_report::page::{
    BenchmarkAbout, BenchmarkPlan, Picture, PlannedRow, Published, RobustnessBuilder, RobustnessReport, film,
};

use super::explanation::pictures;
use super::{
    Answers, Benchmark, BenchmarkRow, Condition, Evaluation, EvaluationError, Interview, PublishedRow, Told, Version,
};
use crate::model::VideoModel;

/// Asks networks everything that some benchmarks ask, once each, and puts it together for a report in which every network is
/// compared with the first. All must be asked about the same videos, of which those without label are left out. Without
/// benchmarks nothing is asked.
///
/// # Errors
/// As [`Interview::answers`]; if there is no network, FFmpeg lacks an encoder, or the first video cannot be shown. Networks that
/// were asked about different videos are refused by [`RobustnessBuilder::build`].
pub fn robustness<M: VideoModel>(
    title: &str,
    interview: &mut Interview<M>,
    benchmarks: &[Benchmark],
    told: &mut dyn FnMut(Told) -> ControlFlow<()>,
) -> Result<RobustnessBuilder, EvaluationError> {
    let first = interview.subjects().first().ok_or(EvaluationError::NoNetworks)?;
    let mut report = RobustnessReport::builder(title, first.model.classes());
    if benchmarks.is_empty() {
        return Ok(interview.subjects().iter().fold(report, |report, subject| report.tried(&subject.name)));
    }
    let conditions = Benchmark::all_conditions(benchmarks);
    Version::check_encoders(conditions.iter().map(|condition| condition.version()))?;
    for benchmark in benchmarks {
        report = report.benchmark(plan(benchmark, &conditions, first.evaluation)?);
    }
    let outcomes = outcomes(interview, &conditions, told)?;
    let models = interview.subjects().iter().zip(outcomes);
    Ok(models.fold(report, |report, (subject, outcomes)| report.model(&subject.name, "", outcomes)))
}

/// What every network gets right: of the videos as they are, and under some conditions.
fn outcomes<M: VideoModel>(
    interview: &mut Interview<M>,
    conditions: &[Condition],
    told: &mut dyn FnMut(Told) -> ControlFlow<()>,
) -> Result<Vec<Outcomes>, EvaluationError> {
    let scored = |interview: &Interview<M>, answers: Vec<Answers>| -> Result<Vec<_>, EvaluationError> {
        interview.subjects().iter().zip(answers).map(|(subject, said)| subject.evaluation.predictions(&said)).collect()
    };
    let clean = interview.answers(Condition::CLEAN, told)?;
    let mut outcomes: Vec<Outcomes> = scored(interview, clean)?.into_iter().map(Outcomes::new).collect();
    for &condition in conditions {
        let answers = interview.answers(condition, told)?;
        for (outcomes, said) in outcomes.iter_mut().zip(scored(interview, answers)?) {
            outcomes.push(&said)?;
        }
    }
    Ok(outcomes)
}

/// Where the answers to a benchmark lie among those to all conditions, and what it is.
fn plan(benchmark: &Benchmark, conditions: &[Condition], shown: &Evaluation) -> Result<BenchmarkPlan, EvaluationError> {
    let place = |asked: &Condition| conditions.binary_search(asked).expect("every condition of a benchmark is asked");
    let row = |row: &BenchmarkRow| PlannedRow {
        name: row.name.clone(),
        family: row.family.to_owned(),
        versions: row.levels.iter().map(|(_, condition)| place(condition)).collect(),
    };
    let about = BenchmarkAbout {
        name: benchmark.name.to_owned(),
        summary: benchmark.summary.to_owned(),
        source: benchmark.source.to_owned(),
        lacks: benchmark.lacks.iter().map(|&name| name.to_owned()).collect(),
        level: benchmark.level.to_owned(),
        levels: benchmark.levels(),
        measures: benchmark.measures.to_vec(),
        published: benchmark.published.iter().map(|row| published(row, shown)).collect(),
        pictures: strips(benchmark, shown)?,
    };
    Ok(BenchmarkPlan { about, rows: benchmark.rows.iter().map(row).collect() })
}

fn published(row: &PublishedRow, shown: &Evaluation) -> Published {
    let videos = &shown.videos;
    Published {
        model: row.model.to_owned(),
        data_set: row.data_set.name.to_owned(),
        same_data_set: row.data_set.is(videos.label_set(), videos.classes().len()),
        clean: row.clean / 100.0,
        mpc: row.mpc / 100.0,
        rpc: row.rpc / 100.0,
    }
}

/// The first video as it is, and in every row at the middle of its levels; nothing where rows are no corruptions.
fn strips(benchmark: &Benchmark, shown: &Evaluation) -> Result<Vec<Picture>, EvaluationError> {
    let picture = |title: &str, caption: String, condition: Condition| -> Result<Picture, EvaluationError> {
        let png = film(&pictures(&shown.shown(0, condition)?))?;
        Ok(Picture { title: title.to_owned(), caption, png })
    };
    let mut strips = Vec::new();
    for row in &benchmark.rows {
        let (level, condition) = &row.levels[row.levels.len() / 2];
        if matches!(condition, Condition::Version(_)) {
            strips.push(picture(&row.name, format!("{} {level}", benchmark.level), *condition)?);
        }
    }
    if !strips.is_empty() {
        strips.insert(0, picture("clean", String::new(), Condition::CLEAN)?);
    }
    Ok(strips)
}
