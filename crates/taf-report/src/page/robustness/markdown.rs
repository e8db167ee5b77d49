use std::fmt::Write;

use super::schema::RobustnessReport;
use super::{tables, words};
use crate::page::markdown::{details, inline, section};

impl RobustnessReport {
    /// The answer and the tables in Markdown.
    pub fn to_markdown(&self) -> String {
        let mut out = format!("# {}\n\n", inline(&self.title));
        for text in [&self.answer].into_iter().chain(&self.findings).chain([&words::caption(self)]) {
            let _ = write!(out, "{}\n\n", inline(text));
        }
        for benchmark in &self.benchmarks {
            let name = inline(&benchmark.about.name);
            section(&mut out, &name, &tables::main(self, benchmark));
            let about = [words::about(benchmark), words::measures(benchmark)];
            about.iter().for_each(|text| out.push_str(&format!("{}\n\n", inline(text))));
            section(&mut out, &format!("{name}: differences"), &tables::differences(benchmark));
            section(&mut out, &format!("{name}: parts"), &tables::parts(self, benchmark));
            for (place, model) in self.models.iter().enumerate() {
                let title = format!("{name}: top-1 of {}", inline(&model.name));
                section(&mut out, &title, &tables::cells(benchmark, place));
            }
            section(&mut out, &format!("{name}: beside published results"), &tables::published(self, benchmark));
        }
        for trial in self.trials.sections() {
            for (title, table) in &trial.tables {
                section(&mut out, &format!("{}: {}", trial.title, inline(title)), table);
            }
            trial.captions.iter().for_each(|text| out.push_str(&format!("{}\n\n", inline(text))));
        }
        if self.models.len() > 1 && !self.benchmarks.is_empty() {
            let _ = write!(out, "{}\n\n", inline(&words::decision(self)));
        }
        details(&mut out, &self.details);
        out.truncate(out.trim_end().len());
        out.push('\n');
        out
    }
}
