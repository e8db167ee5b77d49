use maud::{Markup, html};

use super::{at, drawing, nothing, shorten, text_width};

/// More classes than this, and names and counts are left out.
const MAX_NAMED: usize = 24;

/// A confusion matrix: a row for every true class, a column for every answer, coloured by the share of the row.
pub fn heat_map(classes: &[String], confusion: &[Vec<u32>]) -> Markup {
    let k = confusion.len();
    if k == 0 || classes.len() != k {
        return nothing("confusion matrix");
    }
    let grid = Grid::new(classes);
    let (Grid { left, top, .. }, side) = (grid, grid.cell * k as f64);
    let body = html! {
        text class="label" x=(at(left + side / 2.0)) y="14" text-anchor="middle" { "answer" }
        text class="label" x="14" y=(at(top + side / 2.0)) text-anchor="middle"
            transform={"rotate(-90 14 " (at(top + side / 2.0)) ")"} { "true class" }
        rect class="frame" x=(at(left)) y=(at(top)) width=(at(side)) height=(at(side)) {}
        @if grid.named { (names(classes, &grid)) }
        @for (label, row) in confusion.iter().enumerate() { (answers(classes, label, row, &grid)) }
    };
    drawing(left + side + grid.beside + 8.0, top + side + 8.0, "confusion matrix", body)
}

/// Where the cells lie.
#[derive(Clone, Copy)]
struct Grid {
    /// Whether there is room for names and counts.
    named: bool,
    cell: f64,
    left: f64,
    top: f64,
    /// Room to the right for the last of the turned names.
    beside: f64,
}

impl Grid {
    fn new(classes: &[String]) -> Self {
        let k = classes.len() as f64;
        let longest = classes.iter().map(|c| text_width(&shorten(c, 18))).fold(0.0, f64::max);
        if classes.len() > MAX_NAMED {
            return Self { named: false, cell: (440.0 / k).max(2.5), left: 34.0, top: 34.0, beside: 0.0 };
        }
        let (left, top) = (longest + 34.0, longest * 0.75 + 42.0);
        Self { named: true, cell: (360.0 / k).clamp(20.0, 44.0), left, top, beside: longest * 0.75 }
    }
}

fn names(classes: &[String], grid: &Grid) -> Markup {
    html! {
        @for (index, name) in classes.iter().enumerate() {
            @let middle = grid.cell * (index as f64 + 0.5);
            @let (x, y) = (at(grid.left + middle + 3.0), at(grid.top - 6.0));
            text class="tick" x=(at(grid.left - 6.0)) y=(at(grid.top + middle + 4.0)) text-anchor="end" { (shorten(name, 18)) }
            text class="tick" x=(x) y=(y) transform={"rotate(-45 " (x) " " (y) ")"} { (shorten(name, 18)) }
        }
    }
}

fn answers(classes: &[String], label: usize, row: &[u32], grid: &Grid) -> Markup {
    let total = row.iter().sum::<u32>();
    let (cell, y) = (grid.cell, grid.top + grid.cell * label as f64);
    html! {
        @for (said, &count) in row.iter().enumerate().filter(|(_, count)| **count > 0) {
            @let share = f64::from(count) / f64::from(total);
            @let x = grid.left + cell * said as f64;
            rect class=(if said == label { "hit" } else { "miss" }) fill-opacity=(format!("{share:.2}"))
                x=(at(x)) y=(at(y)) width=(at(cell)) height=(at(cell)) {
                title { (classes[label]) " \u{2192} " (classes[said]) ": " (count) " of " (total) }
            }
            @if grid.named {
                text class=(if share > 0.55 { "count strong" } else { "count" }) x=(at(x + cell / 2.0))
                    y=(at(y + cell / 2.0 + 4.0)) text-anchor="middle" { (count) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::well_formed;
    use super::*;

    fn class_names(k: usize) -> Vec<String> {
        (0..k).map(|i| format!("class <{i}>")).collect()
    }

    #[test]
    fn only_cells_that_were_said_are_drawn() {
        let drawn = heat_map(&class_names(2), &[vec![3, 1], vec![0, 0]]);
        well_formed(&drawn);
        assert_eq!(drawn.0.matches("class=\"hit\"").count(), 1);
        assert!(drawn.0.contains("fill-opacity=\"0.75\"") && drawn.0.contains("fill-opacity=\"0.25\""));
    }

    #[test]
    fn none_and_many_classes_are_well_formed() {
        well_formed(&heat_map(&[], &[]));
        let many = vec![vec![1; 174]; 174];
        assert!(well_formed(&heat_map(&class_names(174), &many)) > 174 * 174);
    }
}
