use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::event_file::{EventFile, Kept};
use super::{Error, Line, Record, Result};

/// The log of a run: one JSON object a line, each a [`Line`], in rising order of steps; and beside it the same for TensorBoard,
/// with pictures.
///
/// A line is handed to the operating system whole before [`Self::append`] returns, so a killed process leaves at most one
/// broken line, the last; opening the log again drops it. Numbers that are not finite are written as `null`.
#[derive(Debug)]
pub struct MetricsLog {
    path: PathBuf,
    file: File,
    events: EventFile,
}

impl MetricsLog {
    /// Opens the log to go on at its end, making it where there is none.
    ///
    /// # Errors
    /// If the file cannot be opened or holds a line, other than a broken last one, that is none of a log.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.map_err(Error::io("open", &path))?;
        let events = rewound(&path, &mut file, |_| true)?;
        Ok(Self { path, file, events })
    }

    /// Adds what is told after so many steps.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn append(&mut self, step: u64, record: Record) -> Result<()> {
        let line = Line { step, record };
        let text = serde_json::to_string(&line).expect("a record holds only numbers, text and lists");
        self.file.write_all(format!("{text}\n").as_bytes()).map_err(Error::io("write", &self.path))?;
        self.events.append(&line)
    }

    /// Adds a picture that an evaluation after so many steps made, for TensorBoard alone; `png` are the bytes of a PNG file.
    ///
    /// # Errors
    /// If it is no picture, or the file cannot be written.
    pub fn append_picture(&mut self, step: u64, tag: String, png: Vec<u8>) -> Result<()> {
        self.events.append_picture(step, tag, png)
    }

    /// Drops the first line that is not to be kept, and all after it, so that training that goes on from an earlier step logs
    /// each step once.
    ///
    /// # Errors
    /// If the log cannot be read or shortened, or holds a line that is none of a log.
    pub fn rewind_while(&mut self, keep: impl FnMut(&Line) -> bool) -> Result<()> {
        self.events = rewound(&self.path, &mut self.file, keep)?;
        Ok(())
    }

    /// Waits until everything written is on the disk. Call it before a checkpoint that counts on these lines.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(Error::io("write", &self.path))?;
        self.events.sync()
    }
}

/// Shortens a log to the lines before the first that is not to be kept; the events that belong to them.
fn rewound(path: &Path, file: &mut File, mut keep: impl FnMut(&Line) -> bool) -> Result<EventFile> {
    let bytes = read(path)?;
    let (mut length, mut kept) = (0, Kept::default());
    for (line, bytes) in lines(path, &bytes)?.iter().take_while(|(line, _)| keep(line)) {
        length += bytes;
        kept.note(line);
    }
    let shortened = file.set_len(length as u64).and_then(|()| file.seek(SeekFrom::Start(length as u64)));
    shortened.map_err(Error::io("write", path))?;
    EventFile::open(path.parent().unwrap_or(Path::new("")), kept)
}

/// The lines of a log in order; a broken last one is left out.
///
/// # Errors
/// If the file cannot be read, or an earlier line is none of a log.
pub fn read_metrics(path: &Path) -> Result<Vec<Line>> {
    Ok(lines(path, &read(path)?)?.into_iter().map(|(line, _)| line).collect())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(Error::io("read", path))
}

/// The lines of a log with their lengths in bytes; a broken one, which may end inside a letter, is allowed only at the end,
/// where it is left out.
pub(super) fn lines(path: &Path, bytes: &[u8]) -> Result<Vec<(Line, usize)>> {
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let line = |(number, raw): (usize, &[u8])| {
        let parsed = serde_json::from_slice(raw).map_err(|error| {
            let found = format!("{:?} in line {} ({error})", String::from_utf8_lossy(raw.trim_ascii()), number + 1);
            Error::content(path, "a line of a run's log", found)
        });
        Ok((parsed?, raw.len()))
    };
    bytes[..whole].split_inclusive(|&byte| byte == b'\n').enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::{evaluation, step};
    use super::*;

    fn steps(path: &Path) -> Vec<u64> {
        read_metrics(path).unwrap().iter().map(|line| line.step).collect()
    }

    /// A log with a step a line, and where it lies.
    fn logged(steps: u64) -> (tempfile::TempDir, PathBuf, MetricsLog) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut log = MetricsLog::open(&path).unwrap();
        for number in 1..=steps {
            log.append(number, step(0, 2.5)).unwrap();
        }
        (folder, path, log)
    }

    #[test]
    fn lines_come_back_as_they_were_written() {
        let (_folder, path, mut log) = logged(1);
        log.append(1, evaluation(1, 0.25)).unwrap();
        let lines = read_metrics(&path).unwrap();
        assert_eq!(lines[0], Line { step: 1, record: step(0, 2.5) });
        assert_eq!(lines[1], Line { step: 1, record: evaluation(1, 0.25) });
    }

    #[test]
    fn a_resumed_run_holds_every_step_once() {
        let (_folder, path, log) = logged(5);
        drop(log);
        let mut log = MetricsLog::open(&path).unwrap();
        log.rewind_while(|line| line.step <= 3).unwrap();
        log.append(4, step(0, 0.0)).unwrap();
        assert_eq!(steps(&path), [1, 2, 3, 4]);
    }

    #[test]
    fn a_log_is_cut_at_the_first_line_that_is_not_kept() {
        let (_folder, path, mut log) = logged(2);
        log.append(2, evaluation(1, 0.5)).unwrap();
        log.append(3, step(1, 0.5)).unwrap();
        log.rewind_while(|line| matches!(line.record, Record::Step(_))).unwrap();
        log.append(2, evaluation(1, 0.75)).unwrap();
        assert_eq!(steps(&path), [1, 2, 2]);
    }

    #[test]
    fn a_line_broken_by_a_kill_is_dropped_on_opening_also_inside_a_letter() {
        for broken in ["{\"step\":2,\"lo".as_bytes(), b"{\"step\":2,\"kind\":\"\xc3"] {
            let (_folder, path, log) = logged(1);
            drop(log);
            let whole = fs::read(&path).unwrap();
            fs::write(&path, [&whole, broken].concat()).unwrap();
            assert_eq!(steps(&path), [1]);
            MetricsLog::open(&path).unwrap();
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
    }

    #[test]
    fn a_line_broken_in_the_middle_is_an_error_naming_it() {
        let (_folder, path, log) = logged(2);
        drop(log);
        let text = fs::read_to_string(&path).unwrap();
        for other in ["nonsense", "{\"step\":1}"] {
            fs::write(&path, text.replacen('\n', &format!("\n{other}\n"), 1)).unwrap();
            let error = MetricsLog::open(&path).unwrap_err().to_string();
            assert!(error.contains(&format!("{other:?} in line 2")), "{error}");
        }
    }
}
