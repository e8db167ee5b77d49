use maud::{Markup, html};

use super::scale::Scale;
use super::{at, drawing, nothing, shorten, text_width};
use crate::metrics::Interval;
use crate::page::words::{point_bounds, points};
use crate::page::{Difference, Verdict};

const ROW: f64 = 28.0;
const PLOT_WIDTH: f64 = 560.0;

/// One difference with its interval.
pub struct ForestRow<'a> {
    /// What differs, or where.
    pub name: &'a str,
    /// By how much.
    pub interval: Interval,
    /// What that amounts to.
    pub verdict: Verdict,
}

/// Differences as points with their intervals around the line of no difference, one row a suite.
pub fn forest<'a>(differences: &[&'a Difference]) -> Markup {
    let row =
        |d: &&'a Difference| ForestRow { name: d.suite.as_str(), interval: d.comparison.top1, verdict: d.verdict() };
    forest_of(&differences.iter().map(row).collect::<Vec<_>>())
}

/// [`forest`] of differences of any kind.
pub fn forest_of(rows: &[ForestRow]) -> Markup {
    if rows.is_empty() {
        return nothing("differences");
    }
    let name = |row: &ForestRow| shorten(row.name, 32);
    let left = rows.iter().map(|row| text_width(&name(row))).fold(60.0, f64::max) + 24.0;
    let ends = rows.iter().flat_map(|row| [row.interval.low, row.interval.high]);
    let scale = Scale::round(ends.chain([-0.01, 0.01]).map(|v| v * 100.0), 6, left, left + PLOT_WIDTH);
    let bottom = ROW * rows.len() as f64 + 12.0;
    let zero = scale.place(0.0);
    let body = html! {
        @for tick in scale.ticks() {
            @let x = at(scale.place(tick));
            line class="grid" x1=(x) x2=(x) y1="6" y2=(at(bottom)) {}
            text class="tick" x=(x) y=(at(bottom + 16.0)) text-anchor="middle" { (scale.label(tick)) }
        }
        line class="axis" x1=(at(zero)) x2=(at(zero)) y1="6" y2=(at(bottom)) {}
        @for (number, row) in rows.iter().enumerate() {
            @let y = ROW * (number as f64 + 0.5) + 8.0;
            text class="legend" x=(at(left - 14.0)) y=(at(y + 4.0)) text-anchor="end" { (name(row)) }
            (estimate(row, y, &scale))
            text class="value" x=(at(left + PLOT_WIDTH + 14.0)) y=(at(y + 4.0)) {
                (points(row.interval.difference)) " " (point_bounds(&row.interval))
            }
        }
        text class="label" x=(at(left + PLOT_WIDTH / 2.0)) y=(at(bottom + 38.0)) text-anchor="middle" {
            "difference in top-1 (percentage points)"
        }
    };
    drawing(left + PLOT_WIDTH + 170.0, bottom + 46.0, "differences in top-1 with intervals", body)
}

fn estimate(row: &ForestRow, y: f64, scale: &Scale) -> Markup {
    let place = |share: f64| scale.place(share * 100.0);
    let Interval { difference, low, high } = row.interval;
    let class = match row.verdict {
        Verdict::Higher => "higher",
        Verdict::Lower => "lower",
        Verdict::NotShown | Verdict::TooFewGroups => "unclear",
    };
    html! {
        line class={"span " (class)} x1=(at(place(low))) x2=(at(place(high))) y1=(at(y)) y2=(at(y)) {}
        circle class={"point " (class)} cx=(at(place(difference))) cy=(at(y)) r="5" {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::well_formed;
    use super::*;
    use crate::metrics::Comparison;

    fn difference(difference: f64, low: f64, high: f64) -> Difference {
        let top1 = Interval { difference, low, high };
        let p = if low > 0.0 || high < 0.0 { 0.01 } else { 0.5 };
        let comparison = Comparison { top1, p, both: 1, only_first: 1, only_second: 1, neither: 1, groups: 40 };
        Difference { suite: "<clean>".into(), first: "a".into(), second: "b".into(), comparison, p_corrected: p }
    }

    #[test]
    fn differences_are_coloured_by_what_they_show() {
        let (up, down, unclear) =
            (difference(0.05, 0.01, 0.09), difference(-0.05, -0.09, -0.01), difference(0.0, -0.1, 0.1));
        let drawn = forest(&[&up, &down, &unclear]);
        well_formed(&drawn);
        for class in ["point higher", "point lower", "point unclear"] {
            assert_eq!(drawn.0.matches(class).count(), 1, "{class}");
        }
        well_formed(&forest(&[]));
        well_formed(&forest(&[&difference(0.0, 0.0, 0.0)]));
    }
}
