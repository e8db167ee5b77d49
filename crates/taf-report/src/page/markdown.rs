use std::fmt::Write;

use super::words::{decision, intervals};
use super::{Cell, Details, Report, Table, table};

impl Report {
    /// The answer and the tables in Markdown.
    pub fn to_markdown(&self) -> String {
        page(self)
    }
}

/// The answer, then the tables.
fn page(report: &Report) -> String {
    let mut out = format!("# {}\n\n", inline(&report.title));
    for text in report.question.iter().chain([&report.answer]).chain(&report.findings) {
        let _ = write!(out, "{}\n\n", inline(text));
    }
    let _ = write!(out, "{}\n\n", inline(&intervals()));
    section(&mut out, "Top-1", &table::main(report));
    if !report.differences.is_empty() {
        let _ = write!(out, "{}\n\n", inline(&decision(report)));
    }
    section(&mut out, "Differences", &table::differences(report));
    section(&mut out, "Attention", &table::attention(report));
    section(&mut out, "Versions", &table::versions(report));
    section(&mut out, "All scores", &table::scores(report));
    section(&mut out, "Classes", &table::classes(report));
    details(&mut out, &report.details);
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Facts, and texts as they are.
pub(super) fn details(out: &mut String, details: &Details) {
    section(out, "Details", &table::details(details));
    for listing in &details.listings {
        let fence = fence(&listing.text);
        let _ = write!(out, "## {}\n\n{fence}\n{}\n{fence}\n\n", inline(&listing.title), listing.text.trim_end());
    }
}

/// A heading and a table; nothing where it has no row.
pub(super) fn section(out: &mut String, title: &str, table: &Table) {
    if table.rows.is_empty() {
        return;
    }
    let _ =
        write!(out, "## {title}\n\n| {} |\n", table.header.iter().map(|h| inline(h)).collect::<Vec<_>>().join(" | "));
    let _ = writeln!(out, "|---|{}", "---:|".repeat(table.header.len() - 1));
    for row in &table.rows {
        let _ = writeln!(out, "| {} |", row.iter().map(cell).collect::<Vec<_>>().join(" | "));
    }
    out.push('\n');
}

fn cell(cell: &Cell) -> String {
    inline(format!("{} {}", cell.text, cell.detail).trim_end())
}

/// Text that Markdown shows as it is, on one line: class names come from users.
pub(super) fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '\\' | '`' | '*' | '_' | '|' | '#' | '~' => out.extend(['\\', c]),
            // Inside the square brackets of an interval nothing can become a link: only "](" does that.
            '(' if out.ends_with(']') => out.push_str("\\("),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A fence longer than any run of backticks in the text.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out_of_a_table() {
        assert_eq!(inline("a|b\n<i>*x*"), "a\\|b &lt;i>\\*x\\*");
        assert_eq!(inline("[click](javascript:x)"), "[click]\\(javascript:x)");
        assert_eq!(inline("82.3 % [79.1, 85.2]"), "82.3 % [79.1, 85.2]");
    }

    #[test]
    fn a_listing_cannot_close_its_fence() {
        assert_eq!(fence("plain"), "```");
        assert_eq!(fence("a ```` b"), "`````");
    }
}
