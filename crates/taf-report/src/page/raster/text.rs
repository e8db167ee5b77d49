use ab_glyph::{Font, OutlineCurve, Point, PxScale, ScaleFont};
use tiny_skia::{Path, PathBuilder};

use crate::page::canvas::{font, printable};

/// The outline of a line of text whose letters stand on y = 0 from x = 0 on, and its width; none of blanks.
pub fn outline(text: &str, size: f32) -> (Option<Path>, f32) {
    let font = font();
    let scaled = font.as_scaled(PxScale::from(size));
    let (mut path, mut x) = (PathBuilder::new(), 0.0);
    for letter in text.chars() {
        let id = font.glyph_id(printable(&font, letter));
        if let Some(outline) = font.outline(id) {
            // Font units to pixels; up is down.
            let place = |p: Point| (x + p.x * scaled.h_scale_factor(), -p.y * scaled.v_scale_factor());
            outline.curves.iter().for_each(|curve| add(&mut path, curve, place));
        }
        x += scaled.h_advance(id);
    }
    (path.finish(), x)
}

/// A contour is a row of curves, each from where the last one ended.
fn add(path: &mut PathBuilder, curve: &OutlineCurve, place: impl Fn(Point) -> (f32, f32)) {
    let start = place(match curve {
        OutlineCurve::Line(a, _) | OutlineCurve::Quad(a, ..) | OutlineCurve::Cubic(a, ..) => *a,
    });
    if path.last_point().is_none_or(|at| (at.x, at.y) != start) {
        path.move_to(start.0, start.1);
    }
    match *curve {
        OutlineCurve::Line(_, b) => {
            let (x, y) = place(b);
            path.line_to(x, y);
        }
        OutlineCurve::Quad(_, b, c) => {
            let ((x1, y1), (x, y)) = (place(b), place(c));
            path.quad_to(x1, y1, x, y);
        }
        OutlineCurve::Cubic(_, b, c, d) => {
            let ((x1, y1), (x2, y2), (x, y)) = (place(b), place(c), place(d));
            path.cubic_to(x1, y1, x2, y2, x, y);
        }
    }
}
