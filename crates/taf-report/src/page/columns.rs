use unicode_width::UnicodeWidthStr;

use super::terminal::visible;

/// Rows of plain text whose columns line up: for lists that are read on a terminal and by other programs.
#[derive(Clone, Debug)]
pub struct Columns {
    headings: Vec<(String, Side)>,
    rows: Vec<Vec<String>>,
}

/// Where the text of a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

impl Columns {
    /// No rows yet under some headings.
    pub fn new(headings: impl IntoIterator<Item = (&'static str, Side)>) -> Self {
        let headings = headings.into_iter().map(|(heading, side)| (heading.to_owned(), side)).collect();
        Self { headings, rows: Vec::new() }
    }

    /// Adds a row of as many cells as there are headings; an empty cell is one that has nothing to say.
    pub fn push(&mut self, row: Vec<String>) {
        assert_eq!(row.len(), self.headings.len(), "a row has a cell for every heading");
        self.rows.push(row.iter().map(|cell| visible(cell)).collect());
    }

    /// The lines, headings first. A column in which no row has anything to say is left out.
    pub fn to_text(&self) -> String {
        let told = |column: &usize| self.rows.iter().any(|row| !row[*column].is_empty());
        let columns: Vec<usize> = (0..self.headings.len()).filter(told).collect();
        let headings: Vec<String> = self.headings.iter().map(|(heading, _)| heading.clone()).collect();
        let rows: Vec<&Vec<String>> = std::iter::once(&headings).chain(&self.rows).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..headings.len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells: Vec<String> = columns.iter().map(|&c| padded(&row[c], widths[c], self.headings[c].1)).collect();
            format!("{}\n", cells.join("  ").trim_end())
        };
        rows.into_iter().map(line).collect()
    }
}

fn padded(cell: &str, width: usize, side: Side) -> String {
    let room = " ".repeat(width.saturating_sub(cell.width()));
    match side {
        Side::Left => format!("{cell}{room}"),
        Side::Right => format!("{room}{cell}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: [&str; 3]) -> Vec<String> {
        cells.map(str::to_owned).into()
    }

    #[test]
    fn columns_line_up_and_empty_ones_are_left_out() {
        let mut columns = Columns::new([("run", Side::Left), ("note", Side::Left), ("top-1", Side::Right)]);
        columns.push(row(["時間", "", "8.0 %"]));
        columns.push(row(["a", "", ""]));
        assert_eq!(columns.to_text(), "run   top-1\n時間  8.0 %\na\n");
        columns.push(row(["b", "\u{1b}[2J", "81.5 %"]));
        assert_eq!(columns.to_text().lines().next().unwrap(), "run   note   top-1");
        assert!(!columns.to_text().contains('\u{1b}'));
    }
}
