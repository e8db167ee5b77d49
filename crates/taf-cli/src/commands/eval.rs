//! `taf eval`.

use anyhow::{Result, bail};
use taf::report::Report;
use taf::run::write_atomic;

use crate::args::EvalArgs;
use crate::exit::Status;
use crate::output;
use crate::suites;
use crate::trained::Trained;

/// Evaluates a run on suites.
pub fn run(args: EvalArgs) -> Result<Status> {
    let suites = args.suites.suites()?;
    if let Some(unasked) = args.require.iter().find(|r| suites.iter().all(|suite| suite.name != r.suite())) {
        bail!("--require {unasked} needs --suite to name {}", unasked.suite());
    }
    let trained = args.trained.open()?;
    let report = evaluate(&trained, &args, &suites)?;
    if args.json {
        output::print(&report.to_json())?;
    } else {
        output::print(&report.to_terminal(output::colour()))?;
    }
    if let Some(path) = &args.report {
        write_atomic(path, report.to_html().as_bytes())?;
    }
    Ok(verdict(&args, &report, &trained.name()))
}

fn evaluate(trained: &Trained, args: &EvalArgs, suites: &[taf::eval::Suite]) -> Result<Report> {
    let plan = trained.plan(args.data.as_deref(), &args.split)?;
    let name = trained.name();
    let mut report = Report::builder(format!("{name}: evaluation"))
        .classes(plan.classes.clone())
        .model(&name, trained.description())
        .provenance(trained.provenance.clone());
    for suite in suites {
        let predictions = suites::predictions(trained, &plan, suite)?;
        report = report.suite(&suite.name, &suite.description).predictions(&name, &suite.name, predictions);
    }
    Ok(report.build()?)
}

fn verdict(args: &EvalArgs, report: &Report, model: &str) -> Status {
    let failures: Vec<String> = args.require.iter().filter_map(|required| required.failure(report, model)).collect();
    failures.iter().for_each(|failure| eprintln!("not met: {failure}"));
    if failures.is_empty() { Status::Done } else { Status::NotMet }
}
