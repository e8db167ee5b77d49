use std::fmt::Write;

use super::schema::RobustnessReport;
use super::{tables, words};
use crate::page::terminal::{bold, by_pair, lay_out, visible};

impl RobustnessReport {
    /// The answer and the tables for a terminal; escape codes only where `colour` asks for them.
    pub fn to_terminal(&self, colour: bool) -> String {
        let mut out = format!("{}\n\n{}\n", bold(&visible(&self.title), colour), visible(&self.answer));
        for finding in &self.findings {
            let _ = writeln!(out, "{}", visible(finding));
        }
        let _ = writeln!(out, "\n{}", words::caption(self));
        for benchmark in &self.benchmarks {
            let about = visible(&format!("{}: {}", benchmark.about.name, words::about(benchmark)));
            let _ = write!(out, "\n{about}\n{}", lay_out(&tables::main(self, benchmark), colour));
            let parts = tables::parts(self, benchmark);
            if !parts.rows.is_empty() {
                out.push_str(&lay_out(&parts, colour));
            }
            // A terminal has no room for all of it; the page and the JSON do.
            for (pair, table) in by_pair(tables::whole_differences(benchmark)) {
                let _ = write!(out, "{}\n{}", visible(&pair), lay_out(&table, colour));
            }
        }
        for trial in self.trials.sections() {
            let _ = writeln!(out, "\n{}: {}", trial.title, trial.captions.join(" "));
            for (title, table) in &trial.tables {
                let _ = write!(out, "{}\n{}", visible(title), lay_out(table, colour));
            }
        }
        if self.models.len() > 1 && !self.benchmarks.is_empty() {
            let _ = writeln!(out, "{}", words::decision(self));
        }
        out
    }
}
