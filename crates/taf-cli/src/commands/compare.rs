//! `taf compare`.

use anyhow::Result;

use crate::args::CompareArgs;
use crate::exit::Status;
use crate::output;
use crate::panel::Panel;
use crate::reports;
use crate::trained::{Trained, Which};

/// Compares runs on the same clips.
pub fn run(args: CompareArgs) -> Result<Status> {
    let suites = args.suites.suites()?;
    let which = if args.last { Which::Last } else { Which::Best };
    let trained = args.runs.iter().map(|run| Trained::open(run, which)).collect::<Result<_>>()?;
    let panel = Panel::new(trained, args.data.as_deref(), &args.split)?;
    let title = panel.names().join(" against ");
    let report = match &args.report {
        Some(page) => reports::comparison(&panel, "Do these networks differ?", &title, &suites, page)?,
        None => reports::with_pairs(&panel, panel.report(&title, &suites)?).build()?,
    };
    if args.json {
        output::print(&report.to_json())?;
    } else {
        output::print(&report.to_terminal(output::colour()))?;
    }
    Ok(Status::Done)
}
