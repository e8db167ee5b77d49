//! `taf eval`.

use anyhow::{Result, bail};
use taf::eval::Suite;
use taf_report::page::Report;
use taf_report::run::write_atomic;

use crate::args::EvalArgs;
use crate::exit::Status;
use crate::output;
use crate::panel::Panel;

/// Evaluates a run on suites.
pub fn run(args: EvalArgs) -> Result<Status> {
    let suites = args.suites.suites()?;
    refuse_unasked(&args, &suites)?;
    let panel = Panel::new(vec![args.trained.open()?], args.data.as_deref(), &args.split)?;
    let subject = panel.subject();
    let report = panel.report(format!("{}: evaluation", subject.name), &suites)?;
    let report = panel.with_facts(report).provenance(subject.provenance.clone()).build()?;
    if args.json {
        output::print(&report.to_json())?;
    } else {
        output::print(&report.to_terminal(output::colour()))?;
    }
    if let Some(path) = &args.report {
        write_atomic(path, report.to_html().as_bytes())?;
    }
    Ok(verdict(&args, &report, &subject.name))
}

fn refuse_unasked(args: &EvalArgs, suites: &[Suite]) -> Result<()> {
    match args.require.iter().find(|required| suites.iter().all(|suite| suite.name != required.suite())) {
        None => Ok(()),
        Some(required) => bail!("--require '{required}' needs {:?} among the suites of --suite", required.suite()),
    }
}

fn verdict(args: &EvalArgs, report: &Report, model: &str) -> Status {
    let failures: Vec<String> = args.require.iter().filter_map(|required| required.failure(report, model)).collect();
    failures.iter().for_each(|failure| eprintln!("not met: {failure}"));
    if failures.is_empty() { Status::Done } else { Status::NotMet }
}
