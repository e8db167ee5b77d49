use maud::{Markup, html};

use super::scale::Scale;
use super::{COLOURS, PATTERNS, at, colour, drawing, legend, nothing, text_width, vertical_axis, vertical_title};
use crate::page::{Chart, Reference, Series};

const WIDTH: f64 = 500.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = WIDTH - 16.0;

/// Most points of a line that are drawn one by one.
const MAX_POINTS: usize = 400;

/// Most points of a line that get a dot each.
const MAX_MARKED: usize = 32;

/// Lines with axes, units and a legend. A line of more than 400 points is drawn as means of equal runs of points.
pub fn line_chart(chart: &Chart) -> Markup {
    let lines = thinned(chart);
    if !lines.iter().flatten().any(|p| p.1.is_some()) {
        return nothing(&chart.title);
    }
    let dash = dashes(&lines);
    let names: Vec<&str> = chart.series.iter().map(|s: &Series| s.name.as_str()).collect();
    let (legend, legend_height) = legend(&names, LEFT, RIGHT, 12.0, Some(&dash));
    let body = html! { (legend) (plot(chart, &lines, &dash, legend_height + 8.0)) };
    drawing(WIDTH, HEIGHT, &chart.title, body)
}

/// Charts of the same series side by side under one legend, each under its title.
pub fn figure(charts: &[Chart]) -> Markup {
    let lines: Vec<Vec<Line>> = charts.iter().map(thinned).collect();
    let Some(first) = charts.iter().find(|chart| !chart.series.is_empty()) else { return nothing("learning curves") };
    // One pattern serves all charts: a series is known by it.
    let dash = |index: usize| index / COLOURS % PATTERNS;
    let names: Vec<&str> = first.series.iter().map(|s| s.name.as_str()).collect();
    let across = charts.len().min(2);
    let right = WIDTH * across as f64 - 16.0;
    let (legend, legend_height) = legend(&names, LEFT, right, 16.0, Some(&dash));
    let place =
        |number: usize| (WIDTH * (number % 2) as f64, legend_height + 12.0 + (HEIGHT + 12.0) * (number / 2) as f64);
    let body = html! {
        (legend)
        @for (number, (chart, lines)) in charts.iter().zip(&lines).enumerate() {
            @let (x, y) = place(number);
            g transform={"translate(" (at(x)) " " (at(y)) ")"} {
                text class="heading" x=(at(LEFT)) y="14" { (chart.title) }
                (plot(chart, lines, &dash, 28.0))
            }
        }
    };
    let (_, last) = place(charts.len() - 1);
    drawing(WIDTH * across as f64, last + HEIGHT, "learning curves", body)
}

type Line = Vec<(f64, Option<f64>)>;

fn thinned(chart: &Chart) -> Vec<Line> {
    chart.series.iter().map(|series| thin(&series.points)).collect()
}

/// Dashes tell a few straight pieces apart. On a long noisy curve they only blur it: there they come where colours repeat.
fn dashes(lines: &[Line]) -> impl Fn(usize) -> usize {
    let few = lines.iter().all(|line| line.len() <= MAX_MARKED);
    move |index| if few { index % PATTERNS } else { index / COLOURS % PATTERNS }
}

/// Axes and lines, from `top` down.
fn plot(chart: &Chart, lines: &[Line], dash: &impl Fn(usize) -> usize, top: f64) -> Markup {
    let bottom = HEIGHT - 44.0;
    let reference = chart.reference.as_ref();
    let bands = chart.series.iter().flat_map(|series| &series.intervals).flat_map(|&[_, low, high]| [low, high]);
    let ys = lines.iter().flatten().filter_map(|p| p.1).chain(reference.map(|r| r.y)).chain(bands);
    let y = Scale::round(ys, 5, bottom, top);
    let x = horizontal_scale(chart.series.iter().flat_map(|s| &s.points).map(|p| p.0));
    html! {
        (vertical_axis(&y, LEFT, RIGHT, ""))
        (vertical_title(&chart.y.title(), (top + bottom) / 2.0))
        (horizontal_axis(&x, &chart.x.title(), bottom))
        @if let Some(reference) = reference.filter(|r| r.y.is_finite()) { (level(reference, &y)) }
        @for (index, series) in chart.series.iter().enumerate() { (band(&series.intervals, index, &x, &y)) }
        @for (index, points) in lines.iter().enumerate() { (line(points, index, dash(index), &x, &y)) }
    }
}

fn horizontal_axis(x: &Scale, title: &str, bottom: f64) -> Markup {
    html! {
        line class="axis" x1=(at(LEFT)) x2=(at(RIGHT)) y1=(at(bottom)) y2=(at(bottom)) {}
        @for tick in x.ticks() {
            text class="tick" x=(at(x.place(tick))) y=(at(bottom + 18.0)) text-anchor="middle" { (x.label(tick)) }
        }
        text class="label" x=(at((LEFT + RIGHT) / 2.0)) y=(at(HEIGHT - 6.0)) text-anchor="middle" { (title) }
    }
}

fn level(reference: &Reference, y: &Scale) -> Markup {
    let level = at(y.place(reference.y));
    html! {
        line class="reference" x1=(at(LEFT)) x2=(at(RIGHT)) y1=(level) y2=(level) {}
        text class="note" x=(at(RIGHT - 2.0)) y=(at(y.place(reference.y) - 5.0)) text-anchor="end" { (reference.name) }
    }
}

/// Ticks that stay inside the data: a training curve should reach the edge of its plot.
fn horizontal_scale(values: impl Iterator<Item = f64> + Clone) -> Scale {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    let room = text_width("00") / 2.0;
    match high > low {
        true => Scale::exact(low, high, 6, LEFT + room, RIGHT - room),
        false => Scale::round([low].into_iter(), 2, LEFT + room, RIGHT - room),
    }
}

/// Intervals as a band behind the lines.
fn band(intervals: &[[f64; 3]], index: usize, x: &Scale, y: &Scale) -> Markup {
    let place = |at_x: f64, at_y: f64| format!("{},{}", at(x.place(at_x)), at(y.place(at_y)));
    let upper = intervals.iter().map(|&[at_x, _, high]| place(at_x, high));
    let lower = intervals.iter().rev().map(|&[at_x, low, _]| place(at_x, low));
    html! {
        @if intervals.len() > 1 {
            polygon class={"band bar " (colour(index))} points=(upper.chain(lower).collect::<Vec<_>>().join(" ")) {}
        }
    }
}

fn line(points: &[(f64, Option<f64>)], index: usize, dash: usize, x: &Scale, y: &Scale) -> Markup {
    let runs = points.split(|p| p.1.is_none()).filter(|run| !run.is_empty());
    let marked = points.len() <= MAX_MARKED;
    let place = |p: &(f64, Option<f64>)| (x.place(p.0), y.place(p.1.unwrap_or_default()));
    html! {
        @for run in runs {
            @let places: Vec<(f64, f64)> = run.iter().map(place).collect();
            @if places.len() > 1 {
                polyline class={"line d" (dash) " " (colour(index))}
                    points=(places.iter().map(|p| format!("{},{}", at(p.0), at(p.1))).collect::<Vec<_>>().join(" ")) {}
            }
            @if marked || places.len() == 1 {
                @for p in &places { circle class={"dot " (colour(index))} cx=(at(p.0)) cy=(at(p.1)) r="3" {} }
            }
        }
    }
}

/// Means of equal runs where there are too many points; a run without any value stays a gap.
fn thin(points: &[(f64, Option<f64>)]) -> Vec<(f64, Option<f64>)> {
    let run = points.len().div_ceil(MAX_POINTS).max(1);
    let mean = |chunk: &[(f64, Option<f64>)]| {
        let known: Vec<f64> = chunk.iter().filter_map(|p| p.1).collect();
        let x = chunk.iter().map(|p| p.0).sum::<f64>() / chunk.len() as f64;
        (x, (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64))
    };
    points.chunks(run).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::well_formed;
    use super::*;
    use crate::page::Axis;

    fn chart(points: Vec<(f64, f64)>) -> Chart {
        Chart::new("loss <by step>", Axis::new("step"), Axis::with_unit("loss", "nats"))
            .with(Series::new("a & b", points))
    }

    #[test]
    fn odd_lines_are_still_well_formed() {
        for points in [vec![], vec![(0.0, 1.0)], vec![(0.0, f64::NAN)], vec![(1.0, 2.0), (2.0, f64::NAN), (3.0, 4.0)]] {
            well_formed(&line_chart(&chart(points)));
        }
        well_formed(&line_chart(&Chart::new("empty", Axis::new("x"), Axis::new("y"))));
        well_formed(&line_chart(&chart(vec![(0.0, 1.0)]).with_reference("chance", f64::NAN)));
    }

    #[test]
    fn intervals_are_a_band_behind_their_line_and_within_the_axis() {
        let series = Series::new("a", [(0.0, 1.0), (1.0, 2.0)]).with_intervals([[0.0, -3.0, 5.0], [1.0, 1.0, 3.0]]);
        let drawn = line_chart(&Chart::new("t", Axis::new("x"), Axis::new("y")).with(series));
        well_formed(&drawn);
        assert_eq!(drawn.0.matches("<polygon").count(), 1);
        assert!(drawn.0.contains("\u{2212}4") && drawn.0.contains(">6<"), "{}", drawn.0);
        assert!(drawn.0.find("<polygon") < drawn.0.find("<polyline"));
    }

    #[test]
    fn a_gap_splits_the_line() {
        let points = vec![(0.0, 1.0), (1.0, 1.0), (2.0, f64::NAN), (3.0, 1.0), (4.0, 2.0)];
        assert_eq!(line_chart(&chart(points)).0.matches("<polyline").count(), 2);
    }

    #[test]
    fn a_figure_names_its_series_once_and_the_seventh_is_dashed() {
        let series = |index: usize| Series::new(format!("run {index}"), (0..100).map(|i| (f64::from(i), index as f64)));
        let chart = (0..7).map(series).fold(Chart::new("loss", Axis::new("epochs"), Axis::new("nats")), Chart::with);
        let gap = Chart { series: vec![series(0), Series::new("run 1", [])], ..chart.clone() };
        let drawn = figure(&[chart, gap]);
        well_formed(&drawn);
        assert_eq!(drawn.0.matches("run 6").count(), 1);
        assert!(drawn.0.contains("line d1 c0") && drawn.0.contains("line d0 c0"));
        well_formed(&figure(&[]));
        well_formed(&figure(&[Chart::new("empty", Axis::new("x"), Axis::new("y")).with(Series::new("a", []))]));
    }

    #[test]
    fn long_lines_are_drawn_as_means() {
        let many: Vec<(f64, Option<f64>)> = (0..1000).map(|i| (f64::from(i), Some(f64::from(i % 2)))).collect();
        let thinned = thin(&many);
        assert!(thinned.len() <= MAX_POINTS);
        assert_eq!(thinned[0], (1.0, Some(1.0 / 3.0)));
        assert_eq!(thin(&many[..5]), many[..5]);
    }
}
