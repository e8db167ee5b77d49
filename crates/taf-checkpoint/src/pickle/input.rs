use std::io::{self, BufRead, Read};

use crate::error::{Fault, Result};

/// Texts beyond this are no names: they are skipped, so that they take no memory.
const LONGEST_TEXT: u64 = 4096;
const WHAT: &str = "a whole pickle";

/// The bytes of a pickle.
pub(super) struct Input<'a, R>(pub(super) &'a mut R);

impl<R: BufRead> Input<'_, R> {
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes).map_err(|error| Fault::reading(WHAT, error))?;
        Ok(bytes)
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(super) fn skip(&mut self, length: u64) -> Result<()> {
        let skipped = io::copy(&mut self.0.take(length), &mut io::sink())?;
        if skipped < length { Err(Fault::content(WHAT, "the end of the file")) } else { Ok(()) }
    }

    /// A text of `length` bytes; none where it is skipped for its length.
    pub(super) fn text(&mut self, length: u64) -> Result<Option<String>> {
        if length > LONGEST_TEXT {
            return self.skip(length).map(|()| None);
        }
        let mut bytes = vec![0; length as usize];
        self.0.read_exact(&mut bytes).map_err(|error| Fault::reading(WHAT, error))?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Text to the end of the line.
    pub(super) fn line(&mut self) -> Result<String> {
        let mut bytes = Vec::new();
        self.0.take(LONGEST_TEXT).read_until(b'\n', &mut bytes)?;
        match bytes.pop() {
            Some(b'\n') => Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\r').to_owned()),
            _ => Err(Fault::content(format!("a line of at most {LONGEST_TEXT} bytes in the pickle"), "no end of one")),
        }
    }

    /// A number written as text.
    pub(super) fn number(&mut self) -> Result<Option<i64>> {
        Ok(self.line()?.trim_end_matches('L').parse().ok())
    }

    /// A number of `length` bytes in two's complement; none where it does not fit 64 bits.
    pub(super) fn long(&mut self, length: u64) -> Result<Option<i64>> {
        if length > 8 {
            return self.skip(length).map(|()| None);
        }
        let mut bytes = [0; 8];
        let (number, rest) = bytes.split_at_mut(length as usize);
        self.0.read_exact(number).map_err(|error| Fault::reading(WHAT, error))?;
        rest.fill(if number.last().is_some_and(|&byte| byte >= 0x80) { 0xff } else { 0 });
        Ok(Some(i64::from_le_bytes(bytes)))
    }
}
