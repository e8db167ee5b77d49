//! Plots as inline SVG, coloured by the page's style sheet so that they follow light and dark.

mod bars;
mod forest;
mod heat;
mod lines;
mod scale;
mod timeline;
mod value_map;

use maud::{Markup, PreEscaped, html};

pub use bars::{Bar, BarGroup, grouped_bars};
pub use forest::{ForestRow, forest, forest_of};
pub use heat::heat_map;
pub use lines::{figure, line_chart};
pub use timeline::{Curve, MOST_CURVES, chosen_frames, timeline};
pub use value_map::ValueMap;

use scale::Scale;

/// Number of colours before they repeat; the style sheet has as many.
const COLOURS: usize = 6;

/// Number of patterns of dashes; the style sheet has as many.
const PATTERNS: usize = 4;

/// A wider drawing keeps its size and scrolls: shrunk to the page its letters could not be read.
const MAX_WIDTH: f64 = 1250.0;

/// A wider drawing is not shrunk to a phone: there its letters could not be read.
const BROAD: f64 = 600.0;

/// Width of a letter of the 12-pixel labels, a little generous: text is laid out without measuring it.
const LETTER: f64 = 6.6;

/// The style class of the `index`-th series.
fn colour(index: usize) -> String {
    format!("c{}", index % COLOURS)
}

/// A coordinate with one decimal: finer is not seen and only makes the page larger.
fn at(value: f64) -> String {
    format!("{value:.1}")
}

fn text_width(text: &str) -> f64 {
    unicode_width::UnicodeWidthStr::width(text) as f64 * LETTER
}

/// Shortens a label to at most `letters`, with an ellipsis.
fn shorten(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    text.chars().take(letters.saturating_sub(1)).chain(['…']).collect()
}

/// The whole drawing; `label` is what a screen reader says.
fn drawing(width: f64, height: f64, label: &str, body: Markup) -> Markup {
    // Names of classes may hold what XML cannot.
    let body = PreEscaped(body.0.replace(|c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r'), "\u{fffd}"));
    let class = if width > MAX_WIDTH { Some("wide") } else { (width > BROAD).then_some("broad") };
    html! {
        svg class=[class] viewBox={"0 0 " (at(width)) " " (at(height))} width=(at(width)) height=(at(height)) role="img"
            aria-label=(label) xmlns="http://www.w3.org/2000/svg" { (body) }
    }
}

/// Grid lines and numbers of a vertical axis to the left of `left`.
fn vertical_axis(scale: &Scale, left: f64, right: f64, unit: &str) -> Markup {
    html! {
        @for tick in scale.ticks() {
            @let y = scale.place(tick);
            line class="grid" x1=(at(left)) x2=(at(right)) y1=(at(y)) y2=(at(y)) {}
            text class="tick" x=(at(left - 8.0)) y=(at(y + 4.0)) text-anchor="end" { (scale.label(tick)) (unit) }
        }
    }
}

/// The axis title, turned, at the left edge.
fn vertical_title(title: &str, middle: f64) -> Markup {
    html! {
        text class="label" x="14" y=(at(middle)) text-anchor="middle" transform={"rotate(-90 14 " (at(middle)) ")"} {
            (title)
        }
    }
}

/// Room in a legend for the colour and up to the next entry.
const BESIDE_NAME: f64 = 44.0;

/// Names beside their colours, from (`left`, `top`) on, wrapped and at the longest cut at `right`; the markup and the height it
/// takes. Lines where `dash` gives the pattern of the `index`-th, boxes else.
fn legend(names: &[&str], left: f64, right: f64, top: f64, dash: Option<&dyn Fn(usize) -> usize>) -> (Markup, f64) {
    let names: Vec<(usize, &str)> = names.iter().copied().enumerate().collect();
    coloured_legend(&names, left, right, top, dash)
}

/// [`legend`] of series that are not the first in their order.
fn coloured_legend(
    names: &[(usize, &str)],
    left: f64,
    right: f64,
    top: f64,
    dash: Option<&dyn Fn(usize) -> usize>,
) -> (Markup, f64) {
    let (mut x, mut y) = (left, top);
    let mut entries = Vec::new();
    let most = ((right - left - BESIDE_NAME) / LETTER).max(8.0) as usize;
    for &(index, name) in names {
        let name = shorten(name, most);
        let width = text_width(&name) + BESIDE_NAME;
        if x + width > right && x > left {
            (x, y) = (left, y + 20.0);
        }
        entries.push(html! {
            @if let Some(dash) = dash {
                line class={"line d" (dash(index)) " " (colour(index))} x1=(at(x)) x2=(at(x + 22.0)) y1=(at(y)) y2=(at(y)) {}
            } @else {
                rect class={"bar " (colour(index))} x=(at(x + 8.0)) y=(at(y - 6.0)) width="12" height="12" rx="2" {}
            }
            text class="legend" x=(at(x + 28.0)) y=(at(y + 4.0)) { (name) }
        });
        x += width;
    }
    (html! { @for entry in &entries { (entry) } }, y - top + 20.0)
}

/// What stands in the place of a plot without data.
fn nothing(what: &str) -> Markup {
    let body = html! { text class="label" x="240" y="34" text-anchor="middle" { "nothing to draw" } };
    drawing(480.0, 60.0, what, body)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The drawing as a tree; panics where it is not well-formed or holds a number that is none.
    pub fn well_formed(markup: &Markup) -> usize {
        let text = &markup.0;
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        let tree = roxmltree::Document::parse(text).unwrap_or_else(|e| panic!("{e}: {text}"));
        tree.descendants().filter(|n| n.is_element()).count()
    }

    #[test]
    fn labels_are_escaped_and_shortened() {
        let (markup, _) = legend(&["</text><script>x</script>"], 0.0, 100.0, 10.0, None);
        assert!(!markup.0.contains("<script>"));
        assert_eq!(shorten("abcdef", 4), "abc…");
        assert_eq!(shorten("äöü", 3), "äöü");
    }

    #[test]
    fn a_long_legend_wraps() {
        let (_, one) = legend(&["a"], 0.0, 300.0, 0.0, None);
        let (_, many) = legend(&["a long name"; 6], 0.0, 300.0, 0.0, Some(&|i| i));
        assert!(many > one);
    }
}
