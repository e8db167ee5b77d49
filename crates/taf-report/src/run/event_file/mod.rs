//! The log of a run as TensorBoard reads it: scalars of every step and evaluation, and pictures.

mod framing;
mod message;
mod tags;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use image::ImageReader;
use prost::Message;
use taf_files::write_atomic_with;

use super::{Error, Line, Record, Result};
use framing::{framed_length, read_record, write_record};
use message::{Content, Event, Image, RGB, Summary, VERSION, Value};

/// TensorBoard asks for `tfevents` in a name and reads the files of a folder in the order of their names; between the two stands
/// when the file was begun, in seconds since 1970.
const PREFIX: &str = "events.out.tfevents.";
const SUFFIX: &str = ".taf";

/// The event file of a run, appended to while it trains.
///
/// Every event is handed to the operating system whole, and carries checksums: a killed process leaves at most one broken event,
/// the last. What is not to be kept of it is never cut away under a TensorBoard that reads it: the events that are kept go to a
/// new file, which TensorBoard takes for a new beginning, and the old one is removed.
#[derive(Debug)]
pub struct EventFile {
    path: PathBuf,
    file: File,
}

/// Up to which step events are kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kept {
    /// Those of steps.
    pub steps: u64,
    /// Those of evaluations.
    pub evaluations: u64,
}

impl Kept {
    /// A line of the log is kept.
    pub fn note(&mut self, line: &Line) {
        match line.record {
            Record::Step(_) => self.steps = line.step,
            Record::Evaluation(_) => self.evaluations = line.step,
            Record::Video(_) => {}
        }
    }

    fn holds(self, event: &Event) -> bool {
        let last = if event.is_of_step() { self.steps } else { self.evaluations };
        event.summary.is_none() || event.step as u64 <= last
    }
}

impl EventFile {
    /// Goes on with the event file of the run in `folder` at the end of what is to be `kept`, or begins one.
    ///
    /// # Errors
    /// If the folder cannot be read or written.
    pub fn open(folder: &Path, kept: Kept) -> Result<Self> {
        let mut all = event_files(folder);
        let path = match all.pop() {
            Some(newest) if is_kept_whole(&newest, kept)? => newest,
            Some(newest) => {
                let next = path_after(folder, Some(&newest));
                copy_kept(&newest, &next, kept)?;
                all.push(newest);
                next
            }
            None => {
                let path = path_after(folder, None);
                write_atomic_with(&path, |file| write_event(file, &version()))?;
                path
            }
        };
        all.iter().try_for_each(|old| fs::remove_file(old).map_err(Error::io("remove", old)))?;
        let file = OpenOptions::new().append(true).open(&path).map_err(Error::io("open", &path))?;
        Ok(Self { path, file })
    }

    /// Adds the numbers of a line of the log.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn append(&mut self, line: &Line) -> Result<()> {
        Event::of_line(line, now()).map_or(Ok(()), |event| self.write(&event))
    }

    /// Adds a picture that an evaluation at `step` made; `png` are the bytes of a PNG file.
    ///
    /// # Errors
    /// If it is no picture, or the file cannot be written.
    pub fn append_picture(&mut self, step: u64, tag: String, png: Vec<u8>) -> Result<()> {
        let size = ImageReader::new(io::Cursor::new(&png)).with_guessed_format().map(ImageReader::into_dimensions);
        let (width, height) = match size {
            Ok(Ok(size)) => size,
            Ok(Err(error)) => return Err(Error::content(&self.path, "the bytes of a PNG file", error)),
            Err(error) => return Err(Error::io("read", &self.path)(error)),
        };
        let [height, width] = [height, width].map(|side| side as i32);
        let image = Content::Image(Image { height, width, colorspace: RGB, encoded_image_string: png });
        let summary = Summary { value: vec![Value { tag, content: Some(image) }] };
        self.write(&Event { wall_time: now(), step: step as i64, file_version: None, summary: Some(summary) })
    }

    /// Waits until everything written is on the disk.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(Error::io("write", &self.path))
    }

    fn write(&mut self, event: &Event) -> Result<()> {
        write_event(&mut self.file, event).map_err(Error::io("write", &self.path))
    }
}

/// The event files of a run, the newest last; a folder that cannot be read has none.
pub fn event_files(folder: &Path) -> Vec<PathBuf> {
    let is_one = |path: &PathBuf| begun(path).is_some();
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).filter(is_one).collect();
    files.sort();
    files
}

/// When an event file of this program was begun; none for other files.
fn begun(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok()
}

/// The name of a file that begins now, and after the one before.
fn path_after(folder: &Path, before: Option<&Path>) -> PathBuf {
    let earliest = before.and_then(begun).map_or(0, |begun| begun + 1);
    folder.join(format!("{PREFIX}{:010}{SUFFIX}", (now() as u64).max(earliest)))
}

/// The events of a file that are kept; a broken end is left out.
fn kept_records(path: &Path, kept: Kept) -> Result<impl Iterator<Item = io::Result<Vec<u8>>>> {
    let mut file = BufReader::new(File::open(path).map_err(Error::io("open", path))?);
    let records = std::iter::from_fn(move || read_record(&mut file).transpose());
    let is_kept = move |record: &io::Result<Vec<u8>>| match record {
        Ok(record) => Event::decode(&record[..]).is_ok_and(|event| kept.holds(&event)),
        Err(_) => true,
    };
    Ok(records.filter(is_kept))
}

/// Whether a file holds nothing but whole events that are kept.
fn is_kept_whole(path: &Path, kept: Kept) -> Result<bool> {
    let lengths = kept_records(path, kept)?.map(|record| record.map(|record| framed_length(&record)));
    let length: u64 = lengths.sum::<io::Result<u64>>().map_err(Error::io("read", path))?;
    let whole = fs::metadata(path).map_err(Error::io("read", path))?.len();
    Ok(length == whole && length > 0)
}

/// Writes what is kept of a file to another, under the version of this program.
fn copy_kept(from: &Path, to: &Path, kept: Kept) -> Result<()> {
    let records = kept_records(from, kept)?;
    let is_version = |record: &Vec<u8>| *record == version().encode_to_vec();
    Ok(write_atomic_with(to, |file| {
        write_event(file, &version())?;
        for record in records {
            record.and_then(|record| if is_version(&record) { Ok(()) } else { write_record(file, &record) })?;
        }
        Ok(())
    })?)
}

fn write_event(file: &mut (impl Write + ?Sized), event: &Event) -> io::Result<()> {
    write_record(file, &event.encode_to_vec())
}

fn version() -> Event {
    Event { wall_time: 0.0, step: 0, file_version: Some(VERSION.to_owned()), summary: None }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests;
