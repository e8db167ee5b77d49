use std::collections::HashMap;

use roxmltree::Node;
use simplecss::{AttributeOperator, Element, PseudoClass};
use tiny_skia::Color;

use crate::page::html::STYLE;

/// The page's style sheet, read for elements of drawings; rules for the dark and for paper are passed over.
pub struct StyleSheet {
    rules: simplecss::StyleSheet<'static>,
    /// Values by the names that rules use them under.
    variables: HashMap<&'static str, &'static str>,
}

/// How an element is drawn.
#[derive(Debug, PartialEq)]
pub struct Style {
    /// What its inside is filled with.
    pub fill: Option<Color>,
    /// What its outline is drawn with.
    pub stroke: Option<Color>,
    /// How thick that is.
    pub stroke_width: f32,
    /// Lengths of dashes and gaps in turns; none for a whole line.
    pub dashes: Vec<f32>,
    /// Whether ends and corners are round.
    pub round: bool,
    /// Height of letters.
    pub font_size: f32,
}

impl StyleSheet {
    /// The style sheet of the pages.
    pub fn of_the_page() -> Self {
        let named =
            STYLE.split_once(":root {").and_then(|(_, rest)| rest.split_once('}')).map_or("", |(named, _)| named);
        let pairs = named.split(';').filter_map(|pair| pair.split_once(':'));
        let variables = pairs.map(|(name, value)| (name.trim(), value.trim())).collect();
        Self { rules: simplecss::StyleSheet::parse(STYLE), variables }
    }

    /// How an element is drawn: the later and more specific rule wins.
    pub fn style(&self, node: Node) -> Style {
        let styled = Styled(node);
        let matching = self.rules.rules.iter().filter(|rule| rule.selector.matches(&styled));
        let values: HashMap<_, _> = matching.flat_map(|rule| &rule.declarations).map(|d| (d.name, d.value)).collect();
        let value = |name| values.get(name).map(|value| self.value(value));
        let length = |name| value(name).and_then(|value| value.trim_end_matches("px").parse().ok());
        let opacity = node.attribute("fill-opacity").and_then(|opacity| opacity.parse().ok()).unwrap_or(1.0);
        Style {
            fill: value("fill").map_or(Some(Color::BLACK), colour).map(|mut fill| {
                fill.apply_opacity(opacity);
                fill
            }),
            stroke: value("stroke").and_then(colour),
            stroke_width: length("stroke-width").unwrap_or(1.0),
            dashes: value("stroke-dasharray").map_or_else(Vec::new, numbers),
            round: value("stroke-linecap") == Some("round"),
            font_size: length("font-size").unwrap_or(12.0),
        }
    }

    fn value(&self, value: &'static str) -> &'static str {
        let name = value.strip_prefix("var(").and_then(|name| name.strip_suffix(')'));
        name.and_then(|name| self.variables.get(name)).copied().unwrap_or(value)
    }
}

fn numbers(text: &str) -> Vec<f32> {
    text.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

/// `#rrggbb`; none for `none`.
fn colour(text: &str) -> Option<Color> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let rgb = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some(Color::from_rgba8(rgb[1], rgb[2], rgb[3], 255))
}

/// An element as the rules see it.
struct Styled<'a, 'input>(Node<'a, 'input>);

impl Element for Styled<'_, '_> {
    fn parent_element(&self) -> Option<Self> {
        self.0.parent_element().map(Self)
    }

    fn prev_sibling_element(&self) -> Option<Self> {
        self.0.prev_sibling_element().map(Self)
    }

    fn has_local_name(&self, name: &str) -> bool {
        self.0.tag_name().name() == name
    }

    fn attribute_matches(&self, name: &str, operator: AttributeOperator<'_>) -> bool {
        self.0.attribute(name).is_some_and(|value| operator.matches(value))
    }

    fn pseudo_class_matches(&self, _: PseudoClass<'_>) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;

    fn style(element: &str) -> Style {
        let text = format!("<svg>{element}</svg>");
        let document = Document::parse(&text).unwrap();
        StyleSheet::of_the_page().style(document.root_element().first_element_child().unwrap())
    }

    #[test]
    fn the_more_specific_rule_wins() {
        assert_eq!(style("<text/>").fill, colour("#1a1f27"));
        assert_eq!(style("<text class=\"tick\"/>").fill, colour("#5b6573"));
        assert_eq!((style("<text/>").font_size, style("<text class=\"value\"/>").font_size), (12.0, 11.5));
    }

    #[test]
    fn lines_have_a_colour_a_width_and_dashes() {
        let line = style("<polyline class=\"line d1 c1\"/>");
        assert_eq!((line.fill, line.stroke, line.stroke_width), (None, colour("#0b6bb0"), 2.0));
        assert_eq!((line.dashes, line.round), (vec![7.0, 4.0], true));
        assert_eq!(style("<line class=\"grid\"/>").stroke, colour("#e9ecf0"));
    }

    #[test]
    fn every_colour_of_a_series_is_another() {
        let colours: Vec<_> = (0..6).map(|index| style(&format!("<circle class=\"dot c{index}\"/>")).fill).collect();
        assert!(colours.iter().all(|one| one.is_some() && colours.iter().filter(|other| *other == one).count() == 1));
    }
}
