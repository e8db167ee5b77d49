//! `taf perturb`.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use image::imageops::{FilterType, resize};
use image::{ImageFormat, RgbImage};
use serde::Serialize;
use taf::adversary::{Objective, TemporalAdversary};
use taf::evaluate::Explanation;
use taf_files::{Output, write_atomic};
use taf_video::{Clip, EncodeOptions, Frame, VideoWriter};

use crate::allowed;
use crate::clip::{ClipArgs, Numbers, Viewing};
use crate::exit::Status;
use crate::output;
use crate::words;

/// Write the temporal adversarial version of a video, and the difference as a picture
///
/// The frames the network looks at are perturbed by at most epsilon so that its temporal attention moves, and written without
/// loss. The change is too small to see; the picture shows it amplified.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  taf perturb clip.mp4 --run runs/base --out ta.mp4 --difference difference.png --set epsilon=0.0314")]
pub struct Args {
    #[command(flatten)]
    pub clip: ClipArgs,
    /// Video to write (.mp4, .mkv, .mov, .m4v, .avi)
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Picture of the amplified difference to write; grey is no change (.png)
    #[arg(long, value_name = "FILE")]
    pub difference: Option<PathBuf>,
}

/// Writes the temporal adversarial version of a video.
pub fn run(args: Args) -> Result<Status> {
    let video = Output::file("--out", &args.out, allowed::VIDEO);
    let difference = allowed::perhaps("--difference", args.difference.as_ref(), allowed::PICTURE);
    args.clip.reading().allows(&[&[video][..], difference.as_slice()].concat())?;
    let viewing = args.clip.read()?;
    let seen = viewing.explain()?;
    let perturbed = &seen.perturbed.clip;
    write_video(&args.out, perturbed, viewing.clip_fps)?;
    if let Some(path) = &args.difference {
        write_difference(path, &viewing.clip, perturbed)?;
    }
    let max_change = max_change(&viewing.clip, perturbed);
    let numbers = as_written(&viewing, seen)?;
    if args.clip.json {
        output::print_json(&Written { max_change, numbers })?;
    } else {
        output::print(&page(&args, &viewing, &numbers, max_change))?;
    }
    Ok(Status::Done)
}

/// What was written, for `--json`.
#[derive(Serialize)]
struct Written {
    /// Largest change of a value, on the 0-255 scale.
    max_change: u8,
    #[serde(flatten)]
    numbers: Numbers,
}

/// What the network makes of the clip before, and of the one that was written, rounded to 8 bits.
fn as_written(viewing: &Viewing, seen: Explanation) -> Result<Numbers> {
    let untouched = TemporalAdversary { objective: Objective::None, ..viewing.adversary.clone() };
    let rounded = viewing.explain_other(&seen.perturbed.clip, seen.class, untouched)?;
    Ok(viewing.numbers(&Explanation { perturbed: rounded.natural, ..seen }))
}

fn page(args: &Args, viewing: &Viewing, numbers: &Numbers, max_change: u8) -> String {
    let pictures = args.difference.as_ref().map_or(String::new(), |path| format!("difference  {}\n", path.display()));
    format!(
        "video       {} ({} frames of {}x{}, lossless)\n{pictures}\
         adversary   {}\n\
         max change  {max_change}/255\n\
         before      {}\n\
         after       {}\n\
         attention   for {:?}, moved by {:.2} of 1 (total variation)\n",
        args.out.display(),
        viewing.clip.len(),
        viewing.clip.width(),
        viewing.clip.height(),
        words::adversary(&viewing.adversary),
        numbers.natural.first(),
        numbers.perturbed.first(),
        numbers.class,
        numbers.attention_moved,
    )
}

fn write_video(path: &Path, clip: &Clip, fps: f64) -> Result<()> {
    let mut writer = VideoWriter::create(path, clip.width(), clip.height(), fps, &EncodeOptions::lossless())?;
    clip.frames().iter().try_for_each(|frame| writer.push(frame))?;
    Ok(writer.finish()?)
}

fn max_change(before: &Clip, after: &Clip) -> u8 {
    let frames = before.frames().iter().zip(after.frames());
    let changes = frames.flat_map(|(a, b)| a.data().iter().zip(b.data()).map(|(a, b)| a.abs_diff(*b)));
    changes.max().unwrap_or(0)
}

/// Frames are shown at least this wide.
const SHOWN_WIDTH: u32 = 160;

/// The frames' differences side by side, the largest change stretched to the ends of the scale, grey where there is none.
/// Small frames are enlarged by a whole number.
fn write_difference(path: &Path, before: &Clip, after: &Clip) -> Result<()> {
    let gain = 127.0 / f32::from(max_change(before, after).max(1));
    let (width, height) = (before.width() as u32, before.height() as u32);
    let mut picture = RgbImage::new(width * before.len() as u32, height);
    for (place, (a, b)) in before.frames().iter().zip(after.frames()).enumerate() {
        for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
            let colour = amplified(a, b, x as usize, y as usize, gain);
            picture.put_pixel(place as u32 * width + x, y, image::Rgb(colour));
        }
    }
    let times = SHOWN_WIDTH.div_ceil(width);
    let picture = resize(&picture, picture.width() * times, height * times, FilterType::Nearest);
    let mut png = Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png).context("cannot encode the difference")?;
    Ok(write_atomic(path, png.get_ref())?)
}

fn amplified(before: &Frame, after: &Frame, x: usize, y: usize, gain: f32) -> [u8; 3] {
    let (a, b) = (before.pixel(x, y), after.pixel(x, y));
    std::array::from_fn(|channel| {
        let change = f32::from(b[channel]) - f32::from(a[channel]);
        (128.0 + gain * change).round().clamp(0.0, 255.0) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_change_is_grey_and_the_largest_change_white_or_black() {
        let frame = |rgb| Frame::filled(1, 1, rgb);
        let (before, after) = (frame([100, 100, 100]), frame([100, 104, 96]));
        let clips = [before.clone(), after.clone()].map(|frame| Clip::new(vec![frame]));
        assert_eq!(max_change(&clips[0], &clips[1]), 4);
        assert_eq!(amplified(&before, &after, 0, 0, 127.0 / 4.0), [128, 255, 1]);
    }
}
