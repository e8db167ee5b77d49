//! Drawings as pixels: those made of lines, boxes, dots and text, coloured by the page's style sheet, in light.

mod style;
mod text;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{ImageFormat, RgbImage};
use roxmltree::{Document, Node};
use tiny_skia::{
    Color, FillRule, FilterQuality, IntSize, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, PixmapPaint, Rect,
    Stroke, StrokeDash, Transform,
};

use super::canvas::png;
use super::svg::heat_map;
use super::{Error, Result};
use style::{Style, StyleSheet};

/// A picture is twice as large as the drawing says: for paper and dense displays.
pub const PICTURE_SCALE: f32 = 2.0;
/// Sides of a picture that are still drawn, pixels: more is no chart, and takes 1 GiB.
const MOST_SIDE: f32 = 16_384.0;

/// A confusion matrix as the bytes of a PNG file: a row for every true class, a column for every answer, coloured by the share of
/// the row.
///
/// # Errors
/// If it is larger than a picture can be.
pub fn confusion_matrix(classes: &[String], confusion: &[Vec<u32>]) -> Result<Vec<u8>> {
    to_png(&heat_map(classes, confusion).0, 1.0)
}

/// An SVG drawing of [`super::svg`] as the bytes of a PNG file, `scale` times as large as it says, on white.
///
/// # Errors
/// If it is no such drawing, or larger than can be.
pub fn to_png(svg: &str, scale: f32) -> Result<Vec<u8>> {
    let document = Document::parse(svg).map_err(|error| Error::content("a drawing in SVG", error))?;
    let root = document.root_element();
    let sides = [number(root, "width") * scale, number(root, "height") * scale].map(f32::ceil);
    let pixmap = sides.iter().all(|side| *side <= MOST_SIDE).then(|| Pixmap::new(sides[0] as u32, sides[1] as u32));
    let Some(mut pixmap) = pixmap.flatten() else {
        return Err(Error::content("a drawing of at most 16384 pixels a side", format!("{sides:?}")));
    };
    pixmap.fill(Color::WHITE);
    let sheet = StyleSheet::of_the_page();
    let mut drawing = Drawing { pixmap, sheet, place: Transform::from_scale(scale, scale) };
    drawing.elements(root)?;
    drawing.encode()
}

struct Drawing {
    pixmap: Pixmap,
    sheet: StyleSheet,
    /// Where what is drawn lies in the picture.
    place: Transform,
}

impl Drawing {
    fn elements(&mut self, node: Node) -> Result<()> {
        node.children().filter(Node::is_element).try_for_each(|element| self.element(element))
    }

    /// A group that is moved.
    fn group(&mut self, node: Node) -> Result<()> {
        let outside = self.place;
        self.place = self.place.pre_concat(moved(node));
        self.elements(node)?;
        self.place = outside;
        Ok(())
    }

    fn element(&mut self, node: Node) -> Result<()> {
        let style = &self.sheet.style(node);
        let path = match node.tag_name().name() {
            "title" | "style" => return Ok(()),
            "g" => return self.group(node),
            "image" => return self.picture(node),
            "text" => {
                self.text(node, style);
                return Ok(());
            }
            "line" => polyline(&[(number(node, "x1"), number(node, "y1")), (number(node, "x2"), number(node, "y2"))]),
            "polyline" => polyline(&points(node)),
            "rect" => rectangle(node),
            "circle" => PathBuilder::from_circle(number(node, "cx"), number(node, "cy"), number(node, "r")),
            other => return Err(Error::content("lines, boxes, dots and text to draw", format!("<{other}>"))),
        };
        // A line of no length has no path.
        let Some(path) = path else { return Ok(()) };
        if let Some(colour) = style.fill {
            self.pixmap.fill_path(&path, &paint(colour), FillRule::Winding, self.place, None);
        }
        if let Some(colour) = style.stroke {
            self.pixmap.stroke_path(&path, &paint(colour), &stroke(style), self.place, None);
        }
        Ok(())
    }

    fn text(&mut self, node: Node, style: &Style) {
        let (x, y) = (number(node, "x"), number(node, "y"));
        let (letters, width) = text::outline(node.text().unwrap_or_default(), style.font_size);
        let left = match node.attribute("text-anchor") {
            Some("middle") => x - width / 2.0,
            Some("end") => x - width,
            _ => x,
        };
        let turned = self.place.pre_concat(moved(node)).pre_translate(left, y);
        if let (Some(path), Some(colour)) = (letters, style.fill) {
            self.pixmap.fill_path(&path, &paint(colour), FillRule::Winding, turned, None);
        }
    }

    /// A PNG file that lies in the drawing itself.
    fn picture(&mut self, node: Node) -> Result<()> {
        let packed = node.attribute("href").and_then(|link| link.strip_prefix("data:image/png;base64,"));
        let png = packed.and_then(|packed| STANDARD.decode(packed).ok());
        let picture = png.and_then(|png| image::load_from_memory_with_format(&png, ImageFormat::Png).ok());
        let png = picture.and_then(|picture| pixmap(&picture.to_rgb8()));
        let png = png.ok_or_else(|| Error::content("a picture that lies in the drawing", "another"))?;
        let [x, y, width, height] = ["x", "y", "width", "height"].map(|name| number(node, name));
        let place = self.place.pre_translate(x, y);
        let place = place.pre_scale(width / png.width() as f32, height / png.height() as f32);
        let paint = PixmapPaint { quality: FilterQuality::Bilinear, ..PixmapPaint::default() };
        self.pixmap.draw_pixmap(0, 0, png.as_ref(), &paint, place, None);
        Ok(())
    }

    fn encode(self) -> Result<Vec<u8>> {
        let (width, height) = (self.pixmap.width(), self.pixmap.height());
        let opaque = self.pixmap.pixels().iter().flat_map(|p| [p.red(), p.green(), p.blue()]).collect();
        png(&RgbImage::from_raw(width, height, opaque).expect("three values a pixel"))
    }
}

fn pixmap(picture: &RgbImage) -> Option<Pixmap> {
    let opaque = picture.pixels().flat_map(|pixel| [pixel.0[0], pixel.0[1], pixel.0[2], u8::MAX]).collect();
    Pixmap::from_vec(opaque, IntSize::from_wh(picture.width(), picture.height())?)
}

/// A number of an attribute; 0 where there is none.
fn number(node: Node, name: &str) -> f32 {
    node.attribute(name).and_then(|value| value.parse().ok()).unwrap_or(0.0)
}

/// `x,y x,y ...`
fn points(node: Node) -> Vec<(f32, f32)> {
    let pair = |pair: &str| pair.split_once(',').and_then(|(x, y)| Some((x.parse().ok()?, y.parse().ok()?)));
    node.attribute("points").unwrap_or_default().split_whitespace().filter_map(pair).collect()
}

fn polyline(points: &[(f32, f32)]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (number, &(x, y)) in points.iter().enumerate() {
        if number == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
    }
    path.finish()
}

fn rectangle(node: Node) -> Option<Path> {
    let [x, y, width, height] = ["x", "y", "width", "height"].map(|name| number(node, name));
    Rect::from_xywh(x, y, width, height).map(PathBuilder::from_rect)
}

/// `rotate(degrees x y)` or `translate(x y)`, or nothing.
fn moved(node: Node) -> Transform {
    let (how, inside) = node.attribute("transform").and_then(|how| how.split_once('(')).unwrap_or_default();
    let inside = inside.trim_end_matches(')').split_whitespace();
    let numbers: Vec<f32> = inside.filter_map(|number| number.parse().ok()).collect();
    match (how, &numbers[..]) {
        ("rotate", &[degrees, x, y]) => Transform::from_rotate_at(degrees, x, y),
        ("translate", &[x, y]) => Transform::from_translate(x, y),
        _ => Transform::identity(),
    }
}

fn paint(colour: Color) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(colour);
    paint
}

fn stroke(style: &Style) -> Stroke {
    let (line_cap, line_join) =
        if style.round { (LineCap::Round, LineJoin::Round) } else { (LineCap::Butt, LineJoin::Miter) };
    let dash = StrokeDash::new(style.dashes.clone(), 0.0);
    Stroke { width: style.stroke_width, line_cap, line_join, dash, ..Stroke::default() }
}

#[cfg(test)]
mod tests {
    use super::super::svg::line_chart;
    use super::*;
    use crate::page::{Axis, Chart, Series};

    fn pixels(png: &[u8]) -> RgbImage {
        image::load_from_memory_with_format(png, ImageFormat::Png).unwrap().to_rgb8()
    }

    fn drawn(body: &str) -> RgbImage {
        pixels(&to_png(&format!("<svg width=\"20\" height=\"10\">{body}</svg>"), 2.0).unwrap())
    }

    #[test]
    fn shapes_have_the_colours_of_the_style_sheet_and_lie_where_they_should() {
        let picture = drawn(r#"<rect class="hit" x="0" y="0" width="5" height="5" fill-opacity="1"/>"#);
        assert_eq!(picture.dimensions(), (40, 20));
        assert_eq!((picture.get_pixel(5, 5).0, picture.get_pixel(12, 5).0), ([0x0b, 0x6b, 0xb0], [255; 3]));
        let line = drawn(r#"<line class="line d0 c2" x1="0" x2="20" y1="5" y2="5"/>"#);
        assert_eq!((line.get_pixel(20, 10).0, line.get_pixel(20, 2).0), ([0xd1, 0x59, 0x0a], [255; 3]));
        let faint = drawn(r#"<rect class="hit" x="0" y="0" width="5" height="5" fill-opacity="0"/>"#);
        assert_eq!(faint.get_pixel(5, 5).0, [255; 3]);
    }

    #[test]
    fn text_is_anchored_and_turned() {
        let ink = |picture: &RgbImage, columns: std::ops::Range<u32>| {
            columns
                .flat_map(|x| (0..20).map(move |y| (x, y)))
                .filter(|&(x, y)| picture.get_pixel(x, y).0 != [255; 3])
                .count()
        };
        let start = drawn(r#"<text x="10" y="9">i</text>"#);
        let end = drawn(r#"<text x="10" y="9" text-anchor="end">i</text>"#);
        assert!(ink(&start, 0..20) == 0 && ink(&start, 20..40) > 0);
        assert!(ink(&end, 0..20) > 0 && ink(&end, 20..40) == 0);
        let over = drawn(r#"<text x="10" y="5" transform="rotate(180 10 5)">i</text>"#);
        assert!(ink(&over, 0..20) > 0 && ink(&over, 20..40) == 0);
    }

    #[test]
    fn the_charts_of_a_page_can_be_drawn() {
        let chart = Chart::new("loss", Axis::new("step"), Axis::new("loss"))
            .with(Series::new("<a>", [(0.0, 1.0), (1.0, f64::NAN), (2.0, 3.0)]))
            .with_reference("chance", 0.5);
        let classes = ["時間".to_owned(), "b\u{1}".to_owned()];
        for svg in [
            line_chart(&chart),
            line_chart(&Chart { series: vec![], ..chart }),
            heat_map(&classes, &[vec![3, 1], vec![0, 0]]),
        ] {
            assert!(pixels(&to_png(&svg.0, 1.0).unwrap()).pixels().any(|pixel| pixel.0 != [255; 3]));
        }
    }

    #[test]
    fn what_is_no_such_drawing_is_refused() {
        for (svg, expected) in [
            ("<svg", "a drawing in SVG"),
            ("<svg width=\"1\" height=\"1\"><ellipse/></svg>", "lines, boxes, dots and text"),
            ("<svg width=\"1\" height=\"1\"><image href=\"/etc/x.png\"/></svg>", "a picture that lies in the drawing"),
            ("<svg width=\"1e9\" height=\"1\"/>", "16384 pixels"),
            ("<svg/>", "16384 pixels"),
        ] {
            let error = to_png(svg, 1.0).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
