use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Error, Result};

/// The log of a run: one JSON object a line, each with its `step`, in rising order.
///
/// A line is handed to the operating system whole before [`Self::append`] returns, so a killed process leaves at most one
/// broken line, the last; opening the log again drops it. Numbers that are not finite are written as `null`.
#[derive(Debug)]
pub struct MetricsLog {
    path: PathBuf,
    file: File,
}

impl MetricsLog {
    /// Opens the log to go on at its end, making it where there is none.
    ///
    /// # Errors
    /// If the file cannot be opened or holds a line, other than a broken last one, that is no object with a step.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(Error::io("open", &path))?;
        let mut log = Self { path, file };
        log.rewind_to(u64::MAX)?;
        Ok(log)
    }

    /// Adds `record`, which must serialise to an object, with its step in front.
    ///
    /// # Errors
    /// If the record is no object or has a `step` of its own, or the file cannot be written.
    pub fn append(&mut self, step: u64, record: &impl Serialize) -> Result<()> {
        let value = serde_json::to_value(record).map_err(|e| Error::content(&self.path, "a JSON record", e))?;
        let line = match value {
            Value::Object(fields) if !fields.contains_key("step") => line(step, fields),
            other => return Err(Error::content(&self.path, "a record that is an object without step", other)),
        };
        self.file.write_all(line.as_bytes()).map_err(Error::io("write", &self.path))
    }

    /// Drops every line after `step`, so that training that goes on from there logs each step once.
    ///
    /// # Errors
    /// If the log cannot be read or shortened, or holds a line that is no object with a step.
    pub fn rewind_to(&mut self, step: u64) -> Result<()> {
        self.rewind_while(|at, _| at <= step)
    }

    /// Drops the first line that is not to be kept, and all after it. `keep` is given step and fields of each line.
    ///
    /// # Errors
    /// As [`Self::rewind_to`].
    pub fn rewind_while(&mut self, mut keep: impl FnMut(u64, &Map<String, Value>) -> bool) -> Result<()> {
        let text = read_text(&self.path)?;
        let kept: usize = lines(&self.path, &text)?.take_while(|l| keep(l.step, &l.fields)).map(|l| l.bytes).sum();
        self.cut(kept as u64)
    }

    /// Bytes written so far: what a checkpoint remembers to come back to with [`Self::rewind_to_len`].
    ///
    /// # Errors
    /// If the file system does not answer.
    pub fn len_bytes(&self) -> Result<u64> {
        Ok(self.file.metadata().map_err(Error::io("read", &self.path))?.len())
    }

    /// Drops every byte after the first `bytes`.
    ///
    /// # Errors
    /// If the log is shorter than that: it is not the log the number was taken from.
    pub fn rewind_to_len(&mut self, bytes: u64) -> Result<()> {
        let found = self.len_bytes()?;
        if found < bytes {
            return Err(Error::content(&self.path, format!("at least {bytes} bytes"), found));
        }
        self.cut(bytes)
    }

    /// Waits until everything written is on the disk. Call it before a checkpoint that counts on these lines.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(Error::io("write", &self.path))
    }

    fn cut(&mut self, bytes: u64) -> Result<()> {
        let cut = self.file.set_len(bytes).and_then(|()| self.file.seek(SeekFrom::Start(bytes)));
        cut.map(drop).map_err(Error::io("write", &self.path))
    }
}

/// The objects of a log in order; a broken last line is left out.
///
/// # Errors
/// If the file cannot be read, or an earlier line is no object with a step.
pub fn read_metrics(path: &Path) -> Result<Vec<Map<String, Value>>> {
    let text = read_text(path)?;
    Ok(lines(path, &text)?.map(|line| line.fields).collect())
}

fn line(step: u64, fields: Map<String, Value>) -> String {
    let mut object = Map::from_iter([("step".to_owned(), Value::from(step))]);
    object.extend(fields);
    format!("{}\n", Value::Object(object))
}

struct Line {
    step: u64,
    bytes: usize,
    fields: Map<String, Value>,
}

fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(Error::io("read", path))
}

/// The lines of a log; a broken one is allowed only at the end, where it is left out.
fn lines<'a>(path: &Path, text: &'a str) -> Result<impl Iterator<Item = Line> + use<'a>> {
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let parsed: Result<Vec<Line>> = text[..whole]
        .split_inclusive('\n')
        .enumerate()
        .map(|(number, raw)| {
            parse(raw).ok_or_else(|| {
                Error::content(
                    path,
                    "a JSON object with a step",
                    format!("{:?} in line {}", raw.trim_end(), number + 1),
                )
            })
        })
        .collect();
    Ok(parsed?.into_iter())
}

fn parse(raw: &str) -> Option<Line> {
    let fields: Map<String, Value> = serde_json::from_str(raw).ok()?;
    Some(Line { step: fields.get("step")?.as_u64()?, bytes: raw.len(), fields })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn steps(path: &Path) -> Vec<u64> {
        read_metrics(path).unwrap().iter().map(|l| l["step"].as_u64().unwrap()).collect()
    }

    #[test]
    fn lines_come_back_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut log = MetricsLog::open(&path).unwrap();
        log.append(1, &json!({"loss": 2.5, "nan": f32::NAN})).unwrap();
        log.append(2, &json!({"loss": 1.25})).unwrap();
        let lines = read_metrics(&path).unwrap();
        assert_eq!(lines[0]["loss"], 2.5);
        assert_eq!(lines[0]["nan"], Value::Null);
        assert_eq!(steps(&path), [1, 2]);
    }

    #[test]
    fn a_resumed_run_holds_every_step_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut log = MetricsLog::open(&path).unwrap();
        for step in 1..=5 {
            log.append(step, &json!({"loss": step})).unwrap();
        }
        drop(log);
        let mut log = MetricsLog::open(&path).unwrap();
        log.rewind_to(3).unwrap();
        log.append(4, &json!({"loss": 0})).unwrap();
        assert_eq!(steps(&path), [1, 2, 3, 4]);
    }

    #[test]
    fn a_log_is_cut_at_the_first_line_that_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut log = MetricsLog::open(&path).unwrap();
        for (step, kind) in [(1, "step"), (2, "step"), (2, "eval"), (3, "step")] {
            log.append(step, &json!({"kind": kind})).unwrap();
        }
        log.rewind_while(|step, line| step < 2 || line["kind"] == "step").unwrap();
        log.append(2, &json!({"kind": "eval"})).unwrap();
        assert_eq!(steps(&path), [1, 2, 2]);
    }

    #[test]
    fn a_line_broken_by_a_kill_is_dropped_on_opening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        std::fs::write(&path, "{\"step\":1}\n{\"step\":2,\"lo").unwrap();
        assert_eq!(steps(&path), [1]);
        MetricsLog::open(&path).unwrap().append(2, &json!({})).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"step\":1}\n{\"step\":2}\n");
    }

    #[test]
    fn a_line_broken_in_the_middle_is_an_error_naming_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        std::fs::write(&path, "{\"step\":1}\nnonsense\n{\"step\":2}\n").unwrap();
        assert!(MetricsLog::open(&path).unwrap_err().to_string().contains("\"nonsense\" in line 2"));
    }

    #[test]
    fn a_length_can_be_come_back_to_but_not_gone_beyond() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut log = MetricsLog::open(&path).unwrap();
        log.append(1, &json!({})).unwrap();
        let length = log.len_bytes().unwrap();
        log.append(2, &json!({})).unwrap();
        log.rewind_to_len(length).unwrap();
        assert_eq!(steps(&path), [1]);
        assert!(log.rewind_to_len(length + 1).is_err());
    }

    #[test]
    fn a_record_that_is_no_object_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = MetricsLog::open(folder.path().join("m")).unwrap();
        assert!(log.append(1, &3).is_err());
        assert!(log.append(1, &json!({"step": 2})).is_err());
    }
}
