//! `taf eval`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use taf::evaluate::{Leaderboard, Suite};
use taf::trained::Asked;
use taf_files::write_atomic;
use taf_report::page::{Detailed, Report};

use crate::allowed::{self, Reading};
use crate::answers;
use crate::exit::Status;
use crate::leaderboard::LeaderboardArgs;
use crate::output;
use crate::panel::Panel;
use crate::requirement::Requirement;
use crate::suites::{self, SuiteArgs};
use crate::trained::{AskedArgs, TrainedArgs};

/// Measure a run's accuracy on videos as they are, and on spoiled versions of them
///
/// Prints top-1 with 95 % intervals for every suite. Predictions are kept in the run's folder as each version of the
/// videos is done, so that `taf compare`, another `taf eval`, and one that was stopped need not repeat them.
#[derive(Debug, clap::Args)]
#[command(after_help = suites::help("\
Examples:
  taf eval --run runs/taf
  taf eval --run runs/taf --suite clean,jpeg_compression --severity 1,3,5
  taf eval --run runs/taf --split test --suite clean --require 'clean.top1>=0.75'
  taf eval --run runs/tsm --suite clean --protocol tsm-accurate
  taf eval --run runs/tsm --suite clean --set data.eval.size=256 --set data.eval.crops=three --set data.views=twice
  taf eval --run runs/tsm --suite clean --split test --leaderboard answers.csv
  taf eval --run runs/taf --json | jq '.results[0].scores.top1'"))]
pub struct Args {
    #[command(flatten)]
    pub trained: TrainedArgs,
    #[command(flatten)]
    pub suites: SuiteArgs,
    #[command(flatten)]
    pub asked: AskedArgs,
    /// End with exit code 1 unless this holds, such as 'clean.top1>=0.75'; may be given often. Measures: top1, top5,
    /// mean_class_accuracy, log_loss
    #[arg(long, value_name = "SUITE.MEASURE>=VALUE")]
    pub require: Vec<Requirement>,
    #[command(flatten)]
    pub leaderboard: LeaderboardArgs,
    /// Also write the report to this HTML file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print the results as JSON
    #[arg(long)]
    pub json: bool,
}

/// Evaluates a run on suites.
pub fn run(args: Args) -> Result<Status> {
    let suites = args.suites.suites()?;
    refuse_unasked(&args, &suites)?;
    let report = allowed::perhaps("--report", args.report.as_ref(), allowed::PAGE);
    let outputs: Vec<_> = report.into_iter().chain(args.leaderboard.output()).collect();
    Reading::default().run(&args.trained.run).at(args.asked.data.as_deref()).allows(&outputs)?;
    let asked = Asked { unlabelled: args.leaderboard.is_asked(), ..args.asked.asked() };
    let panel = Panel::new(vec![args.trained.open()?], &asked)?;
    if let Some(leaderboard) = args.leaderboard.file(panel.examination())? {
        write_leaderboard(&args, &leaderboard, &panel)?;
    }
    if panel.examination().labelled() == 0 {
        return args.leaderboard.unscored(args.json);
    }
    let name = panel.subject_name();
    let report = panel.report(format!("{name}: evaluation"), &suites)?;
    let report = panel.with_facts(report).provenance(panel.subject().provenance.clone()).build()?;
    if args.json {
        output::print(&report.to_json())?;
    } else {
        output::print(&report.to_terminal(output::colour()))?;
    }
    if let Some(path) = &args.report {
        write_atomic(path, report.to_html().as_bytes())?;
    }
    Ok(verdict(&args, &report, name))
}

/// Writes the answers to all videos; of some without label no requirement can be met.
fn write_leaderboard(args: &Args, leaderboard: &Leaderboard, panel: &Panel) -> Result<()> {
    let examination = panel.examination();
    if let (0, Some(required)) = (examination.labelled(), args.require.first()) {
        bail!(
            "--require '{required}' needs videos with labels, found none: {}",
            examination.recipe.data.manifest.display()
        );
    }
    let evaluation = &examination.evaluation;
    let answers = answers::of_views(panel.subject_name(), panel.subject(), evaluation)?;
    args.leaderboard.write(Some(leaderboard), &answers.averaged(evaluation.average).collect::<Vec<_>>())
}

fn refuse_unasked(args: &Args, suites: &[Suite]) -> Result<()> {
    match args.require.iter().find(|required| suites.iter().all(|suite| suite.name != required.suite())) {
        None => Ok(()),
        Some(required) => bail!("--require '{required}' needs {:?} among the suites of --suite", required.suite()),
    }
}

fn verdict(args: &Args, report: &Report, model: &str) -> Status {
    let failures: Vec<String> = args.require.iter().filter_map(|required| required.failure(report, model)).collect();
    failures.iter().for_each(|failure| output::say(format_args!("not met: {failure}")));
    if failures.is_empty() { Status::Done } else { Status::NotMet }
}
