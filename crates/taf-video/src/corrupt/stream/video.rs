use std::path::Path;

use ffmpeg_the_third::Packet;

use super::encoder::{Codec, Encoded, Rate, StreamEncoder};
use super::noise::Noise;
use super::rtp::Line;
use super::{Damage, decoder};
use crate::corrupt::Severity;
use crate::decode::{ascending, check_indices, in_asked_order};
use crate::transform::{Area, crop, resize_short_side};
use crate::{Clip, Result, Seed, USUAL_FPS, VideoInfo, VideoSource};

/// Frames in memory while a video is encoded.
const AT_ONCE: usize = 32;
/// Larger videos are reduced to this short side first.
const SHORT_SIDE: usize = 256;
/// x264's own choice, at which streams that are damaged afterwards are encoded.
const USUAL_H264: Rate = Rate::Factor(23);
/// x265's own choice.
const USUAL_H265: Rate = Rate::Factor(28);
/// The least that encoders can be told.
const LEAST_BITS: usize = 1000;
/// The rates that encoders take.
const FPS: std::ops::RangeInclusive<f64> = 0.1..=240.0;

/// A video as it comes out of a damaged stream.
///
/// All of it is encoded when its first frame is asked for, and decoded for every [`read`](VideoSource::read). Held are the
/// compressed stream, 32 frames and what an encoder looks ahead, however long the video is. The whole frames are encoded,
/// before anything is cut out of them; where their short side is above 256 pixels they are reduced to it first, so that large
/// videos cost no more than others. Of odd sides the last pixel is cut off.
pub struct StreamedVideo<'a> {
    video: &'a mut dyn VideoSource,
    damage: Damage,
    severity: Severity,
    seed: Seed,
    info: VideoInfo,
    stream: Option<(Encoded, Vec<Packet>)>,
}

impl<'a> StreamedVideo<'a> {
    pub(in crate::corrupt) fn new(
        video: &'a mut dyn VideoSource,
        damage: Damage,
        severity: Severity,
        seed: Seed,
    ) -> Self {
        let info = shown_info(video.info(), damage);
        Self { video, damage, severity, seed, info, stream: None }
    }

    fn source_fps(&self) -> f64 {
        self.video.info().fps.unwrap_or(USUAL_FPS).clamp(*FPS.start(), *FPS.end())
    }

    /// For each frame of the stream the one of the source that it shows.
    fn frames(&mut self) -> Result<Vec<usize>> {
        let num_frames = self.video.num_frames()?;
        Ok(match self.damage {
            Damage::FrameRate(rates) => at_rate(num_frames, self.source_fps(), self.severity.of(rates)),
            _ => (0..num_frames).collect(),
        })
    }

    fn stream(&mut self) -> Result<&(Encoded, Vec<Packet>)> {
        if self.stream.is_none() {
            let encoded = self.encode()?;
            let packets = self.sent(&encoded.packets);
            self.stream = Some((encoded, packets));
        }
        Ok(self.stream.as_ref().expect("it was just made"))
    }

    fn encode(&mut self) -> Result<Encoded> {
        let (severity, fps) = (self.severity, self.source_fps());
        match self.damage {
            Damage::Factor(codec, factors) => self.encode_at(codec, Rate::Factor(severity.of(factors)), fps),
            Damage::Quantiser(codec, values) => self.encode_at(codec, Rate::Quantiser(severity.of(values)), fps),
            Damage::BitRate(codec, parts) => {
                let bits = self.source_bits(fps)? / severity.of(parts);
                self.encode_at(codec, Rate::Bits(bits.max(LEAST_BITS)), fps)
            }
            Damage::Noise(_) | Damage::Loss(_) => self.encode_at(self.damage.codec(), USUAL_H264, fps),
            Damage::FrameRate(rates) => self.encode_at(self.damage.codec(), USUAL_H265, severity.of(rates)),
        }
    }

    /// Bits per second of the video as [`Damage::SOURCE`] at its usual quality.
    fn source_bits(&mut self, fps: f64) -> Result<usize> {
        let encoded = self.encode_at(Damage::SOURCE, USUAL_H264, fps)?;
        let bytes: usize = encoded.packets.iter().map(Packet::size).sum();
        Ok((8.0 * bytes as f64 * fps / encoded.packets.len().max(1) as f64) as usize)
    }

    fn encode_at(&mut self, codec: Codec, rate: Rate, fps: f64) -> Result<Encoded> {
        let frames = self.frames()?;
        let mut encoder = None;
        for some in frames.chunks(AT_ONCE) {
            for frame in reduced(self.video.read(some)?).frames() {
                let encoder = match &mut encoder {
                    Some(encoder) => encoder,
                    none => none.insert(StreamEncoder::open(codec, rate, fps, (frame.width(), frame.height()))?),
                };
                encoder.push(frame)?;
            }
        }
        encoder.expect("a video has a frame").finish()
    }

    /// What arrives of the packets of the stream.
    fn sent(&self, packets: &[Packet]) -> Vec<Packet> {
        let spoiled = |change: &mut dyn FnMut(&[u8]) -> Vec<u8>| {
            let arrived = packets.iter().map(|packet| like(packet, &change(packet.data().unwrap_or_default())));
            arrived.filter(|packet| packet.size() > 0).collect()
        };
        match self.damage {
            Damage::Noise(amounts) => {
                let mut noise = Noise::new(self.severity.of(amounts));
                spoiled(&mut |data| {
                    let mut data = data.to_vec();
                    noise.spoil(&mut data);
                    data
                })
            }
            Damage::Loss(shares) => {
                let mut line = Line::new(self.severity.of(shares), self.seed.rng());
                spoiled(&mut |data| line.send(data))
            }
            _ => packets.to_vec(),
        }
    }
}

impl VideoSource for StreamedVideo<'_> {
    fn num_frames(&mut self) -> Result<usize> {
        Ok(self.frames()?.len())
    }

    fn read(&mut self, indices: &[usize]) -> Result<Clip> {
        let num_frames = self.num_frames()?;
        check_indices(self.video.path(), indices, num_frames)?;
        let (wanted, path) = (ascending(indices), self.video.path().to_owned());
        let (encoded, packets) = self.stream()?;
        let (width, height) = encoded.size;
        let frames = decoder::pictures(encoded, packets, &wanted, &path)?;
        Ok(crop(in_asked_order(indices, &wanted, frames), Area { x: 0, y: 0, width, height }))
    }

    fn info(&self) -> &VideoInfo {
        &self.info
    }

    fn path(&self) -> &Path {
        self.video.path()
    }
}

/// A packet of the same picture with other bytes.
fn like(packet: &Packet, data: &[u8]) -> Packet {
    let mut other = Packet::copy(data);
    other.set_pts(packet.pts());
    other.set_dts(packet.dts());
    other.set_flags(packet.flags());
    other
}

fn reduced(clip: Clip) -> Clip {
    if clip.width().min(clip.height()) > SHORT_SIDE { resize_short_side(clip, SHORT_SIDE) } else { clip }
}

/// Size and rate of what comes out. Where nobody says how fast the source is, the rate is not said either.
fn shown_info(source: &VideoInfo, damage: Damage) -> VideoInfo {
    let one = reduced(Clip::new(vec![crate::Frame::filled(source.width, source.height, [0; 3])]));
    let [(width, height), _] = damage.codec().sizes(one.width(), one.height());
    VideoInfo { width, height, ..source.clone() }
}

/// The frames that a video of `fps` shows at another rate, as FFmpeg's filter `fps` rounds: the last one whose time, in frames
/// of the new rate, is not later.
fn at_rate(num_frames: usize, fps: f64, rate: f64) -> Vec<usize> {
    let count = ((num_frames as f64 * rate / fps).round() as usize).max(1);
    let shown = |frame: usize| ((frame as f64 + 0.5) * fps / rate).ceil() as usize - 1;
    (0..count).map(|frame| shown(frame).min(num_frames - 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::at_rate;

    #[test]
    fn frames_of_another_rate_are_the_nearest_in_time() {
        assert_eq!(at_rate(12, 12.0, 6.0), [0, 2, 4, 6, 8, 10]);
        assert_eq!(at_rate(12, 12.0, 10.0).len(), 10);
        assert_eq!(at_rate(3, 10.0, 20.0), [0, 0, 1, 1, 2, 2]);
        assert_eq!(at_rate(1, 25.0, 2.0), [0]);
    }
}
