use std::io::Cursor;

use ab_glyph::{Font, FontRef, Glyph, PxScale, ScaleFont, point};
use image::{ImageFormat, Rgb, RgbImage};

use super::Result;

/// A picture being drawn: filled rectangles, other pictures, lines and text, in whole pixels from the top left.
pub struct Canvas {
    image: RgbImage,
    font: FontRef<'static>,
    /// Whether a letter was written that the font lacks.
    lacked: bool,
}

/// What stands for a letter that the font lacks: it has those of Latin, Greek and Cyrillic.
const SUBSTITUTE: char = '?';

/// A colour, 8 bits a channel.
pub type Colour = [u8; 3];

/// Where a text stands against its position.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// It begins there.
    Left,
    /// It is centred there.
    Centre,
}

impl Canvas {
    /// An empty picture of one colour.
    pub fn new(width: u32, height: u32, colour: Colour) -> Self {
        Self { image: RgbImage::from_pixel(width, height, Rgb(colour)), font: font(), lacked: false }
    }

    /// Whether a letter was written that the font lacks, in whose place a question mark stands.
    pub fn lacked_letters(&self) -> bool {
        self.lacked
    }

    /// Gives the picture away.
    pub fn into_image(self) -> RgbImage {
        self.image
    }

    /// Fills a rectangle; what lies outside the picture is not drawn.
    pub fn fill(&mut self, [left, top, width, height]: [u32; 4], colour: Colour) {
        for y in top..(top + height).min(self.image.height()) {
            for x in left..(left + width).min(self.image.width()) {
                self.image.put_pixel(x, y, Rgb(colour));
            }
        }
    }

    /// Puts another picture with its top left corner at (`left`, `top`).
    pub fn paste(&mut self, other: &RgbImage, left: u32, top: u32) {
        image::imageops::replace(&mut self.image, other, i64::from(left), i64::from(top));
    }

    /// A level dashed line.
    pub fn dashes(&mut self, left: u32, right: u32, y: u32, colour: Colour) {
        for x in (left..right).step_by(6) {
            self.fill([x, y, 3.min(right - x), 1], colour);
        }
    }

    /// Writes one line; `baseline` is the row its letters stand on.
    pub fn text(&mut self, text: &str, x: u32, baseline: u32, size: f32, align: Align, colour: Colour) {
        self.lacked |= text.chars().any(|c| lacks(&self.font, c));
        let width = self.text_width(text, size);
        let left = match align {
            Align::Left => x as f32,
            Align::Centre => x as f32 - width / 2.0,
        };
        for glyph in self.glyphs(text, size) {
            let position = glyph.position + point(left.round(), baseline as f32);
            self.glyph(Glyph { position, ..glyph }, colour);
        }
    }

    /// Width of a line in pixels.
    pub fn text_width(&self, text: &str, size: f32) -> f32 {
        let font = self.font.as_scaled(PxScale::from(size));
        text.chars().map(|c| font.h_advance(font.glyph_id(printable(&self.font, c)))).sum()
    }

    /// The text, shortened with an ellipsis where it is wider than `width` pixels.
    pub fn fitted(&self, text: &str, size: f32, width: u32) -> String {
        if self.text_width(text, size) <= width as f32 {
            return text.to_owned();
        }
        let mut kept: Vec<char> = text.chars().collect();
        loop {
            kept.pop();
            let shorter: String = kept.iter().chain(&['…']).collect();
            if kept.is_empty() || self.text_width(&shorter, size) <= width as f32 {
                return shorter;
            }
        }
    }

    fn glyphs(&self, text: &str, size: f32) -> Vec<Glyph> {
        let scale = PxScale::from(size);
        let font = self.font.as_scaled(scale);
        let mut x = 0.0;
        let place = |c: char| {
            let id = font.glyph_id(printable(&self.font, c));
            let glyph = id.with_scale_and_position(scale, point(x, 0.0));
            x += font.h_advance(id);
            glyph
        };
        text.chars().map(place).collect()
    }

    fn glyph(&mut self, glyph: Glyph, colour: Colour) {
        let Some(outline) = self.font.outline_glyph(glyph) else { return };
        let corner = outline.px_bounds().min;
        let image = &mut self.image;
        outline.draw(|dx, dy, coverage| {
            let (x, y) = (corner.x as i64 + i64::from(dx), corner.y as i64 + i64::from(dy));
            if (0..i64::from(image.width())).contains(&x) && (0..i64::from(image.height())).contains(&y) {
                let pixel = image.get_pixel_mut(x as u32, y as u32);
                pixel.0 = mix(pixel.0, colour, coverage);
            }
        });
    }
}

/// The font of all pictures.
pub fn font() -> FontRef<'static> {
    FontRef::try_from_slice(epaint_default_fonts::UBUNTU_LIGHT).expect("the embedded font is whole")
}

fn lacks(font: &impl Font, c: char) -> bool {
    !c.is_control() && font.glyph_id(c).0 == 0
}

/// A letter the font can show; control characters become spaces.
pub fn printable(font: &impl Font, c: char) -> char {
    match c {
        c if c.is_control() => ' ',
        c if lacks(font, c) => SUBSTITUTE,
        c => c,
    }
}

/// A picture as the bytes of a PNG file.
pub fn png(picture: &RgbImage) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

/// `share` of `over` upon `under`.
pub fn mix(under: Colour, over: Colour, share: f32) -> Colour {
    let share = share.clamp(0.0, 1.0);
    std::array::from_fn(|i| (f32::from(under[i]) * (1.0 - share) + f32::from(over[i]) * share).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: Colour = [255; 3];
    const BLACK: Colour = [0; 3];

    fn ink(canvas: &Canvas) -> usize {
        canvas.image.pixels().filter(|p| p.0 != WHITE).count()
    }

    #[test]
    fn a_rectangle_is_cut_at_the_edge() {
        let mut canvas = Canvas::new(4, 4, WHITE);
        canvas.fill([2, 2, 10, 10], BLACK);
        assert_eq!(ink(&canvas), 4);
    }

    #[test]
    fn text_leaves_ink_where_it_stands() {
        let mut canvas = Canvas::new(80, 20, WHITE);
        canvas.text("clip", 40, 14, 14.0, Align::Left, BLACK);
        assert!(ink(&canvas) > 20);
        assert!(canvas.image.enumerate_pixels().all(|(x, _, p)| x >= 39 || p.0 == WHITE));
    }

    #[test]
    fn text_off_the_picture_and_odd_letters_do_no_harm() {
        let mut canvas = Canvas::new(10, 10, WHITE);
        canvas.text("wide \u{1b} text 時間", 5, 500, 14.0, Align::Centre, BLACK);
        canvas.text("wide", 0, 0, 14.0, Align::Left, BLACK);
        assert_eq!(ink(&canvas), 0);
    }

    #[test]
    fn letters_that_the_font_lacks_are_question_marks_and_told_of() {
        let written = |text: &str| {
            let mut canvas = Canvas::new(80, 20, WHITE);
            canvas.text(text, 2, 14, 14.0, Align::Left, BLACK);
            (canvas.lacked_letters(), canvas.into_image())
        };
        let (lacked, boxes) = written("日本");
        assert!(lacked && boxes == written("??").1);
        assert!(!written("Größe, Ελλάς, Москва \t").0);
    }

    #[test]
    fn long_text_is_shortened_to_fit() {
        let canvas = Canvas::new(1, 1, WHITE);
        let short = canvas.fitted("a very long name of a class", 14.0, 80);
        assert!(short.ends_with('…') && canvas.text_width(&short, 14.0) <= 80.0, "{short}");
        assert_eq!(canvas.fitted("short", 14.0, 80), "short");
    }
}
