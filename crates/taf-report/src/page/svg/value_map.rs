use maud::{Markup, html};

use super::{at, drawing, nothing, shorten, text_width};

/// Rows and columns of values in words, each coloured by a share in [0, 1].
pub struct ValueMap<'a> {
    /// What a screen reader says.
    pub title: &'a str,
    /// What the columns are.
    pub across: &'a str,
    /// Names of the rows.
    pub rows: &'a [&'a str],
    /// Names of the columns.
    pub columns: &'a [String],
}

const CELL_WIDTH: f64 = 48.0;
const CELL_HEIGHT: f64 = 24.0;
const TOP: f64 = 40.0;
/// Letters of a row's name.
const MOST_LETTERS: usize = 24;
/// A share whose colour is bright in the dark too.
const STRONG: f64 = 0.6;

impl ValueMap<'_> {
    /// The drawing; `cells` are what each says and its share, by row and column.
    pub fn draw(&self, cells: &[Vec<(String, f64)>]) -> Markup {
        if self.rows.is_empty() || self.columns.is_empty() {
            return nothing(self.title);
        }
        let names: Vec<String> = self.rows.iter().map(|name| shorten(name, MOST_LETTERS)).collect();
        let left = names.iter().map(|name| text_width(name)).fold(40.0, f64::max) + 14.0;
        let (width, height) = (CELL_WIDTH * self.columns.len() as f64, CELL_HEIGHT * self.rows.len() as f64);
        let middle = |column: usize| at(left + CELL_WIDTH * (column as f64 + 0.5));
        let body = html! {
            text class="label" x=(at(left + width / 2.0)) y="14" text-anchor="middle" { (self.across) }
            @for (column, name) in self.columns.iter().enumerate() {
                text class="tick" x=(middle(column)) y=(at(TOP - 8.0)) text-anchor="middle" { (name) }
            }
            rect class="frame" x=(at(left)) y=(at(TOP)) width=(at(width)) height=(at(height)) {}
            @for (row, (name, cells)) in names.iter().zip(cells).enumerate() {
                @let y = TOP + CELL_HEIGHT * row as f64;
                text class="tick" x=(at(left - 8.0)) y=(at(y + 16.0)) text-anchor="end" { (name) }
                @for (column, (text, share)) in cells.iter().enumerate() {
                    rect class="miss" fill-opacity=(format!("{:.2}", share.clamp(0.0, 1.0)))
                        x=(at(left + CELL_WIDTH * column as f64)) y=(at(y)) width=(at(CELL_WIDTH)) height=(at(CELL_HEIGHT)) {}
                    text class=(if *share > STRONG { "count deep" } else { "count" }) x=(middle(column))
                        y=(at(y + 16.0)) text-anchor="middle" { (text) }
                }
            }
        };
        drawing(left + width + 8.0, TOP + height + 8.0, self.title, body)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::well_formed;
    use super::*;

    #[test]
    fn every_value_is_written_and_coloured_by_its_share() {
        let columns = ["1".to_owned(), "2".to_owned()];
        let map = ValueMap { title: "<a>", across: "severity", rows: &["noise & <b>"], columns: &columns };
        let drawn = map.draw(&[vec![("80".to_owned(), 0.1), ("20".to_owned(), 0.75)]]);
        well_formed(&drawn);
        assert!(drawn.0.contains("fill-opacity=\"0.10\"") && drawn.0.contains("fill-opacity=\"0.75\""));
        assert_eq!(drawn.0.matches("count deep").count(), 1);
        well_formed(&ValueMap { rows: &[], ..map }.draw(&[]));
    }
}
