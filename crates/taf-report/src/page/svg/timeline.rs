use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::RgbImage;
use maud::{Markup, html};

use super::scale::Scale;
use super::{at, coloured_legend, drawing, nothing, vertical_axis, vertical_title};

/// The probability of a class over seconds.
pub struct Curve {
    /// The class.
    pub name: String,
    /// Seconds and probabilities.
    pub points: Vec<(f64, f64)>,
}

/// Most classes that have a colour of their own; the first colour is that of all others.
pub const MOST_CURVES: usize = 5;

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = WIDTH - 16.0;
/// Heights of the curves, of the bands under them, and of the frames under those.
const CURVES: f64 = 190.0;
const BANDS: f64 = 16.0;
const FRAMES: f64 = 72.0;
const GAP: f64 = 10.0;
/// Room for the seconds under the curves.
const SECONDS: f64 = 22.0;
/// Most points of a curve.
const MOST_POINTS: usize = 600;
/// Seconds between marks, of which the first that makes few enough is taken.
const STEPS: [f64; 19] = [
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0,
    43_200.0,
];
const MOST_MARKS: f64 = 10.0;

/// Curves of a video of `end` seconds, under them bands `(start, end, curve)` in their colours or grey, under these
/// frames side by side, as PNG files with their sides.
pub fn timeline(
    title: &str,
    end: f64,
    curves: &[Curve],
    bands: &[(f64, f64, Option<usize>)],
    frames: &[(Vec<u8>, (u32, u32))],
) -> Markup {
    if bands.is_empty() || end <= 0.0 {
        return nothing(title);
    }
    let others = bands.iter().any(|band| band.2.is_none()).then_some((0, "other classes"));
    let named = curves.iter().enumerate().map(|(number, curve)| (number + 1, curve.name.as_str()));
    let (legend, legend_height) = coloured_legend(&named.chain(others).collect::<Vec<_>>(), LEFT, RIGHT, 40.0, None);
    let top = 40.0 + legend_height;
    let bottom = top + CURVES;
    let bands_top = bottom + SECONDS + GAP;
    let frames_top = bands_top + BANDS + GAP;
    let (x, y) = (Scale::exact(0.0, end, 8, LEFT, RIGHT), Scale::exact(0.0, 1.0, 5, bottom, top));
    let body = html! {
        text class="heading" x=(at(LEFT)) y="18" { (title) }
        (legend)
        (vertical_axis(&y, LEFT, RIGHT, ""))
        (vertical_title("probability", (top + bottom) / 2.0))
        (seconds_axis(&x, end, bottom))
        @for (number, curve) in curves.iter().enumerate() { (polyline(curve, number + 1, &x, &y)) }
        @for (start, end, curve) in bands { (band(&x, *start, *end, curve.map_or(0, |curve| curve + 1), bands_top)) }
        @for (number, (png, sides)) in frames.iter().enumerate() { (picture(png, *sides, number, frames, frames_top)) }
    };
    drawing(WIDTH, frames_top + FRAMES + GAP, title, body)
}

/// Of frames with their times those that stand side by side under a video of `end` seconds: where each stands is when it is
/// shown.
pub fn chosen_frames(end: f64, frames: &[(f64, RgbImage)]) -> Vec<&RgbImage> {
    let Some((_, first)) = frames.first() else { return Vec::new() };
    let places = (((RIGHT - LEFT) / shown_width(first.dimensions())).floor() as usize).clamp(1, 16);
    let nearest = |place: usize| {
        let secs = (place as f64 + 0.5) / places as f64 * end;
        frames.iter().min_by(|a, b| (a.0 - secs).abs().total_cmp(&(b.0 - secs).abs()))
    };
    (0..places).filter_map(nearest).map(|(_, frame)| frame).collect()
}

/// Width of a frame that is as high as all are.
fn shown_width((width, height): (u32, u32)) -> f64 {
    f64::from(width.max(1)) / f64::from(height.max(1)) * FRAMES
}

fn seconds_axis(x: &Scale, end: f64, bottom: f64) -> Markup {
    let step = STEPS.into_iter().find(|step| end / step <= MOST_MARKS).unwrap_or(86_400.0);
    let marks = (0..=(end / step + 1e-9).floor() as usize).map(|mark| mark as f64 * step);
    html! {
        line class="axis" x1=(at(LEFT)) x2=(at(RIGHT)) y1=(at(bottom)) y2=(at(bottom)) {}
        @for secs in marks {
            text class="tick" x=(at(x.place(secs))) y=(at(bottom + 18.0)) text-anchor="middle" { (clock(secs, step)) }
        }
    }
}

/// `1:05:09`, `5:09`, or `9.5` where less than a second lies between marks.
fn clock(secs: f64, step: f64) -> String {
    if step < 1.0 {
        return format!("{secs:.1}");
    }
    let whole = secs.round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

fn polyline(curve: &Curve, colour: usize, x: &Scale, y: &Scale) -> Markup {
    let run = curve.points.len().div_ceil(MOST_POINTS).max(1);
    let mean = |points: &[(f64, f64)]| {
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
        format!("{},{}", at(x.place(mean(|point| point.0))), at(y.place(mean(|point| point.1))))
    };
    let points: Vec<String> = curve.points.chunks(run).map(mean).collect();
    html! { polyline class={"line d0 c" (colour)} points=(points.join(" ")) {} }
}

fn band(x: &Scale, start: f64, end: f64, colour: usize, top: f64) -> Markup {
    let (left, right) = (x.place(start), x.place(end));
    html! { rect class={"bar c" (colour)} x=(at(left)) y=(at(top)) width=(at((right - left).max(0.5))) height=(at(BANDS)) {} }
}

fn picture(png: &[u8], sides: (u32, u32), number: usize, all: &[(Vec<u8>, (u32, u32))], top: f64) -> Markup {
    let place = (RIGHT - LEFT) / all.len() as f64;
    let width = shown_width(sides).min(place);
    let left = LEFT + place * (number as f64 + 0.5) - width / 2.0;
    html! {
        image x=(at(left)) y=(at(top)) width=(at(width)) height=(at(width / shown_width(sides) * FRAMES))
            href={"data:image/png;base64," (STANDARD.encode(png))} {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_stand_where_they_are_shown() {
        let frame = |number: u8| RgbImage::from_pixel(72, 72, image::Rgb([number; 3]));
        let frames: Vec<(f64, RgbImage)> = (0..100u8).map(|second| (f64::from(second) + 0.5, frame(second))).collect();
        let chosen: Vec<u8> = chosen_frames(100.0, &frames).iter().map(|frame| frame.get_pixel(0, 0).0[0]).collect();
        assert_eq!(chosen, [4, 12, 20, 29, 37, 45, 54, 62, 70, 79, 87, 95]);
        assert_eq!(chosen_frames(1.0, &frames[..1]).len(), 12, "a short video shows its only frame again");
    }

    #[test]
    fn marks_are_round_in_seconds_minutes_and_hours() {
        assert_eq!([clock(9.5, 0.5), clock(65.0, 5.0), clock(7265.0, 900.0)], ["9.5", "1:05", "2:01:05"]);
    }
}
