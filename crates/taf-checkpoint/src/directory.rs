//! The directory of a zip file: what is in it, and where. Contents are taken as they lie, since `torch.save` stores them;
//! what is compressed is refused, so that no file unfolds into more than it is.
//!
//! Crates that read archives (`zip`, `rc-zip`) hand out readers of entries and keep the whole directory without a bound of
//! ours; what is wanted here is the place of every entry, in memory that the bounds below fix.

use std::collections::HashMap;
use std::fs::File;

use crate::error::{Fault, Result};
use crate::span::{Span, read_at};

/// Entries of the largest published checkpoints: hundreds.
const MOST_ENTRIES: u64 = 100_000;
/// Bytes of the longest directory of so many entries.
const LONGEST: u64 = 32 << 20;

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const END64: &[u8] = b"PK\x06\x06";
const LOCATOR64: &[u8] = b"PK\x06\x07";
/// Lengths of the fixed parts of these records.
const LOCAL_SIZE: usize = 30;
const CENTRAL_SIZE: usize = 46;
const END_SIZE: usize = 22;
const END64_SIZE: usize = 56;
const LOCATOR64_SIZE: usize = 20;
/// Stands for a number that is too long for its field and lies in the record's ZIP64 part.
const ELSEWHERE: u64 = 0xffff_ffff;
const ZIP64: u16 = 1;

/// Where every entry of a zip file lies.
pub(crate) fn read(file: &mut File) -> Result<HashMap<String, Span>> {
    let length = file.metadata()?.len();
    let (start, size, count) = central(file, length)?;
    if count > MOST_ENTRIES || size > LONGEST || start.checked_add(size).is_none_or(|end| end > length) {
        let expected = format!("a zip directory of at most {MOST_ENTRIES} entries within the file");
        return Err(Fault::content(expected, format!("{count} entries in {size} bytes from {start}")));
    }
    let records = bytes(file, start, size as usize)?;
    let mut rest = Fields(&records);
    let mut entries = HashMap::new();
    for _ in 0..count {
        let entry = Entry::read(&mut rest).ok_or_else(|| broken("an entry of its directory"))?;
        let (name, span) = entry.locate(file, length)?;
        if entries.insert(name.clone(), span).is_some() {
            return Err(Fault::content("every entry of the zip container once", format!("two of one name: {name}")));
        }
    }
    Ok(entries)
}

/// Start, size and number of entries of the directory.
fn central(file: &mut File, length: u64) -> Result<(u64, u64, u64)> {
    let tail_size = length.min((END_SIZE + LOCATOR64_SIZE + usize::from(u16::MAX)) as u64);
    let tail = bytes(file, length - tail_size, tail_size as usize)?;
    let end = (0..=tail.len().saturating_sub(END_SIZE)).rev().find(|&at| is_end(&tail[at..]));
    let end = end.ok_or_else(|| broken("its end"))?;
    let locator = end.checked_sub(LOCATOR64_SIZE).map(|at| &tail[at..end]).filter(|bytes| bytes.starts_with(LOCATOR64));
    if let Some(locator) = locator {
        let at = Fields(&locator[8..]).u64().unwrap_or(u64::MAX);
        if at.checked_add(END64_SIZE as u64).is_none_or(|end| end > length) {
            return Err(broken("its ZIP64 end"));
        }
        let record = bytes(file, at, END64_SIZE)?;
        let mut fields = Fields(&record[32..]);
        let numbers = (fields.u64(), fields.u64(), fields.u64());
        return match numbers {
            (Some(count), Some(size), Some(start)) if record.starts_with(END64) => Ok((start, size, count)),
            _ => Err(broken("its ZIP64 end")),
        };
    }
    let mut fields = Fields(&tail[end + 10..]);
    match (fields.u16(), fields.u32(), fields.u32()) {
        (Some(count), Some(size), Some(start)) => Ok((start, size, count.into())),
        _ => Err(broken("its end")),
    }
}

/// Whether these bytes are the last record: a comment may follow, and nothing else.
fn is_end(bytes: &[u8]) -> bool {
    let comment = Fields(bytes.get(20..).unwrap_or_default()).u16();
    bytes.starts_with(END) && comment.is_some_and(|comment| bytes.len() == END_SIZE + usize::from(comment))
}

struct Entry {
    name: String,
    stored: bool,
    size: u64,
    packed: u64,
    local: u64,
}

impl Entry {
    fn read(rest: &mut Fields) -> Option<Self> {
        let record = rest.take(CENTRAL_SIZE)?;
        if !record.starts_with(CENTRAL) {
            return None;
        }
        let short = |at: usize| Fields(&record[at..]).u16();
        let long = |at: usize| Fields(&record[at..]).u32();
        let name = String::from_utf8_lossy(rest.take(short(28)?.into())?).into_owned();
        let mut zip64 = Fields(part(rest.take(short(30)?.into())?, ZIP64));
        rest.take(short(32)?.into())?;
        let mut number = |field: u64| if field == ELSEWHERE { zip64.u64() } else { Some(field) };
        let (size, packed, local) = (number(long(24)?)?, number(long(20)?)?, number(long(42)?)?);
        let encrypted = short(8)? & 1 == 1;
        Some(Self { name, stored: short(10)? == 0 && !encrypted, size, packed, local })
    }

    fn locate(self, file: &mut File, length: u64) -> Result<(String, Span)> {
        let Self { name, stored, size, packed, local } = self;
        if !stored || size != packed {
            return Err(Fault::content("entries that are stored, as torch.save does", format!("{name} compressed")));
        }
        let outside = || Fault::content(format!("{name} to lie within the file"), format!("{size} bytes from {local}"));
        if local.checked_add(LOCAL_SIZE as u64).is_none_or(|end| end > length) {
            return Err(outside());
        }
        let header = bytes(file, local, LOCAL_SIZE)?;
        let lengths = Fields(&header[26..]).u16().zip(Fields(&header[28..]).u16());
        let Some((name_size, extra)) = lengths.filter(|_| header.starts_with(LOCAL)) else { return Err(outside()) };
        let start = local + LOCAL_SIZE as u64 + u64::from(name_size) + u64::from(extra);
        match start.checked_add(size) {
            Some(end) if end <= length => Ok((name, (start, size))),
            _ => Err(outside()),
        }
    }
}

/// The part of an extra field with this number.
fn part(extra: &[u8], id: u16) -> &[u8] {
    let mut fields = Fields(extra);
    while let (Some(found), Some(size)) = (fields.u16(), fields.u16()) {
        match fields.take(size.into()) {
            Some(part) if found == id => return part,
            Some(_) => {}
            None => break,
        }
    }
    &[]
}

/// Little-endian numbers in a row.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u64> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?).into())
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }
}

fn bytes(file: &mut File, start: u64, count: usize) -> Result<Vec<u8>> {
    read_at(file, start, count, "a whole zip container")
}

fn broken(what: &str) -> Fault {
    Fault::content("a whole zip container as torch.save writes it", format!("one without {what}"))
}
