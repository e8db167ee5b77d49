//! `taf robustness`.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use taf::evaluate::{Benchmark, Condition, Interview, UnknownBenchmark, robustness};
use taf_files::{Output, create_folder, write_atomic};
use taf_report::page::{Detailed, RobustnessBuilder};
use taf_video::corrupt::Severity;

use crate::allowed::{self, Reading};
use crate::answers::{Dialogue, subject};
use crate::exit::Status;
use crate::output::{self, say};
use crate::panel::Panel;
use crate::session::provenance;
use crate::trained::{AskedArgs, WeightsArgs, device, open};
use crate::trials::{TrialArgs, TrialName};
use crate::words;

/// Measure how much of its accuracy a run keeps on spoiled videos, by the benchmarks of the field
///
/// Prints mean top-1 over corruptions and severities, what share of the clean top-1 that is, and with several runs how each
/// differs from the first, all with 95 % intervals. Runs that are shown the videos alike share every clip, which is decoded and
/// spoiled once. Predictions are kept in the folders of the runs, where `taf eval` finds them too; a command that was stopped
/// goes on where it was.
#[derive(Debug, clap::Args)]
#[command(after_help = benchmarks())]
pub struct Args {
    /// Folders of the runs, the one to compare with first
    #[arg(value_name = "RUN", num_args = 1.., required = true)]
    pub runs: Vec<PathBuf>,
    #[command(flatten)]
    pub weights: WeightsArgs,
    /// What to ask; the answer speaks of the first
    #[arg(long, value_name = "A,B,...", value_delimiter = ',', required = true)]
    pub benchmark: Vec<String>,
    /// Only these severities, from 1 to 5 [default: all of a benchmark]
    #[arg(long, visible_alias = "severity", value_name = "N,M,...", value_delimiter = ',')]
    pub severities: Vec<u8>,
    #[command(flatten)]
    pub trials: TrialArgs,
    #[command(flatten)]
    pub asked: AskedArgs,
    /// Folder for robustness.json, robustness.md and robustness.html
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Also write the page to this HTML file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print the results as JSON
    #[arg(long)]
    pub json: bool,
}

/// What `--benchmark` takes, and examples.
fn benchmarks() -> String {
    let listed = Benchmark::all();
    let listed = listed.iter().map(|of| (of.name, of.summary));
    let all = listed.chain(TrialName::ALL.map(|(_, name, summary)| (name, summary)));
    let lines: String = all.map(|(name, summary)| format!("  {name:<14} {summary}\n")).collect();
    format!(
        "\
Benchmarks:
{lines}
Examples:
  taf robustness runs/taf --benchmark temporal
  taf robustness runs/plain runs/taf --benchmark imagenet-c,order --out robust
  taf robustness runs/plain runs/taf --benchmark imagenet-c --severities 3 --split test --report r.html
  taf robustness runs/plain runs/taf --benchmark adversarial,attention --epsilons 0.5/255,1/255 --clips 128 --out trust"
    )
}

const JSON: &str = "robustness.json";

/// Asks runs what benchmarks ask.
pub fn run(args: Args) -> Result<Status> {
    let (benchmarks, trials) = chosen(&args)?;
    args.trials.attack()?;
    check_outputs(&args)?;
    let trained = args.runs.iter().map(|run| open(run, args.weights.which())).collect::<Result<_>>()?;
    let panel = Panel::new(trained, &args.asked.asked())?;
    panel.same_videos()?;
    refuse_other_lengths(&panel, &benchmarks)?;
    let groups = panel.groups();
    let other_clips = outside(&groups[0], &panel.names());
    tell_other_clips(panel.names()[0], &other_clips);
    let report = measured(&panel, &benchmarks)?.other_clips(other_clips);
    let report = args.trials.made(&panel, &groups, &trials).map(|made| report.trials(made))?.build()?;
    if args.json {
        output::print(&report.to_json())?;
    } else {
        output::print(&report.to_terminal(output::colour()))?;
    }
    if let Some(folder) = &args.out {
        create_folder(folder)?;
        // First what marks the folder as ours.
        write_atomic(&folder.join(JSON), report.to_json().as_bytes())?;
        write_atomic(&folder.join("robustness.md"), report.to_markdown().as_bytes())?;
        write_atomic(&folder.join("robustness.html"), report.to_html().as_bytes())?;
    }
    if let Some(page) = &args.report {
        write_atomic(page, report.to_html().as_bytes())?;
    }
    Ok(Status::Done)
}

/// The benchmarks and trials that were named, each once, in order.
fn chosen(args: &Args) -> Result<(Vec<Benchmark>, Vec<TrialName>)> {
    let severities: Vec<Severity> = args.severities.iter().map(|&n| Severity::new(n)).collect::<Result<_, _>>()?;
    let (mut benchmarks, mut trials): (Vec<Benchmark>, Vec<TrialName>) = Default::default();
    for name in &args.benchmark {
        if let Some(trial) = TrialName::named(name.trim()) {
            trials.push(trial);
            continue;
        }
        let benchmark = Benchmark::named(name.trim(), &severities).map_err(with_trials)?;
        if !benchmarks.contains(&benchmark) {
            benchmarks.push(benchmark);
        }
    }
    if benchmarks.is_empty() && !severities.is_empty() {
        bail!("--severities is for benchmarks, and {} have none; leave it out", TrialName::names().join(" and "));
    }
    Ok((benchmarks, trials))
}

/// Says what else there is beside benchmarks.
fn with_trials(error: UnknownBenchmark) -> anyhow::Error {
    match error {
        UnknownBenchmark::Name { .. } => anyhow!("{error}; beside these there are {}", TrialName::names().join(", ")),
        error => error.into(),
    }
}

fn check_outputs(args: &Args) -> Result<()> {
    let folder = args.out.as_deref().map(|folder| Output::folder("--out", folder));
    let page = allowed::perhaps("--report", args.report.as_ref(), allowed::PAGE);
    let outputs: Vec<Output> = folder.into_iter().chain(page).collect();
    let reading = args.runs.iter().fold(Reading::default(), |reading, run| reading.run(run));
    reading.at(args.asked.data.as_deref()).allows(&outputs)?;
    args.out.as_deref().map_or(Ok(()), |folder: &Path| allowed::refuse_foreign_folder(folder, JSON))
}

/// Networks whose weights presume a number of frames cannot be asked about clips of another.
fn refuse_other_lengths(panel: &Panel, benchmarks: &[Benchmark]) -> Result<()> {
    for (name, trained, _) in panel.members().filter(|(_, trained, _)| trained.info.model.is_for_one_length()) {
        let own = trained.info.frames;
        let other = |condition: &Condition| matches!(condition, Condition::Frames(frames) if frames.get() != own);
        if let Some(benchmark) = benchmarks.iter().find(|benchmark| benchmark.conditions().any(|of| other(&of))) {
            bail!(
                "benchmark {} needs networks for clips of any length, found {name}, a {} for {own} frames",
                benchmark.name,
                words::network_name(&trained.info.model)
            );
        }
    }
    Ok(())
}

/// Those that do not stand in a group.
fn outside(group: &[usize], names: &[&str]) -> Vec<String> {
    let outside = names.iter().enumerate().filter(|(place, _)| !group.contains(place));
    outside.map(|(_, name)| (*name).to_owned()).collect()
}

/// Says which runs do not share the clips of the first.
fn tell_other_clips(first: &str, others: &[String]) {
    if !others.is_empty() {
        say(format_args!(
            "shown the videos in another way than {first}, or by another list or of other files, and so in clips of their own: {}",
            others.join(", ")
        ));
    }
}

/// The report but for what is tried beside benchmarks. Answers are kept as they come.
fn measured(panel: &Panel, benchmarks: &[Benchmark]) -> Result<RobustnessBuilder> {
    let device = device();
    let subjects: Vec<_> =
        panel.members().map(|(name, trained, examination)| subject(name, trained, &examination.evaluation)).collect();
    let videos: usize = subjects.iter().map(|subject| subject.evaluation.records().len()).sum();
    let total = videos * (1 + Benchmark::all_conditions(benchmarks).len());
    let title = format!("{}: robustness", panel.names().join(" against "));
    let mut dialogue = Dialogue::new("answers", Interview::new(subjects, &device), total)?;
    let mut report = dialogue.ask(|interview, told| robustness(&title, interview, benchmarks, told))?;
    dialogue.end();
    for (name, trained, _) in panel.members() {
        report = report.describe(name, words::description(trained)).weights(name, words::weights(trained));
    }
    Ok(panel.with_facts(report).provenance(provenance(panel.recipe(), None)?))
}
