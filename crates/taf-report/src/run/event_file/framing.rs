//! TFRecord: a file of records of bytes, each with its length and two checksums.
//!
//! ```text
//! u64 length, u32 checksum of the length, bytes, u32 checksum of the bytes        all little-endian
//! ```

use std::io::{self, ErrorKind, Read, Write};

/// What a checksum is moved by after it was turned, so that no checksum lies within what another is taken of.
const MASK_DELTA: u32 = 0xa282_ead8;

/// Longer records are no records: a picture has some hundred kilobytes.
const MOST_BYTES: u64 = 1 << 28;

/// The masked CRC-32C.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(MASK_DELTA).to_le_bytes()
}

/// Writes one record, in one piece.
pub fn write_record(file: &mut (impl Write + ?Sized), record: &[u8]) -> io::Result<()> {
    let length = (record.len() as u64).to_le_bytes();
    file.write_all(&[&length[..], &checksum(&length), record, &checksum(record)].concat())
}

/// What a record takes in the file, bytes.
pub fn framed_length(record: &[u8]) -> u64 {
    16 + record.len() as u64
}

/// Reads the next record; none at the end, and where what follows is broken, as after a kill.
pub fn read_record(file: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    match whole_record(file) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        read => read,
    }
}

fn whole_record(file: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut head = [0; 12];
    file.read_exact(&mut head)?;
    let (length, sum) = head.split_at(8);
    let bytes = u64::from_le_bytes(length.try_into().expect("8 bytes of 12"));
    if checksum(length) != *sum || bytes > MOST_BYTES {
        return Ok(None);
    }
    let mut record = vec![0; bytes as usize];
    file.read_exact(&mut record)?;
    let mut sum = [0; 4];
    file.read_exact(&mut sum)?;
    Ok((checksum(&record) == sum).then_some(record))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(records: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        records.iter().for_each(|record| write_record(&mut bytes, record).unwrap());
        bytes
    }

    fn read(mut bytes: &[u8]) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| read_record(&mut bytes).unwrap()).collect()
    }

    #[test]
    fn checksums_are_castagnolis_masked() {
        // RFC 3720, appendix B.4: 32 zero bytes have the CRC-32C 0x8a9136aa.
        let masked = 0x8a91_36aau32.rotate_right(15).wrapping_add(MASK_DELTA);
        assert_eq!(checksum(&[0; 32]), masked.to_le_bytes());
    }

    #[test]
    fn records_come_back_as_they_were_written() {
        let bytes = written(&[b"one", b"", b"three"]);
        assert_eq!(bytes.len(), 3 * 16 + 8);
        assert_eq!(read(&bytes), [&b"one"[..], b"", b"three"]);
    }

    #[test]
    fn reading_ends_where_a_record_is_broken_wherever_that_is() {
        let bytes = written(&[b"one", b"two"]);
        for end in 19..bytes.len() {
            assert_eq!(read(&bytes[..end]), [b"one"], "{end}");
        }
        for at in 19..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x40;
            assert_eq!(read(&damaged), [b"one"], "{at}");
        }
    }
}
