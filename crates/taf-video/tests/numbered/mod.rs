//! Pictures that carry their own number, so that a test can tell which frame came back after any lossy codec.

#![allow(dead_code)] // no test that shares this file needs all of it

use std::io::Write as _;
use std::path::Path;

use taf_video::{EncodeOptions, Frame, VideoWriter};

pub const WIDTH: usize = 64;
pub const HEIGHT: usize = 48;
const BITS: usize = 8;
const BLOCK: usize = WIDTH / BITS;

/// A soft gradient that moves with the number; below it the number in black and white blocks, the lowest bit at the left.
pub fn numbered_frame(number: usize) -> Frame {
    let mut data = Vec::with_capacity(WIDTH * HEIGHT * 3);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let lit = number >> (x / BLOCK) & 1 == 1;
            let grey = if lit { 235 } else { 20 };
            let moving = [(x * 3 + number * 2) % 200 / 2 + 60, y * 2 + 50, (x + y) / 2 + 80].map(|value| value as u8);
            data.extend(if y < HEIGHT / 2 { moving } else { [grey; 3] });
        }
    }
    Frame::new(WIDTH, HEIGHT, data)
}

/// The number a frame carries.
pub fn number_of(frame: &Frame) -> usize {
    let y = frame.height() * 3 / 4;
    let bit = |bit: usize| usize::from(frame.pixel(bit * BLOCK + BLOCK / 2, y)[1] > 128) << bit;
    (0..BITS).map(bit).sum()
}

/// Writes frames 0, 1, ... as a video of 25 frames a second.
pub fn write_numbered(path: &Path, frames: usize, options: &EncodeOptions) {
    let mut writer = VideoWriter::create(path, WIDTH, HEIGHT, 25.0, options).unwrap();
    (0..frames).for_each(|number| writer.push(&numbered_frame(number)).unwrap());
    writer.finish().unwrap();
}

/// Says what a test leaves out, past the test runner's capture: a check that did not run must be seen.
pub fn skipped(what: &str) {
    let mut past_the_capture = std::io::stderr();
    writeln!(past_the_capture, "skipped {what}").unwrap();
}
