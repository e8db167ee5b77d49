//! H.264 in the packets of a network, of which some do not arrive: RFC 6184, non-interleaved mode.
//!
//! A NAL unit that fits is one packet, another one is cut into fragmentation units (FU-A). Parameter sets travel apart from the
//! stream, as session descriptions carry them. A receiver has of a cut unit what came before the first lost fragment, which
//! FFmpeg's decoder can make use of, and nothing of a unit that lost its first.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Bytes of NAL units in a packet.
pub const PAYLOAD: usize = 1400;
/// FU indicator and FU header, which stand in the payload.
const FRAGMENT_HEADER: usize = 2;
const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// A line that loses packets.
pub struct Line {
    share: f64,
    rng: ChaCha8Rng,
    pub sent: usize,
    pub lost: usize,
}

impl Line {
    /// A line that loses `share` of its packets, each by a draw of its own.
    pub fn new(share: f64, rng: ChaCha8Rng) -> Self {
        Self { share, rng, sent: 0, lost: 0 }
    }

    /// What arrives of an access unit in byte stream format; empty where nothing does.
    pub fn send(&mut self, access_unit: &[u8]) -> Vec<u8> {
        let mut arrived = Vec::with_capacity(access_unit.len());
        for unit in nal_units(access_unit) {
            let received = self.received(unit);
            if received > 0 {
                arrived.extend(START_CODE);
                arrived.extend(&unit[..received]);
            }
        }
        arrived
    }

    /// How many bytes of a NAL unit are received, from its first on.
    fn received(&mut self, unit: &[u8]) -> usize {
        if unit.len() <= PAYLOAD {
            return if self.arrives() { unit.len() } else { 0 };
        }
        let fragment = PAYLOAD - FRAGMENT_HEADER;
        // The unit's own first byte is made again from the headers of a fragment.
        let fragments = (unit.len() - 1).div_ceil(fragment);
        let arrivals: Vec<bool> = (0..fragments).map(|_| self.arrives()).collect();
        match arrivals.iter().take_while(|&&arrived| arrived).count() {
            0 => 0,
            whole => unit.len().min(1 + whole * fragment),
        }
    }

    fn arrives(&mut self) -> bool {
        let lost = self.rng.random_range(0.0..1.0) < self.share;
        self.sent += 1;
        self.lost += usize::from(lost);
        !lost
    }
}

/// The NAL units of a byte stream (Annex B of H.264), without start codes.
fn nal_units(stream: &[u8]) -> Vec<&[u8]> {
    let is_start = |&at: &usize| stream[at..].starts_with(&[0, 0, 1]);
    let starts: Vec<usize> = (0..stream.len()).filter(is_start).collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    let unit = |(start, end): (&usize, usize)| {
        let unit = &stream[start + 3..end];
        // Zeros at the end belong to the next start code: no unit ends in one.
        &unit[..unit.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1)]
    };
    starts.iter().zip(ends).map(unit).filter(|unit| !unit.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    fn line(share: f64) -> Line {
        Line::new(share, Seed::new(4).rng())
    }

    #[test]
    fn units_are_found_behind_short_and_long_start_codes() {
        let stream = [0, 0, 0, 1, 0x65, 7, 0, 0, 1, 0x41, 0, 3, 0, 0, 0, 1, 9];
        assert_eq!(nal_units(&stream), [&[0x65, 7][..], &[0x41, 0, 3], &[9]]);
        assert!(nal_units(&[1, 2, 3]).is_empty());
        assert_eq!(line(0.0).send(&stream), [0, 0, 0, 1, 0x65, 7, 0, 0, 0, 1, 0x41, 0, 3, 0, 0, 0, 1, 9]);
    }

    #[test]
    fn a_cut_unit_is_what_came_before_the_first_loss() {
        let unit: Vec<u8> = (0..10 * PAYLOAD).map(|at| (at % 250 + 1) as u8).collect();
        let stream = [&START_CODE[..], &unit].concat();
        let mut line = line(0.1);
        let lengths: Vec<usize> = (0..200).map(|_| line.send(&stream).len()).collect();
        assert_eq!(line.sent, 200 * 11);
        let whole = |len: usize| len == 0 || len == stream.len() || (len - 5).is_multiple_of(PAYLOAD - 2);
        assert!(lengths.iter().all(|&len| whole(len)));
        // 0.9^11 of 200 arrive whole and a tenth not at all; both within three deviations.
        let count = |wanted: usize| lengths.iter().filter(|&&len| len == wanted).count();
        assert!((42..84).contains(&count(stream.len())) && (8..33).contains(&count(0)), "{lengths:?}");
    }

    #[test]
    fn the_stated_share_is_lost_and_what_is_lost_stays_lost_at_a_higher_one() {
        let packet = [0, 0, 1, 0x41, 7];
        let lost = |share: f64| {
            let mut line = line(share);
            let lost: Vec<bool> = (0..20_000).map(|_| line.send(&packet).is_empty()).collect();
            assert_eq!((line.sent, line.lost), (20_000, lost.iter().filter(|&&lost| lost).count()));
            lost
        };
        let at = [0.01, 0.06].map(lost);
        for (lost, expected) in at.iter().zip([200.0, 1200.0]) {
            let count = lost.iter().filter(|&&lost| lost).count() as f64;
            assert!((count - expected).abs() < 3.0 * expected.sqrt(), "{count} of {expected}");
        }
        assert!(at[0].iter().zip(&at[1]).all(|(fewer, more)| *more || !fewer));
    }
}
