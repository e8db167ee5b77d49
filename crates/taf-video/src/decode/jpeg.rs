//! Whether a JPEG file is all there. Decoders fill what is missing with grey and say nothing.

const START: u8 = 0xd8;
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;

/// Whether the picture that begins the file comes to its end mark. What follows it is of no interest.
pub(super) fn is_whole(file: &[u8]) -> bool {
    let mut at = 0;
    while let Some((marker, after)) = next_marker(file, at) {
        at = match marker {
            END => return true,
            START | 0x01 | 0xd0..=0xd7 => after,
            SCAN => end_of_scan(file, after + length_at(file, after)),
            _ => after + length_at(file, after),
        };
    }
    false
}

/// The marker at or after a place, and where what belongs to it begins.
fn next_marker(file: &[u8], from: usize) -> Option<(u8, usize)> {
    let rest = file.get(from..)?;
    let place = rest.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xff))?;
    Some((rest[place + 1], from + place + 2))
}

/// The length of a segment, which counts its own two bytes.
fn length_at(file: &[u8], at: usize) -> usize {
    file.get(at..at + 2).map_or(usize::MAX / 2, |bytes| usize::from(u16::from_be_bytes([bytes[0], bytes[1]])).max(2))
}

/// Where the first marker after the packed pixels stands; restart markers are part of them.
fn end_of_scan(file: &[u8], mut at: usize) -> usize {
    while let Some((marker, after)) = next_marker(file, at) {
        if !matches!(marker, 0xd0..=0xd7) {
            return after - 2;
        }
        at = after;
    }
    file.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Start, a table whose bytes look like an end mark, a scan with a stuffed byte and a restart, end.
    const PICTURE: [u8; 23] =
        [0xff, 0xd8, 0xff, 0xdb, 0, 4, 0xff, 0xd9, 0xff, 0xda, 0, 3, 1, 7, 0xff, 0, 9, 0xff, 0xd0, 5, 5, 0xff, 0xd9];

    #[test]
    fn a_picture_is_whole_with_its_end_mark_and_only_then() {
        assert!(is_whole(&PICTURE));
        assert!(is_whole(&[&PICTURE[..], b"padding"].concat()));
        for length in 0..PICTURE.len() {
            assert!(!is_whole(&PICTURE[..length]), "{length} bytes");
        }
    }
}
