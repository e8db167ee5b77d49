//! Which packets of H.264 hold a picture that no other is made from.

use ffmpeg_the_third as ffmpeg;

use ffmpeg::codec::ParametersRef;
use ffmpeg::ffi;

/// How the units of an H.264 packet are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NalUnits {
    /// The length comes first, in so many bytes: MP4 and Matroska.
    Length(usize),
    /// Each begins with the bytes 0, 0, 1: streams and AVI.
    StartCode,
}

/// Kinds of units, by the lower five bits of their first byte (ITU-T H.264, table 7-1).
const SLICE: u8 = 1;
const SUPPLEMENTAL: u8 = 6;
const DELIMITER: u8 = 9;
const FILLER: u8 = 12;

impl NalUnits {
    /// Those of a stream; `None` of other codecs.
    pub(super) fn of(parameters: &ParametersRef<'_>) -> Option<Self> {
        // SAFETY: the parameters are live; the extra data has the size stated, and none has size 0.
        unsafe {
            let about = &*parameters.as_ptr();
            let size = usize::try_from(about.extradata_size).unwrap_or(0);
            let extra = if size == 0 { &[][..] } else { std::slice::from_raw_parts(about.extradata, size) };
            (about.codec_id == ffi::AVCodecID::H264).then(|| Self::by_configuration(extra))
        }
    }

    /// A configuration record begins with its version, 1, and says in its fifth byte how long lengths are.
    fn by_configuration(extra: &[u8]) -> Self {
        match extra {
            [1, _, _, _, lengths, ..] => Self::Length(usize::from(lengths & 3) + 1),
            _ => Self::StartCode,
        }
    }

    /// Whether a packet is a picture no other refers to, and nothing else: without it, what comes after is decoded to the
    /// same pixels. False where it is not certain.
    pub(super) fn is_disposable(self, packet: &[u8]) -> bool {
        let Some(firsts) = self.first_bytes(packet) else { return false };
        let is_slice = |first: &u8| first & 0x1f == SLICE;
        let is_harmless = |first: &u8| match first & 0x1f {
            // How much it is referred to stands in two bits.
            SLICE => first >> 5 & 3 == 0,
            SUPPLEMENTAL | DELIMITER | FILLER => true,
            _ => false,
        };
        firsts.iter().any(is_slice) && firsts.iter().all(is_harmless)
    }

    /// The first byte of each unit; `None` where the lengths do not add up.
    fn first_bytes(self, packet: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Length(digits) => first_bytes_by_length(packet, digits),
            Self::StartCode => {
                let begins = packet.windows(4).filter(|bytes| bytes.starts_with(&[0, 0, 1]));
                Some(begins.map(|bytes| bytes[3]).collect())
            }
        }
    }
}

fn first_bytes_by_length(mut packet: &[u8], digits: usize) -> Option<Vec<u8>> {
    let mut firsts = Vec::new();
    while !packet.is_empty() {
        let (length, rest) = packet.split_at_checked(digits)?;
        let length = length.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
        let (unit, rest) = rest.split_at_checked(length)?;
        firsts.push(*unit.first()?);
        packet = rest;
    }
    Some(firsts)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A delimiter and two slices, referred to as much as `importance` says (0 to 3).
    fn packet(importance: u8) -> [Vec<u8>; 3] {
        [vec![9, 16], vec![importance << 5 | 1, 7, 7, 7], vec![importance << 5 | 1, 8]]
    }

    fn by_length(units: &[Vec<u8>]) -> Vec<u8> {
        units.iter().flat_map(|unit| [&[0, unit.len() as u8][..], unit].concat()).collect()
    }

    fn by_start_code(units: &[Vec<u8>]) -> Vec<u8> {
        units.iter().flat_map(|unit| [&[0, 0, 0, 1][..], unit].concat()).collect()
    }

    #[test]
    fn a_picture_is_disposable_where_none_of_its_slices_is_referred_to() {
        for importance in 0..4 {
            let units = packet(importance);
            assert_eq!(NalUnits::Length(2).is_disposable(&by_length(&units)), importance == 0);
            assert_eq!(NalUnits::StartCode.is_disposable(&by_start_code(&units)), importance == 0);
        }
        let mixed = [packet(0)[1].clone(), packet(1)[2].clone()];
        assert!(!NalUnits::Length(2).is_disposable(&by_length(&mixed)), "one slice is referred to");
    }

    #[test]
    fn a_packet_with_anything_else_in_it_is_kept() {
        for kind in [2, 5, 7, 8, 14, 20] {
            let mut units = packet(0).to_vec();
            units.push(vec![kind, 1]);
            assert!(!NalUnits::Length(2).is_disposable(&by_length(&units)), "kind {kind}");
        }
        assert!(!NalUnits::Length(2).is_disposable(&by_length(&packet(0)[..1])), "no picture at all");
        assert!(!NalUnits::Length(2).is_disposable(&[]));
    }

    #[test]
    fn a_packet_that_is_cut_anywhere_is_kept() {
        let whole = by_length(&packet(0));
        let first_slice_ends = 10;
        for length in (0..whole.len()).filter(|&length| length != first_slice_ends) {
            assert!(!NalUnits::Length(2).is_disposable(&whole[..length]), "{length} bytes");
        }
    }

    #[test]
    fn the_configuration_says_how_units_are_told_apart() {
        assert_eq!(NalUnits::by_configuration(&[1, 100, 0, 30, 0xff, 0xe1]), NalUnits::Length(4));
        assert_eq!(NalUnits::by_configuration(&[1, 100, 0, 30, 0xfd, 0xe1]), NalUnits::Length(2));
        assert_eq!(NalUnits::by_configuration(&[0, 0, 0, 1, 0x67]), NalUnits::StartCode);
        assert_eq!(NalUnits::by_configuration(&[]), NalUnits::StartCode);
    }
}
