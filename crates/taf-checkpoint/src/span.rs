//! Stretches of a file, read when they are wanted.

use std::fmt::Arguments;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use crate::error::{Fault, Result};

/// First byte and length of something that lies in a file.
pub(crate) type Span = (u64, u64);

/// Of what lies at `span` of a file, `count` bytes from its byte `first` on; `what` names it where it is missing or short.
pub(crate) fn read_part(
    file: &mut File,
    span: Option<Span>,
    (first, count): (u64, u64),
    what: Arguments,
) -> Result<Vec<u8>> {
    let (start, length) = span.ok_or_else(|| Fault::content(what.to_string(), "none"))?;
    if first.checked_add(count).is_none_or(|end| end > length) {
        return Err(Fault::content(format!("{count} bytes from {first} in {what}"), format!("{length} in all")));
    }
    read_at(file, start + first, count as usize, "the bytes of a tensor")
}

/// `count` bytes from `start` on; `what` says what the file should have there.
pub(crate) fn read_at(file: &mut File, start: u64, count: usize, what: &str) -> Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(&mut bytes).map_err(|error| Fault::reading(what, error))?;
    Ok(bytes)
}
