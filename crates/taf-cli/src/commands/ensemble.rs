//! `taf ensemble`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use taf::trained::Asked;
use taf_files::write_atomic;

use crate::allowed::{self, Reading};
use crate::ensemble::{Combined, Ensemble, Shares};
use crate::exit::Status;
use crate::leaderboard::LeaderboardArgs;
use crate::output;
use crate::panel::Panel;
use crate::trained::{AskedArgs, WeightsArgs, open};

/// Let several runs answer together, such as networks of 8 and of 16 frames
///
/// Answers of `taf eval` are used again, and those that are missing are made and kept. Printed are every run and the ensemble
/// with 95 % intervals, and the ensemble against the best of the runs. The mean is over the runs' probabilities, each with its
/// weight: equal ones, given ones, or those that have the least log loss on a split that is not reported.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taf ensemble runs/tsm8 runs/tsm16 --protocol tsm-accurate
  taf ensemble runs/tsm runs/gst runs/tpn --split test --learn-on val
  taf ensemble runs/tsm8 runs/tsm16 --split test --leaderboard answers.csv")]
pub struct Args {
    /// Folders of the runs
    #[arg(value_name = "RUN", num_args = 2.., required = true)]
    pub runs: Vec<PathBuf>,
    #[command(flatten)]
    pub which: WeightsArgs,
    #[command(flatten)]
    pub asked: AskedArgs,
    /// How much each run counts, in the order of the runs; all the same where nothing is said
    #[arg(long, value_name = "A,B,...", value_delimiter = ',', conflicts_with = "learn_on")]
    pub weights: Vec<f64>,
    /// Take the weights with the least log loss on this split, none of whose videos may be reported
    #[arg(long, value_name = "SPLIT")]
    pub learn_on: Option<String>,
    /// What the mean is taken of
    #[arg(long, value_enum, default_value_t = Combined::Probabilities)]
    pub combine: Combined,
    #[command(flatten)]
    pub leaderboard: LeaderboardArgs,
    /// Also write the report to this HTML file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print the results as JSON
    #[arg(long)]
    pub json: bool,
}

/// Lets runs answer together.
pub fn run(args: Args) -> Result<Status> {
    check_weights(&args)?;
    let outputs: Vec<_> = allowed::perhaps("--report", args.report.as_ref(), allowed::PAGE)
        .into_iter()
        .chain(args.leaderboard.output())
        .collect();
    let reading = args.runs.iter().fold(Reading::default(), |reading, run| reading.run(run));
    reading.at(args.asked.data.as_deref()).allows(&outputs)?;
    let trained = args.runs.iter().map(|run| open(run, args.which.which())).collect::<Result<_>>()?;
    let asked = Asked { unlabelled: args.leaderboard.is_asked(), ..args.asked.asked() };
    let panel = Panel::new(trained, &asked)?;
    let leaderboard = args.leaderboard.file(panel.examination())?;
    let shares = match &args.learn_on {
        Some(split) => Shares::Learnt { asked: args.asked.asked(), split },
        None => Shares::Given(&args.weights),
    };
    let ensemble = Ensemble::ask(&panel, shares, args.combine)?;
    args.leaderboard.write(leaderboard.as_ref(), &ensemble.scores())?;
    if panel.examination().labelled() == 0 {
        return args.leaderboard.unscored(args.json);
    }
    let report = ensemble.report()?.build()?;
    if args.json {
        output::print(&report.to_json())?;
    } else {
        output::print(&report.to_terminal(output::colour()))?;
    }
    if let Some(path) = &args.report {
        write_atomic(path, report.to_html().as_bytes())?;
    }
    Ok(Status::Done)
}

fn check_weights(args: &Args) -> Result<()> {
    let Args { weights, runs, .. } = args;
    if args.learn_on.is_some() && args.combine == Combined::Logits {
        bail!("--learn-on mixes probabilities; leave --combine logits out, or give --weights");
    }
    if weights.is_empty() {
        return Ok(());
    }
    if weights.len() != runs.len() {
        bail!("--weights must be {} numbers, one for each run, got {}", runs.len(), weights.len());
    }
    match weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0)
        && weights.iter().any(|weight| *weight > 0.0)
    {
        true => Ok(()),
        false => bail!("--weights must be finite, at least 0 and not all 0, got {weights:?}"),
    }
}
