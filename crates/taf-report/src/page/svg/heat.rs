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
    let named = k <= MAX_NAMED;
    let cell = if named { (360.0 / k as f64).clamp(20.0, 44.0) } else { (440.0 / k as f64).max(2.5) };
    let longest = classes.iter().map(|c| text_width(&shorten(c, 18))).fold(0.0, f64::max);
    let (left, top) = if named { (longest + 34.0, longest * 0.75 + 42.0) } else { (34.0, 34.0) };
    let side = cell * k as f64;
    let body = html! {
        text class="label" x=(at(left + side / 2.0)) y="14" text-anchor="middle" { "answer" }
        text class="label" x="14" y=(at(top + side / 2.0)) text-anchor="middle"
            transform={"rotate(-90 14 " (at(top + side / 2.0)) ")"} { "true class" }
        rect class="frame" x=(at(left)) y=(at(top)) width=(at(side)) height=(at(side)) {}
        @if named {
            @for (index, name) in classes.iter().enumerate() {
                @let middle = cell * (index as f64 + 0.5);
                @let (x, y) = (at(left + middle + 3.0), at(top - 6.0));
                text class="tick" x=(at(left - 6.0)) y=(at(top + middle + 4.0)) text-anchor="end" { (shorten(name, 18)) }
                text class="tick" x=(x) y=(y) transform={"rotate(-45 " (x) " " (y) ")"} { (shorten(name, 18)) }
            }
        }
        @for (label, row) in confusion.iter().enumerate() {
            @let total = row.iter().sum::<u32>();
            @for (said, &count) in row.iter().enumerate().filter(|(_, count)| **count > 0) {
                @let share = f64::from(count) / f64::from(total);
                @let (x, y) = (left + cell * said as f64, top + cell * label as f64);
                rect class=(if said == label { "hit" } else { "miss" }) fill-opacity=(format!("{share:.2}"))
                    x=(at(x)) y=(at(y)) width=(at(cell)) height=(at(cell)) {
                    title { (classes[label]) " \u{2192} " (classes[said]) ": " (count) " of " (total) }
                }
                @if named {
                    text class=(if share > 0.55 { "count strong" } else { "count" }) x=(at(x + cell / 2.0))
                        y=(at(y + cell / 2.0 + 4.0)) text-anchor="middle" { (count) }
                }
            }
        }
    };
    drawing(left + side + if named { longest * 0.75 } else { 0.0 } + 8.0, top + side + 8.0, "confusion matrix", body)
}

#[cfg(test)]
mod tests {
    use super::super::tests::well_formed;
    use super::*;

    fn names(k: usize) -> Vec<String> {
        (0..k).map(|i| format!("class <{i}>")).collect()
    }

    #[test]
    fn only_cells_that_were_said_are_drawn() {
        let drawn = heat_map(&names(2), &[vec![3, 1], vec![0, 0]]);
        well_formed(&drawn);
        assert_eq!(drawn.0.matches("class=\"hit\"").count(), 1);
        assert!(drawn.0.contains("fill-opacity=\"0.75\"") && drawn.0.contains("fill-opacity=\"0.25\""));
    }

    #[test]
    fn none_and_many_classes_are_well_formed() {
        well_formed(&heat_map(&[], &[]));
        let many = vec![vec![1; 174]; 174];
        assert!(well_formed(&heat_map(&names(174), &many)) > 174 * 174);
    }
}
