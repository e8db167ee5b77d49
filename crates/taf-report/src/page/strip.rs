use image::RgbImage;

use super::canvas::{Align, Canvas, Colour, mix, png};
use super::sheet::{CURVE, GAP, HEAD, LABELS, MARGIN, SCALE, Sheet};
use super::{ActivationMaps, Error, Result, turbo};
use crate::metrics::{effective_frames, total_variation};

/// A clip and what the network made of it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Name of its rows: "natural", "TA".
    pub name: &'a str,
    /// A few words under the name, such as the answer and its probability; may be empty.
    pub caption: &'a str,
    /// The frames the network saw, all of one size.
    pub frames: &'a [RgbImage],
    /// Where in it the class was argued for, one map a frame.
    pub maps: &'a ActivationMaps,
    /// Attention per frame, `[T]`, summing to 1.
    pub attention: &'a [f32],
}

/// A picture of where a network looks: the frames, their activation maps on one scale for everything shown, and the
/// attention under each frame; with a perturbed clip also its rows and the amplified difference, grey where there is none.
#[derive(Clone, Copy, Debug)]
pub struct Strip<'a> {
    /// Line at the top.
    pub title: &'a str,
    /// The clip as it is.
    pub natural: View<'a>,
    /// The perturbed clip, as long and as large.
    pub perturbed: Option<View<'a>>,
    /// Whether the second view is of the clip as it is too, by another network: then frames stand there once, and no difference.
    pub one_clip: bool,
    /// Width of a frame in the picture in pixels; none chooses one that keeps text legible on a page.
    pub frame_width: Option<u32>,
}

const PAPER: Colour = [255, 255, 255];
const INK: Colour = [26, 31, 39];
const SOFT: Colour = [91, 101, 115];
const NATURAL: Colour = [11, 107, 176];
const PERTURBED: Colour = [209, 89, 10];

const TEXT: f32 = 15.0;
const SMALL: f32 = 13.0;

impl Strip<'_> {
    /// Draws the picture.
    ///
    /// # Errors
    /// If the clips, maps and attention rows do not have the same number of frames, the clips differ in size, or an
    /// attention value is negative or not finite.
    pub fn draw(&self) -> Result<RgbImage> {
        self.check()?;
        let rows = match (self.perturbed, self.one_clip) {
            (None, _) => 2,
            (Some(_), true) => 3,
            (Some(_), false) => 5,
        };
        let sheet = Sheet::new(self.natural.frames, self.frame_width, rows);
        let mut canvas = Canvas::new(sheet.width, sheet.height, PAPER);
        self.head(&mut canvas, &sheet);
        let scale = self.views().map(|v| v.maps.max()).fold(0.0, f32::max);
        let top = match self.one_clip {
            true => self.networks(&mut canvas, &sheet, scale),
            false => self.clips(&mut canvas, &sheet, scale),
        };
        self.curve(&mut canvas, &sheet, top);
        if canvas.lacked_letters() {
            let note = "? stands for letters that this picture has no font for";
            canvas.text(note, MARGIN, sheet.height - 3, SMALL, Align::Left, SOFT);
        }
        Ok(canvas.into_image())
    }

    /// The picture as the bytes of a PNG file.
    ///
    /// # Errors
    /// As [`Self::draw`].
    pub fn to_png(&self) -> Result<Vec<u8>> {
        png(&self.draw()?)
    }

    /// Frames and maps of every clip, and their difference.
    fn clips(&self, canvas: &mut Canvas, sheet: &Sheet, scale: f32) -> u32 {
        let mut top = HEAD;
        for view in self.views() {
            top = frames_row(canvas, sheet, &view, [view.name, view.caption], top);
            top = maps_row(canvas, sheet, &view, ["evidence", evidence(scale)], scale, top);
        }
        match self.perturbed {
            None => top,
            Some(perturbed) => difference_row(canvas, sheet, self.natural.frames, perturbed.frames, top),
        }
    }

    /// The frames of the one clip, and the maps of every network.
    fn networks(&self, canvas: &mut Canvas, sheet: &Sheet, scale: f32) -> u32 {
        let mut top = frames_row(canvas, sheet, &self.natural, ["clip", "evidence below"], HEAD);
        for view in self.views() {
            top = maps_row(canvas, sheet, &view, [view.name, view.caption], scale, top);
        }
        top
    }

    fn views(&self) -> impl Iterator<Item = View<'_>> {
        std::iter::once(self.natural).chain(self.perturbed)
    }

    fn check(&self) -> Result<()> {
        let natural = self.natural.frames;
        for view in self.views() {
            if sizes(view.frames) != sizes(natural) {
                return Err(Error::content(sizes(natural), sizes(view.frames)));
            }
            if view.maps.time() != natural.len() {
                return Err(Error::content(format!("{} activation maps", natural.len()), view.maps.time()));
            }
            if view.attention.len() != natural.len() {
                return Err(Error::content(format!("{} attention values", natural.len()), view.attention.len()));
            }
            if let Some(value) = view.attention.iter().find(|a| !a.is_finite() || **a < 0.0) {
                return Err(Error::content("attention that is finite and not negative", value));
            }
        }
        Ok(())
    }

    fn head(&self, canvas: &mut Canvas, sheet: &Sheet) {
        let title = canvas.fitted(self.title, 18.0, sheet.width - 2 * MARGIN);
        canvas.text(&title, MARGIN, 26, 18.0, Align::Left, INK);
        for frame in 0..sheet.frames {
            let name = (frame + 1).to_string();
            canvas.text(&name, sheet.left(frame) + sheet.frame_width / 2, HEAD - 8, SMALL, Align::Centre, SOFT);
        }
        canvas.text("frame", MARGIN, HEAD - 8, SMALL, Align::Left, SOFT);
    }

    /// Attention as bars under the frames they belong to.
    fn curve(&self, canvas: &mut Canvas, sheet: &Sheet, top: u32) {
        let views: Vec<(View, Colour)> = self.views().zip([NATURAL, PERTURBED]).collect();
        let even = 1.0 / sheet.frames as f32;
        let most = views.iter().flat_map(|(v, _)| v.attention).copied().fold(even, f32::max);
        let (base, room) = (top + CURVE - 6, (CURVE - 30) as f32);
        let height = |share: f32| (share / most * room).round() as u32;
        let (start, end) = (sheet.left(0), sheet.left(sheet.frames - 1) + sheet.frame_width);
        canvas.dashes(start, end, base - height(even), SOFT);
        canvas.text("even", end + 8, base - height(even) + 4, SMALL, Align::Left, SOFT);
        let bar = (sheet.frame_width * 3 / 4 / views.len() as u32).max(1);
        for frame in 0..sheet.frames {
            let first = sheet.left(frame) + (sheet.frame_width - bar * views.len() as u32) / 2;
            for (number, (view, colour)) in views.iter().enumerate() {
                let (share, left) = (view.attention[frame as usize], first + bar * number as u32);
                let tall = height(share);
                canvas.fill([left, base - tall, bar.saturating_sub(1).max(1), tall], *colour);
                if bar >= 26 {
                    value(canvas, share, left + bar / 2, base - tall - 4, *colour);
                }
            }
        }
        canvas.fill([start, base, end - start, 1], SOFT);
        self.curve_legend(canvas, &views, top);
    }

    fn curve_legend(&self, canvas: &mut Canvas, views: &[(View, Colour)], top: u32) {
        canvas.text("attention", MARGIN, top + 18, TEXT, Align::Left, INK);
        for (number, (view, colour)) in views.iter().enumerate() {
            let y = top + 38 + 18 * number as u32;
            canvas.fill([MARGIN, y - 9, 9, 9], *colour);
            let words = format!("{}: {:.1} frames", view.name, effective_frames(view.attention));
            let words = canvas.fitted(&words, SMALL, LABELS - 18);
            canvas.text(&words, MARGIN + 14, y, SMALL, Align::Left, INK);
        }
        if let Some(perturbed) = self.perturbed {
            let moved =
                format!("moved {:.2} (total variation)", total_variation(self.natural.attention, perturbed.attention));
            canvas.text(&moved, MARGIN + 14, top + 74, SMALL, Align::Left, SOFT);
        }
    }
}

fn sizes(frames: &[RgbImage]) -> String {
    let first = frames.first().map_or((0, 0), RgbImage::dimensions);
    let other = frames.iter().map(RgbImage::dimensions).find(|size| *size != first);
    let other = other.map(|(width, height)| format!(", one of {width}x{height}")).unwrap_or_default();
    format!("{} frames of {}x{}{other}", frames.len(), first.0, first.1)
}

/// A share above its bar, on paper so that the line of even attention does not cross it.
fn value(canvas: &mut Canvas, share: f32, middle: u32, baseline: u32, colour: Colour) {
    canvas.fill([middle - 13, baseline - 10, 26, 11], PAPER);
    canvas.text(&format!("{share:.2}"), middle, baseline, SMALL, Align::Centre, colour);
}

fn label(canvas: &mut Canvas, sheet: &Sheet, top: u32, name: &str, caption: &str) {
    let middle = top + sheet.frame_height / 2;
    let first = if caption.is_empty() { middle + 5 } else { middle - 3 };
    for (text, size, y, colour) in [(name, TEXT, first, INK), (caption, SMALL, first + 17, SOFT)] {
        let text = canvas.fitted(text, size, LABELS - 8);
        canvas.text(&text, MARGIN, y, size, Align::Left, colour);
    }
}

fn frames_row(canvas: &mut Canvas, sheet: &Sheet, view: &View, [name, caption]: [&str; 2], top: u32) -> u32 {
    label(canvas, sheet, top, name, caption);
    for (number, frame) in view.frames.iter().enumerate() {
        canvas.paste(&sheet.fit(frame), sheet.left(number as u32), top);
    }
    top + sheet.frame_height + GAP
}

/// What the maps show of the class.
fn evidence(scale: f32) -> &'static str {
    if scale > 0.0 { "for the class" } else { "none is positive" }
}

/// The maps over the grey frames; `scale` is the value that gets the last colour.
fn maps_row(canvas: &mut Canvas, sheet: &Sheet, view: &View, [name, caption]: [&str; 2], scale: f32, top: u32) -> u32 {
    label(canvas, sheet, top, name, caption);
    for (number, frame) in view.frames.iter().enumerate() {
        let mut picture = sheet.fit(frame);
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            let across = (x as f32 + 0.5) / sheet.frame_width as f32;
            let down = (y as f32 + 0.5) / sheet.frame_height as f32;
            let value = view.maps.sample(number, across, down);
            pixel.0 = overlay(pixel.0, if scale > 0.0 { value / scale } else { 0.0 });
        }
        canvas.paste(&picture, sheet.left(number as u32), top);
    }
    colour_bar(canvas, sheet, scale, top);
    top + sheet.frame_height + GAP
}

/// The colour of `share` upon the grey of a pixel, stronger for more, so that the frame stays visible where nothing is.
fn overlay(pixel: Colour, share: f32) -> Colour {
    let share = share.clamp(0.0, 1.0);
    let grey = (0.299 * f32::from(pixel[0]) + 0.587 * f32::from(pixel[1]) + 0.114 * f32::from(pixel[2])).round() as u8;
    mix([grey; 3], turbo(share), 0.3 + 0.4 * share)
}

fn colour_bar(canvas: &mut Canvas, sheet: &Sheet, scale: f32, top: u32) {
    let left = sheet.left(sheet.frames) + 6;
    for row in 0..sheet.frame_height {
        let share = 1.0 - row as f32 / (sheet.frame_height - 1).max(1) as f32;
        canvas.fill([left, top + row, 10, 1], turbo(share));
    }
    let most = canvas.fitted(&three_digits(scale), SMALL, SCALE - 24);
    canvas.text(&most, left + 15, top + 11, SMALL, Align::Left, SOFT);
    canvas.text("0", left + 15, top + sheet.frame_height, SMALL, Align::Left, SOFT);
}

/// Three significant digits, as plain as they can be written.
fn three_digits(value: f32) -> String {
    match value {
        v if v <= 0.0 => "0".to_owned(),
        v if !(1e-3..1e5).contains(&v) => format!("{v:.1e}"),
        v => format!("{v:.*}", (2 - v.log10().floor() as i32).clamp(0, 5) as usize),
    }
}

/// What was added to the clip, times the largest whole factor that keeps it in range, around middle grey. With its sign:
/// a perturbation of the L-infinity ball takes all it may at nearly every pixel, and only its sign has a pattern.
fn difference_row(canvas: &mut Canvas, sheet: &Sheet, natural: &[RgbImage], perturbed: &[RgbImage], top: u32) -> u32 {
    let pairs = || natural.iter().zip(perturbed);
    let most = pairs().flat_map(|(a, b)| added(a, b)).map(i16::abs).max().unwrap_or(0);
    let factor = if most == 0 { 1 } else { (127 / most).max(1) };
    label(canvas, sheet, top, &format!("difference \u{d7}{factor}"), &format!("at most {most} of 255"));
    for (number, (a, b)) in pairs().enumerate() {
        let amplified = added(a, b).map(|d| (128 + d * factor).clamp(0, 255) as u8).collect();
        let amplified = RgbImage::from_raw(a.width(), a.height(), amplified).expect("as many values as the frame has");
        canvas.paste(&sheet.fit(&amplified), sheet.left(number as u32), top);
    }
    top + sheet.frame_height + GAP
}

fn added<'a>(natural: &'a RgbImage, perturbed: &'a RgbImage) -> impl Iterator<Item = i16> + 'a {
    natural.iter().zip(perturbed.iter()).map(|(&a, &b)| i16::from(b) - i16::from(a))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(colour: [u8; 3]) -> Vec<RgbImage> {
        vec![RgbImage::from_pixel(16, 16, image::Rgb(colour)); 2]
    }

    /// Nothing on the first frame; on the second nothing to the left and everything to the right.
    fn maps() -> ActivationMaps {
        ActivationMaps::new(2, 1, 2, vec![0.0, 0.0, 0.0, 4.0]).unwrap()
    }

    fn view<'a>(frames: &'a [RgbImage], maps: &'a ActivationMaps, attention: &'a [f32]) -> View<'a> {
        View { name: "natural", caption: "left 0.93", frames, maps, attention }
    }

    #[test]
    fn the_picture_has_the_size_and_the_colours_it_should() {
        let (natural, perturbed, maps) = (clip([100; 3]), clip([104, 100, 100]), maps());
        let strip = Strip {
            title: "a test",
            natural: view(&natural, &maps, &[0.5, 0.5]),
            perturbed: Some(view(&perturbed, &maps, &[1.0, 0.0])),
            one_clip: false,
            frame_width: Some(32),
        };
        let picture = strip.draw().unwrap();
        assert_eq!(picture.dimensions(), (2 * MARGIN + LABELS + 2 * 36 + SCALE, HEAD + 5 * 36 + CURVE + MARGIN));
        let left = MARGIN + LABELS;
        let at = |frame: u32, row: u32, x: u32| picture.get_pixel(left + frame * 36 + x, HEAD + row * 36 + 16).0;
        assert_eq!(at(0, 0, 16), [100; 3]);
        assert_eq!(at(0, 1, 16), overlay([100; 3], 0.0));
        assert_eq!(at(1, 1, 2), overlay([100; 3], 0.0));
        assert_eq!(at(1, 1, 30), overlay([100; 3], 1.0));
        assert_eq!(at(0, 2, 16), [104, 100, 100]);
        assert_eq!(at(0, 4, 16), [128 + 4 * 31, 128, 128]); // 31 is 127 / 4
        // The attention bars stand on the base line: natural to the left, perturbed, twice as tall, to the right.
        let base = HEAD + 5 * 36 + CURVE - 6;
        assert_eq!(picture.get_pixel(left + 6, base - 5).0, NATURAL);
        assert_eq!(picture.get_pixel(left + 18, base - 60).0, PERTURBED);
        assert_eq!(picture.get_pixel(left + 6, base - 60).0, PAPER);
    }

    #[test]
    fn one_scale_serves_both_clips() {
        let (natural, weak) = (clip([100; 3]), ActivationMaps::new(2, 1, 1, vec![1.0, 1.0]).unwrap());
        let strong = ActivationMaps::new(2, 1, 1, vec![4.0, 4.0]).unwrap();
        let strip = Strip {
            title: "",
            natural: view(&natural, &weak, &[0.5, 0.5]),
            perturbed: Some(view(&natural, &strong, &[0.5, 0.5])),
            one_clip: false,
            frame_width: Some(32),
        };
        let picture = strip.draw().unwrap();
        let pixel = |row: u32| picture.get_pixel(MARGIN + LABELS + 16, HEAD + row * 36 + 16).0;
        assert_eq!(pixel(1), overlay([100; 3], 0.25));
        assert_eq!(pixel(3), overlay([100; 3], 1.0));
    }

    #[test]
    fn two_networks_on_one_clip_show_its_frames_once_and_no_difference() {
        let (frames, maps) = (clip([100; 3]), maps());
        let strip = Strip {
            title: "",
            natural: view(&frames, &maps, &[0.5, 0.5]),
            perturbed: Some(view(&frames, &maps, &[1.0, 0.0])),
            one_clip: true,
            frame_width: Some(32),
        };
        let picture = strip.draw().unwrap();
        assert_eq!(picture.height(), HEAD + 3 * 36 + CURVE + MARGIN);
        let at = |row: u32| picture.get_pixel(MARGIN + LABELS + 36 + 30, HEAD + row * 36 + 16).0;
        assert_eq!([at(0), at(1), at(2)], [[100; 3], overlay([100; 3], 1.0), overlay([100; 3], 1.0)]);
    }

    #[test]
    fn a_clip_without_evidence_or_difference_is_drawn_too() {
        let (natural, none) = (clip([0; 3]), ActivationMaps::new(2, 1, 1, vec![-1.0, -2.0]).unwrap());
        let one = view(&natural, &none, &[0.0, 0.0]);
        let strip = Strip { title: "", natural: one, perturbed: Some(one), one_clip: false, frame_width: None };
        assert!(strip.to_png().unwrap().starts_with(b"\x89PNG"));
    }

    #[test]
    fn a_title_in_letters_that_the_font_lacks_is_told_of_under_the_picture() {
        let (natural, maps) = (clip([0; 3]), maps());
        let one = view(&natural, &maps, &[0.5, 0.5]);
        let drawn = |title| {
            Strip { title, natural: one, perturbed: None, one_clip: false, frame_width: Some(64) }.draw().unwrap()
        };
        let foot = |picture: &RgbImage| {
            let (width, height) = picture.dimensions();
            (0..width).any(|x| (height - 13..height - 3).any(|y| picture.get_pixel(x, y).0 != PAPER))
        };
        assert!(foot(&drawn("日本")) && !foot(&drawn("Japan")));
    }

    #[test]
    fn parts_that_do_not_fit_are_an_error() {
        let (natural, maps) = (clip([0; 3]), maps());
        let with =
            |view| Strip { title: "", natural: view, perturbed: None, one_clip: false, frame_width: None }.draw();
        assert!(with(view(&natural, &maps, &[0.5])).unwrap_err().to_string().contains("2 attention values, found 1"));
        assert!(with(view(&natural, &maps, &[0.5, f32::NAN])).is_err());
        let short = ActivationMaps::new(1, 1, 1, vec![0.0]).unwrap();
        assert!(with(view(&natural, &short, &[0.5, 0.5])).is_err());
    }
}
