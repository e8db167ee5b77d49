use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::words::level;
use super::{Cell, Report, Table, Verdict, table};

/// The answer, then the tables that fit a terminal.
pub fn page(report: &Report, colour: bool) -> String {
    let mut out = format!("{}\n\n{}\n", bold(&visible(&report.title), colour), visible(&report.answer));
    for finding in &report.findings {
        let _ = writeln!(out, "{}", visible(finding));
    }
    let _ = write!(out, "\nTop-1 with {} Wilson intervals\n{}", level(), lay_out(&table::main(report), colour));
    for (title, table) in [
        ("Differences with paired bootstrap intervals", table::differences(report)),
        ("Attention over frames, mean over clips", table::attention(report)),
    ] {
        if !table.rows.is_empty() {
            let _ = write!(out, "\n{title}\n{}", lay_out(&table, colour));
        }
    }
    out
}

/// A table with its columns aligned: the first to the left, the others to the right.
fn lay_out(table: &Table, colour: bool) -> String {
    let header: Vec<Cell> = table.header.iter().map(|h| Cell { text: h.clone(), ..Cell::default() }).collect();
    let widths: Vec<usize> = (0..header.len())
        .map(|column| {
            std::iter::once(&header).chain(&table.rows).map(|row| plain(&row[column]).width()).max().unwrap_or(0)
        })
        .collect();
    let rule = |left, middle, right| {
        let bars: Vec<String> = widths.iter().map(|w| "─".repeat(w + 2)).collect();
        format!("{left}{}{right}\n", bars.join(middle))
    };
    let line = |row: &[Cell]| {
        let cells: Vec<String> =
            row.iter().zip(&widths).enumerate().map(|(at, (cell, &w))| pad(cell, w, at == 0, colour)).collect();
        format!("│ {} │\n", cells.join(" │ "))
    };
    let body: String = table.rows.iter().map(|row| line(row)).collect();
    format!("{}{}{}{body}{}", rule("┌", "┬", "┐"), line(&header), rule("├", "┼", "┤"), rule("└", "┴", "┘"))
}

fn plain(cell: &Cell) -> String {
    visible(format!("{} {}", cell.text, cell.detail).trim_end())
}

fn pad(cell: &Cell, width: usize, left: bool, colour: bool) -> String {
    let text = plain(cell);
    let space = " ".repeat(width.saturating_sub(text.width()));
    let code = match cell.verdict {
        Some(Verdict::Higher) => "32",
        Some(Verdict::Lower) => "31",
        Some(Verdict::NotShown) => "2",
        None => "",
    };
    let text = if colour && !code.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text };
    if left { text + &space } else { space + &text }
}

fn bold(text: &str, colour: bool) -> String {
    if colour { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// Text without control characters: a class name must not move the cursor.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
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
    fn odd_attention_does_not_stop_the_bars() {
        assert_eq!(attention_bars(&[]), "");
        assert!(attention_bars(&[f32::NAN, 0.0]).contains('?'));
        assert!(attention_bars(&[0.0]).contains("0.0 %"));
    }
}
