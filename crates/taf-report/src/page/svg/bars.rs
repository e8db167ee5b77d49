use maud::{Markup, html};

use super::scale::Scale;
use super::{at, colour, drawing, legend, nothing, shorten, text_width, vertical_axis, vertical_title};
use crate::page::Reference;

/// The bars of one place on the horizontal axis.
#[derive(Clone, Debug, PartialEq)]
pub struct BarGroup {
    /// Its name under the axis.
    pub name: String,
    /// One bar per series; none where there is no value.
    pub bars: Vec<Option<Bar>>,
}

/// A value with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Height of the bar.
    pub value: f64,
    /// Lower end of the whisker.
    pub low: f64,
    /// Upper end of the whisker.
    pub high: f64,
}

const LEFT: f64 = 64.0;
const PLOT_HEIGHT: f64 = 230.0;

/// Bars side by side in groups with whiskers, from zero up. `title` names the vertical axis, `unit` stands behind its
/// numbers, `top` is its end where it has a natural one.
pub fn grouped_bars(
    title: &str,
    unit: &str,
    top: Option<f64>,
    series: &[&str],
    groups: &[BarGroup],
    reference: Option<&Reference>,
) -> Markup {
    if groups.iter().all(|g| g.bars.iter().all(Option::is_none)) {
        return nothing(title);
    }
    let widths = Widths::new(series.len(), groups);
    let right = widths.right();
    let (legend, legend_height) = legend(series, LEFT, right, 12.0, None);
    let (start, bottom) = (legend_height + 18.0, legend_height + 18.0 + PLOT_HEIGHT);
    let highest = groups.iter().flat_map(|g| &g.bars).flatten().map(|b| b.high);
    let scale = match top {
        Some(top) => Scale::exact(0.0, top, 5, bottom, start),
        None => Scale::round(highest.chain([0.0]), 5, bottom, start),
    };
    let body = html! {
        (legend)
        (vertical_axis(&scale, LEFT, right, unit))
        (vertical_title(title, (start + bottom) / 2.0))
        @for (number, group) in groups.iter().enumerate() { (one_group(group, number, &widths, &scale)) }
        line class="axis" x1=(at(LEFT)) x2=(at(right)) y1=(at(bottom)) y2=(at(bottom)) {}
        @if let Some(reference) = reference { (level(reference, right, &scale)) }
    };
    let note = reference.map_or(6.0, |r| text_width(&r.name));
    drawing(right + note + 8.0, bottom + widths.foot, title, body)
}

/// How wide the parts are, and how deep the names under them.
struct Widths {
    groups: usize,
    bar: f64,
    group: f64,
    /// Whether names are turned to find room.
    turned: bool,
    foot: f64,
}

impl Widths {
    fn new(series: usize, groups: &[BarGroup]) -> Self {
        let bar = (880.0 / (groups.len() * (series + 1)) as f64).clamp(7.0, 56.0);
        let group = bar * (series as f64 + 1.0);
        let longest = groups.iter().map(|g| text_width(&shorten(&g.name, 24))).fold(0.0, f64::max);
        let turned = longest > group;
        let foot = if turned { longest * 0.62 + 26.0 } else { 30.0 };
        Self { groups: groups.len(), bar, group, turned, foot }
    }

    fn right(&self) -> f64 {
        LEFT + (self.group * self.groups as f64).max(300.0)
    }

    fn middle(&self, number: usize) -> f64 {
        LEFT + (self.right() - LEFT) / self.groups as f64 * (number as f64 + 0.5)
    }
}

fn one_group(group: &BarGroup, number: usize, widths: &Widths, scale: &Scale) -> Markup {
    let middle = widths.middle(number);
    let first = middle - widths.bar * group.bars.len() as f64 / 2.0;
    html! {
        @for (index, bar) in group.bars.iter().enumerate() {
            @if let Some(bar) = bar { (one_bar(bar, index, first + widths.bar * index as f64, widths.bar, scale)) }
        }
        (group_name(&group.name, middle, scale.place(0.0), widths.turned))
    }
}

fn level(reference: &Reference, right: f64, scale: &Scale) -> Markup {
    let y = scale.place(reference.y);
    html! {
        line class="reference" x1=(at(LEFT)) x2=(at(right)) y1=(at(y)) y2=(at(y)) {}
        text class="note" x=(at(right + 6.0)) y=(at(y + 4.0)) { (reference.name) }
    }
}

fn one_bar(bar: &Bar, index: usize, left: f64, width: f64, scale: &Scale) -> Markup {
    let (bottom, top) = (scale.place(0.0), scale.place(bar.value));
    let (low, high) = (scale.place(bar.low), scale.place(bar.high));
    let middle = left + width / 2.0;
    let cap = (width * 0.18).min(5.0);
    html! {
        rect class={"bar " (colour(index))} x=(at(left + 1.5)) y=(at(top)) width=(at(width - 3.0))
            height=(at((bottom - top).max(0.0))) rx="2" {}
        path class="whisker" d={
            "M" (at(middle)) " " (at(low)) "V" (at(high))
            "M" (at(middle - cap)) " " (at(low)) "h" (at(2.0 * cap))
            "M" (at(middle - cap)) " " (at(high)) "h" (at(2.0 * cap)) } {}
        @if width > 30.0 {
            text class="value" x=(at(middle)) y=(at(high - 6.0)) text-anchor="middle" { (format!("{:.1}", bar.value)) }
        }
    }
}

fn group_name(name: &str, middle: f64, bottom: f64, turned: bool) -> Markup {
    let (x, y) = (at(middle), at(bottom + 20.0));
    html! {
        @if turned {
            text class="tick" x=(x) y=(y) text-anchor="end" transform={"rotate(-35 " (x) " " (y) ")"} { (shorten(name, 24)) }
        } @else {
            text class="tick" x=(x) y=(y) text-anchor="middle" { (name) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::well_formed;
    use super::*;

    fn group(name: &str, values: &[f64]) -> BarGroup {
        let bar = |&v: &f64| Some(Bar { value: v, low: v * 0.9, high: v * 1.1 });
        BarGroup { name: name.into(), bars: values.iter().map(bar).collect() }
    }

    #[test]
    fn bars_are_well_formed_for_none_one_and_many() {
        let none = BarGroup { name: "none".into(), bars: vec![None] };
        well_formed(&grouped_bars("top-1", " %", Some(100.0), &["a"], &[], None));
        well_formed(&grouped_bars("top-1", " %", Some(100.0), &["a"], &[none], None));
        well_formed(&grouped_bars("frames", "", None, &["a"], &[group("<b>", &[3.0])], None));
        let many: Vec<BarGroup> = (0..75).map(|i| group(&format!("gaussian noise {i}"), &[50.0, 60.0, 70.0])).collect();
        assert!(well_formed(&grouped_bars("top-1", " %", Some(100.0), &["a", "b", "c"], &many, None)) > 75 * 3);
    }

    #[test]
    fn a_missing_bar_leaves_its_place_empty() {
        let groups = [BarGroup { name: "g".into(), bars: vec![None, Some(Bar { value: 1.0, low: 0.5, high: 1.5 })] }];
        let drawn = grouped_bars("t", "", None, &["a", "b"], &groups, None).0;
        assert_eq!(drawn.matches("class=\"whisker\"").count(), 1);
    }
}
