//! Whether a container says that it is longer than its file, as after half a download. Demuxers take such an end for the
//! end of the video.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

/// Boxes of an MP4 file looked at; fragmented files have a pair for each second or so.
const MOST_BOXES: usize = 1 << 20;

/// Whether a Matroska, MP4 or AVI file ends before the length it states; false for other files, and where nothing is
/// stated.
pub(super) fn is_cut_short(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    let length = file.seek(SeekFrom::End(0))?;
    let Some(start) = bytes_at::<12>(file, 0)? else { return Ok(false) };
    let end = match &start {
        [0x1a, 0x45, 0xdf, 0xa3, ..] => end_of_segment(file)?,
        [b'R', b'I', b'F', b'F', size @ .., b'A', b'V', b'I', b' '] => end_of_riff(size),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => end_of_boxes(file, length)?,
        _ => None,
    };
    Ok(end.is_some_and(|end| end > length))
}

/// [`is_cut_short`] of a file by name.
pub(super) fn ends_early(path: &std::path::Path) -> io::Result<bool> {
    is_cut_short(&mut File::open(path)?)
}

/// The bytes at a place; `None` where the file is shorter.
fn bytes_at<const N: usize>(file: &mut (impl Read + Seek), at: u64) -> io::Result<Option<[u8; N]>> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(at))?;
    match file.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// Matroska: a header element, then the segment that holds everything.
fn end_of_segment(file: &mut (impl Read + Seek)) -> io::Result<Option<u64>> {
    let Some((header, after)) = element_size(file, 4)? else { return Ok(None) };
    let segment = after.saturating_add(header);
    if bytes_at(file, segment)? != Some([0x18, 0x53, 0x80, 0x67]) {
        return Ok(None);
    }
    Ok(element_size(file, segment + 4)?.map(|(size, after)| after.saturating_add(size)))
}

/// The size of an element and where its contents begin; `None` for a size that is not known, of a live recording.
fn element_size(file: &mut (impl Read + Seek), at: u64) -> io::Result<Option<(u64, u64)>> {
    let Some([first]) = bytes_at(file, at)? else { return Ok(None) };
    let length = first.leading_zeros() as usize + 1;
    if length > 8 {
        return Ok(None);
    }
    let mut bytes = vec![0; length];
    file.seek(SeekFrom::Start(at))?;
    if file.read_exact(&mut bytes).is_err() {
        return Ok(None);
    }
    let unknown = (1u64 << (7 * length)) - 1;
    let size = bytes.iter().fold(0, |size, &byte| size << 8 | u64::from(byte)) & unknown;
    Ok((size != unknown).then_some((size, at + length as u64)))
}

/// AVI: one list that holds everything, or the first gigabyte of it. Its last byte may be padding that is left out.
fn end_of_riff(size: &[u8]) -> Option<u64> {
    let size = u32::from_le_bytes(size.try_into().ok()?);
    (size != 0 && size != u32::MAX).then_some(8 + u64::from(size & !1))
}

/// MP4: boxes one after the other.
fn end_of_boxes(file: &mut (impl Read + Seek), length: u64) -> io::Result<Option<u64>> {
    let mut at = 0;
    for _ in 0..MOST_BOXES {
        let Some([a, b, c, d, name @ ..]) = bytes_at::<8>(file, at)? else { return Ok(None) };
        let size = match u64::from(u32::from_be_bytes([a, b, c, d])) {
            1 => bytes_at(file, at + 8)?.map_or(0, u64::from_be_bytes),
            size => size,
        };
        // To the end of the file, or bytes after the last box that are none.
        if size < 8 || !name.iter().all(u8::is_ascii_graphic) {
            return Ok(None);
        }
        at = at.saturating_add(size);
        if at > length {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Files of each kind, whole; all but the bytes of the last field may be missing.
    fn whole_files() -> [Vec<u8>; 3] {
        let matroska = [&[0x1a, 0x45, 0xdf, 0xa3, 0x82, 1, 2, 0x18, 0x53, 0x80, 0x67, 0x40, 20][..], &[7; 20]].concat();
        let avi = [&b"RIFF\x18\0\0\0AVI "[..], &[7; 20]].concat();
        let mp4 = [&b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x1cmdat"[..], &[7; 20]].concat();
        [matroska, avi, mp4]
    }

    #[test]
    fn a_file_that_ends_before_its_container_does_is_cut_short() {
        for file in whole_files() {
            assert!(!is_cut_short(&mut Cursor::new(&file)).unwrap(), "{file:?}");
            for missing in 2..20 {
                let part = &file[..file.len() - missing];
                assert!(is_cut_short(&mut Cursor::new(part)).unwrap(), "{missing} bytes of {file:?}");
            }
        }
    }

    #[test]
    fn what_states_no_length_or_has_bytes_behind_it_is_not() {
        let mut live = whole_files()[0].clone();
        live.splice(11..13, [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        assert!(!is_cut_short(&mut Cursor::new(&live[..live.len() - 5])).unwrap());
        for mut file in whole_files() {
            file.extend(b"\xff\xff\xff\xff\0\0\0\0 bytes behind the end");
            assert!(!is_cut_short(&mut Cursor::new(&file)).unwrap(), "{file:?}");
        }
        assert!(!is_cut_short(&mut Cursor::new(b"short")).unwrap());
    }
}
