//! The members of a tar file: a block of 512 bytes with name and size, then the contents in whole blocks.

use tar::{EntryType, Header};

const BLOCK: u64 = 512;

/// Bytes of what comes before the contents.
pub(super) const HEADER: u64 = BLOCK;

/// What ends a tar file.
pub(super) const END: [u8; 1024] = [0; 1024];

/// Bytes of a member with so many bytes of contents.
pub(super) fn span(bytes: u64) -> u64 {
    HEADER.saturating_add(bytes.checked_next_multiple_of(BLOCK).unwrap_or(u64::MAX))
}

/// Adds a member. The same name and contents always give the same bytes.
///
/// # Panics
/// If the name has more than 100 bytes.
pub(super) fn append(tar: &mut Vec<u8>, name: &str, contents: &[u8]) {
    let mut header = Header::new_ustar();
    header.set_path(name).expect("the names of members are short");
    header.set_entry_type(EntryType::Regular);
    header.set_size(contents.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_cksum();
    tar.extend(header.as_bytes());
    tar.extend(contents);
    tar.resize(tar.len().next_multiple_of(BLOCK as usize), 0);
}

/// The size of the contents that come after this header; `None` where it is none.
pub(super) fn size(header: &[u8; HEADER as usize]) -> Option<u64> {
    let header = Header::from_byte_slice(header);
    let is_ours = header.as_ustar().is_some() && header.entry_type() == EntryType::Regular;
    header.size().ok().filter(|_| is_ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_lie_in_whole_blocks_with_their_size_before_them() {
        let mut tar = Vec::new();
        for length in [0, 1, 511, 512, 513] {
            let start = tar.len();
            append(&mut tar, "00000007.0000.jpg", &vec![7; length]);
            assert_eq!((tar.len() - start) as u64, span(length as u64), "{length}");
            assert_eq!(size(tar[start..].first_chunk().unwrap()), Some(length as u64));
        }
        assert_eq!(size(&[0; 512]), None, "the end of a tar file is no member");
        assert_eq!(span(u64::MAX), u64::MAX, "a size that cannot be is no overflow");
    }
}
