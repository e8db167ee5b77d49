use std::path::Path;

use ffmpeg_the_third as ffmpeg;

use ffmpeg::codec::{Context, decoder::Opened, threading};
use ffmpeg::{Packet, frame};

use super::encoder::Encoded;
use crate::decode::{Converter, Orientation, is_again};
use crate::{Error, Frame, Result};

/// Errors of the decoder in a row that are passed over before it is handed the next packet, and how often it is offered one.
const PATIENCE: usize = 16;

/// The pictures of a stream on show at some times, ascending. A picture that does not decode leaves the one before it on show;
/// before the first that does there is that one, and black where none does.
pub fn pictures(about: &Encoded, packets: &[Packet], times: &[usize], path: &Path) -> Result<Vec<Frame>> {
    let mut decoder = open(about).map_err(|error| Error::content(path, "a stream that decodes", error.to_string()))?;
    let mut show = Show { path, times, converter: None, on_show: None, last_time: -1, frames: Vec::new() };
    for packet in packets.iter().map(Some).chain([None]) {
        // A decoder that still holds something, because errors ended the wait for it, takes no packet before that is out.
        for _ in 0..PATIENCE {
            let is_full = is_full(&mut decoder, packet);
            drain(&mut decoder, &mut show)?;
            if !is_full {
                break;
            }
        }
        if show.is_over() {
            break;
        }
    }
    show.end(about)
}

/// Hands over a packet, or the news that there are no more; true where the decoder does not take it yet. What cannot be decoded is
/// concealed or missing, as with the `ffmpeg` program.
fn is_full(decoder: &mut Opened, packet: Option<&Packet>) -> bool {
    let sent = match packet {
        Some(packet) => decoder.send_packet(packet),
        None => decoder.send_eof(),
    };
    sent.err().is_some_and(is_again)
}

fn open(about: &Encoded) -> std::result::Result<Opened, ffmpeg::Error> {
    let mut context = Context::from_parameters(about.parameters.clone())?;
    // What a decoder makes of damage depends on its threads.
    context.set_threading(threading::Config::count(1));
    Ok(context.decoder().video()?.0)
}

fn drain(decoder: &mut Opened, show: &mut Show) -> Result<()> {
    let mut failures = 0;
    while failures < PATIENCE {
        let mut picture = frame::Video::empty();
        match decoder.receive_frame(&mut picture) {
            Ok(()) => {
                show.next(picture)?;
                failures = 0;
            }
            Err(ffmpeg::Error::Eof) => return Ok(()),
            Err(error) if is_again(error) => return Ok(()),
            Err(_) => failures += 1,
        }
    }
    Ok(())
}

/// What a viewer sees.
struct Show<'a> {
    path: &'a Path,
    times: &'a [usize],
    converter: Option<Converter>,
    on_show: Option<frame::Video>,
    last_time: i64,
    /// Of the first times.
    frames: Vec<Frame>,
}

impl Show<'_> {
    fn is_over(&self) -> bool {
        self.frames.len() == self.times.len()
    }

    fn next(&mut self, picture: frame::Video) -> Result<()> {
        let time = picture.pts().unwrap_or(self.last_time + 1);
        let before = self.times.partition_point(|&wanted| (wanted as i64) < time);
        if self.on_show.is_none() {
            self.on_show = Some(picture);
            self.show_until(before)?;
        } else {
            self.show_until(before)?;
            self.on_show = Some(picture);
        }
        self.last_time = time;
        Ok(())
    }

    /// The picture on show is that of the times before place `end`.
    fn show_until(&mut self, end: usize) -> Result<()> {
        let Some(picture) = self.on_show.as_ref().filter(|_| end > self.frames.len()) else { return Ok(()) };
        let converter = match &mut self.converter {
            Some(converter) => converter,
            none => none.insert(Converter::new(self.path, picture, Orientation::default())?),
        };
        let frame = converter.convert(self.path, picture)?;
        self.frames.resize(end, frame);
        Ok(())
    }

    fn end(mut self, about: &Encoded) -> Result<Vec<Frame>> {
        self.show_until(self.times.len())?;
        let (width, height) = (about.parameters.width() as usize, about.parameters.height() as usize);
        self.frames.resize(self.times.len(), Frame::filled(width, height, [0; 3]));
        Ok(self.frames)
    }
}
