use image::RgbImage;
use image::imageops::{FilterType, resize};

/// Room around everything.
pub const MARGIN: u32 = 16;
/// Room for the words to the left of the frames.
pub const LABELS: u32 = 172;
/// Room for the scale of colours to their right.
pub const SCALE: u32 = 76;
/// Room between frames.
pub const GAP: u32 = 4;
/// Height of the title and of the frames' numbers.
pub const HEAD: u32 = 58;
/// Height of the bars of attention.
pub const CURVE: u32 = 104;

/// Where the parts of a strip lie, in pixels.
pub struct Sheet {
    /// How many frames stand side by side.
    pub frames: u32,
    /// Width of each.
    pub frame_width: u32,
    /// Height of each.
    pub frame_height: u32,
    /// Width of the whole.
    pub width: u32,
    /// Height of the whole.
    pub height: u32,
}

impl Sheet {
    /// The sheet for a clip of which each frame takes `frame_width` pixels, or as many as are legible, in so many rows.
    pub fn new(clip: &[RgbImage], frame_width: Option<u32>, rows: u32) -> Self {
        let frames = clip.len() as u32;
        let frame_width = frame_width.unwrap_or_else(|| shared_width(frames)).max(8);
        let shape = f64::from(clip[0].height()) / f64::from(clip[0].width());
        let frame_height = (f64::from(frame_width) * shape).round().clamp(8.0, 4096.0) as u32;
        Self {
            frames,
            frame_width,
            frame_height,
            width: 2 * MARGIN + LABELS + frames * (frame_width + GAP) + SCALE,
            height: HEAD + rows * (frame_height + GAP) + CURVE + MARGIN,
        }
    }

    /// Left edge of a frame.
    pub fn left(&self, frame: u32) -> u32 {
        MARGIN + LABELS + frame * (self.frame_width + GAP)
    }

    /// A frame in the size it is shown in.
    pub fn fit(&self, frame: &RgbImage) -> RgbImage {
        resize(frame, self.frame_width, self.frame_height, FilterType::Triangle)
    }
}

/// About 900 pixels for all frames, more where frames would become too small to see: a strip wider than a page is shrunk
/// with its text.
fn shared_width(frames: u32) -> u32 {
    (900 / frames).max((1600 / frames).min(72)).clamp(40, 160)
}
