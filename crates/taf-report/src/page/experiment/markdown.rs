use std::fmt::Write;

use super::tables::{Section, caption, title};
use crate::experiment::ExperimentTable;
use crate::page::markdown::{inline, section};

impl ExperimentTable {
    /// The table in Markdown.
    pub fn to_markdown(&self) -> String {
        let mut out = format!("# {}\n\n", inline(&title(self)));
        for text in self.findings.iter().chain([&caption(self)]) {
            let _ = write!(out, "{}\n\n", inline(text));
        }
        for of in Section::of(self) {
            section(&mut out, &format!("{}, {}", inline(of.data), inline(of.model)), &of.main());
            let _ = write!(out, "{} {}\n\n", inline(&of.answer(&self.baseline)), inline(&of.basis()));
        }
        for of in Section::of(self) {
            section(&mut out, &format!("Differences: {}, {}", inline(of.data), inline(of.model)), &of.differences());
            section(&mut out, &format!("Seeds: {}, {}", inline(of.data), inline(of.model)), &of.seeds());
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
        out
    }
}
