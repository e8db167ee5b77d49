use maud::{Markup, PreEscaped, html};

use super::html::STYLE;

/// A drawing of [`super::svg`] with the page's style in it, so that it can stand alone: light or dark as its reader's.
pub fn standalone(drawing: &Markup) -> String {
    let (head, body) = drawing.0.split_once('>').expect("a drawing begins with a tag");
    let style = html! { style { (PreEscaped(STYLE)) } }.0;
    format!("{head}>{style}{body}\n")
}
