use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::words::{decision, intervals, weights};
use super::{Cell, Report, Table, Verdict, table};

impl Report {
    /// The answer and the tables for a terminal; escape codes only where `colour` asks for them.
    pub fn to_terminal(&self, colour: bool) -> String {
        page(self, colour)
    }
}

/// The answer, then the tables that fit a terminal.
fn page(report: &Report, colour: bool) -> String {
    let mut out = format!("{}\n\n{}\n", bold(&visible(&report.title), colour), visible(&report.answer));
    for finding in &report.findings {
        let _ = writeln!(out, "{}", visible(finding));
    }
    let _ = write!(out, "\nTop-1. {}\n{}", intervals(), lay_out(&table::main(report), colour));
    if let Some(weights) = weights(report) {
        let _ = writeln!(out, "{}", visible(&weights));
    }
    for (pair, table) in by_pair(table::differences(report)) {
        let _ = write!(out, "\n{}\n{}", visible(&pair), lay_out(&table, colour));
    }
    if !report.differences.is_empty() {
        let _ = writeln!(out, "{}", decision(report));
    }
    // A terminal has no room for all of it; the page and the JSON do.
    let attention = without(table::attention(report), &["largest share", "groups"]);
    if !attention.rows.is_empty() {
        let _ = write!(out, "\nAttention over frames, mean over clips\n{}", lay_out(&attention, colour));
    }
    out
}

/// One table for every value of the first column, which becomes its name.
pub(super) fn by_pair(table: Table) -> Vec<(String, Table)> {
    let mut parts: Vec<(String, Table)> = Vec::new();
    for mut row in table.rows {
        let pair = row.remove(0).text;
        match parts.last_mut() {
            Some((name, part)) if *name == pair => part.rows.push(row),
            _ => parts.push((pair, Table { header: table.header[1..].to_vec(), rows: vec![row] })),
        }
    }
    parts
}

pub(super) fn without(mut table: Table, headings: &[&str]) -> Table {
    let kept: Vec<bool> = table.header.iter().map(|h| !headings.contains(&h.as_str())).collect();
    let keep = |row: Vec<Cell>| row.into_iter().zip(&kept).filter(|(_, kept)| **kept).map(|(cell, _)| cell).collect();
    table.rows = table.rows.into_iter().map(keep).collect();
    table.header.retain(|h| !headings.contains(&h.as_str()));
    table
}

/// Wider tables put the interval under its value.
const MAX_WIDTH: usize = 100;

/// A table with its columns aligned: the first to the left, the others to the right.
pub(super) fn lay_out(table: &Table, colour: bool) -> String {
    let header: Vec<Cell> = table.header.iter().map(|h| Cell { text: h.clone(), ..Cell::default() }).collect();
    let rows = || std::iter::once(&header).chain(&table.rows);
    let widths = |stacked: bool| -> Vec<usize> {
        let widest = |column: usize| rows().flat_map(|row| lines(&row[column], stacked)).map(|l| l.width()).max();
        (0..header.len()).map(|column| widest(column).unwrap_or(0)).collect()
    };
    let stacked = widths(false).iter().map(|w| w + 3).sum::<usize>() + 1 > MAX_WIDTH;
    let widths = widths(stacked);
    let rule = |left, middle, right| {
        let bars: Vec<String> = widths.iter().map(|w| "─".repeat(w + 2)).collect();
        format!("{left}{}{right}\n", bars.join(middle))
    };
    let row = |row: &[Cell]| -> String {
        let depth = row.iter().map(|cell| lines(cell, stacked).len()).max().unwrap_or(1);
        (0..depth).map(|line| one_line(row, line, &widths, stacked, colour)).collect()
    };
    let body: Vec<String> = table.rows.iter().map(|cells| row(cells)).collect();
    let between = if stacked { rule("├", "┼", "┤") } else { String::new() };
    let (top, below, end) = (rule("┌", "┬", "┐"), rule("├", "┼", "┤"), rule("└", "┴", "┘"));
    format!("{top}{}{below}{}{end}", row(&header), body.join(&between))
}

fn one_line(row: &[Cell], line: usize, widths: &[usize], stacked: bool, colour: bool) -> String {
    let cell = |(column, cell): (usize, &Cell)| {
        let text = lines(cell, stacked).get(line).cloned().unwrap_or_default();
        pad(&text, cell.verdict, widths[column], column == 0, colour)
    };
    format!("│ {} │\n", row.iter().enumerate().map(cell).collect::<Vec<_>>().join(" │ "))
}

/// What a cell shows: its value with the interval beside it, or under it.
fn lines(cell: &Cell, stacked: bool) -> Vec<String> {
    match stacked && !cell.detail.is_empty() {
        true => vec![visible(&cell.text), visible(&cell.detail)],
        false => vec![visible(format!("{} {}", cell.text, cell.detail).trim_end())],
    }
}

fn pad(text: &str, verdict: Option<Verdict>, width: usize, left: bool, colour: bool) -> String {
    let space = " ".repeat(width.saturating_sub(text.width()));
    let code = match verdict {
        Some(Verdict::Higher) => "32",
        Some(Verdict::Lower) => "31",
        Some(Verdict::NotShown | Verdict::TooFewGroups) => "2",
        None => "",
    };
    let text = if colour && !code.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() };
    if left { text + &space } else { space + &text }
}

pub(super) fn bold(text: &str, colour: bool) -> String {
    if colour { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// Text without control characters: a class name must not move the cursor.
pub fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A line of `width` letters as high as the values, lowest to highest; a letter stands for the mean of as many values as fall to
/// it, and is blank where none of them is finite.
pub fn sparkline(values: &[f64], width: usize) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let means: Vec<f64> = values.chunks(values.len().div_ceil(width.max(1)).max(1)).map(finite_mean).collect();
    let finite = means.iter().copied().filter(|mean| mean.is_finite());
    let (low, high) =
        finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), mean| (low.min(mean), high.max(mean)));
    let height = |mean: f64| match (mean - low) / (high - low) {
        _ if !mean.is_finite() => ' ',
        share if share.is_nan() => HEIGHTS[0],
        share => HEIGHTS[(share * 7.0).round() as usize],
    };
    means.into_iter().map(height).collect()
}

fn finite_mean(values: &[f64]) -> f64 {
    let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    finite.iter().sum::<f64>() / finite.len() as f64
}

/// Width of the longest attention bar in characters.
const BAR_WIDTH: usize = 32;

/// Attention per frame as horizontal bars, one line a frame, frames counted from 1.
///
/// The longest bar belongs to the frame with the most attention; `┊` marks an even share of 1/T. Shares that are not
/// finite show as `?`.
pub fn attention_bars(attention: &[f32]) -> String {
    let top = attention.iter().copied().filter(|a| a.is_finite()).fold(f32::MIN_POSITIVE, f32::max);
    let even = (BAR_WIDTH as f32 / attention.len().max(1) as f32 / top) as usize;
    let digits = attention.len().to_string().len();
    let mut out = String::new();
    for (frame, &share) in attention.iter().enumerate() {
        let value = if share.is_finite() { format!("{:5.1} %", share * 100.0) } else { "    ?".into() };
        let _ = writeln!(out, "frame {:>digits$} {} {value}", frame + 1, bar(share / top, even));
    }
    out
}

/// A bar in eighths of a character, `filled` in [0, 1], with the mark at character `even`.
fn bar(filled: f32, even: usize) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths =
        if filled.is_finite() { (filled.clamp(0.0, 1.0) * (BAR_WIDTH * 8) as f32).round() as usize } else { 0 };
    let character = |at: usize| match eighths.saturating_sub(at * 8) {
        0 if at == even => '┊',
        0 => ' ',
        part @ 1..8 => EIGHTHS[part],
        _ => '█',
    };
    (0..BAR_WIDTH).map(character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str) -> Cell {
        Cell { text: text.into(), ..Cell::default() }
    }

    #[test]
    fn columns_line_up_whatever_the_width_of_the_letters() {
        let table = Table {
            header: vec!["model".into(), "top-1".into()],
            rows: vec![vec![cell("時間"), cell("8.0 %")], vec![cell("é"), cell("81.5 %")]],
        };
        let text = lay_out(&table, false);
        let widths: Vec<usize> = text.lines().map(UnicodeWidthStr::width).collect();
        assert!(widths.iter().all(|&w| w == widths[0]), "{text}");
        assert!(text.contains("│ 時間  │  8.0 % │"), "{text}");
    }

    #[test]
    fn a_wide_table_puts_intervals_under_their_values() {
        let value = || Cell { text: "80.2 %".into(), detail: "[76.9, 83.1]".into(), ..Cell::default() };
        let table = |columns: usize| Table {
            header: (0..columns).map(|c| c.to_string()).collect(),
            rows: vec![(0..columns).map(|_| value()).collect()],
        };
        assert!(lay_out(&table(2), false).contains("80.2 % [76.9, 83.1]"));
        let wide = lay_out(&table(6), false);
        assert!(!wide.contains("% [") && wide.lines().all(|l| l.width() <= MAX_WIDTH), "{wide}");
    }

    #[test]
    fn colour_comes_only_when_asked_for() {
        let row = vec![cell("a"), Cell { text: "higher".into(), verdict: Some(Verdict::Higher), ..Cell::default() }];
        let table = Table { header: vec!["a".into(), "b".into()], rows: vec![row] };
        assert!(!lay_out(&table, false).contains('\u{1b}'));
        assert!(lay_out(&table, true).contains("\u{1b}[32mhigher\u{1b}[0m"));
    }

    #[test]
    fn a_name_cannot_send_codes_to_the_terminal() {
        let table = Table { header: vec!["a".into()], rows: vec![vec![cell("\u{1b}[2Jgone")]] };
        assert!(!lay_out(&table, false).contains('\u{1b}'));
    }

    #[test]
    fn bars_are_as_long_as_the_shares() {
        let lines: Vec<String> = attention_bars(&[0.5, 0.25, 0.25, 0.0]).lines().map(str::to_owned).collect();
        let full = |line: &str| line.chars().filter(|&c| c == '█').count();
        assert_eq!(lines.iter().map(|l| full(l)).collect::<Vec<_>>(), [32, 16, 16, 0]);
        assert!(lines[0].ends_with(" 50.0 %") && lines[3].contains('┊'));
    }

    #[test]
    fn a_sparkline_rises_with_its_values_and_is_no_wider_than_asked() {
        assert_eq!(sparkline(&[0.0, 1.0, 2.0, 7.0], 10), "▁▂▃█");
        assert_eq!(sparkline(&[0.0, 0.0, 7.0, 7.0], 2), "▁█");
        assert_eq!(sparkline(&(0..1001).map(f64::from).collect::<Vec<_>>(), 20).chars().count(), 20);
        assert_eq!([sparkline(&[], 5), sparkline(&[3.0], 5), sparkline(&[1.0, f64::NAN, 2.0], 5)], ["", "▁", "▁ █"]);
    }

    #[test]
    fn odd_attention_does_not_stop_the_bars() {
        assert_eq!(attention_bars(&[]), "");
        assert!(attention_bars(&[f32::NAN, 0.0]).contains('?'));
        assert!(attention_bars(&[0.0]).contains("0.0 %"));
    }
}
