use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use taf_files::{create_folder, write_atomic};
use taf_report::experiment::ProcessorSeconds;

/// What a cell has cost, over all processes that worked on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bill {
    /// Time of the processor.
    pub processor: ProcessorSeconds,
    /// Time by the clock on the wall.
    pub seconds: f64,
}

/// A bill that is written while the work goes on, so that a process that is killed leaves all but the last seconds of it.
pub struct OpenBill {
    path: PathBuf,
    before: Bill,
    began: Instant,
    /// What this process had spent when training was over, once it is.
    training: Arc<Mutex<Option<f64>>>,
    end: Option<Sender<()>>,
    writer: Option<JoinHandle<()>>,
}

/// Between the times that a bill is written.
const WRITE_EVERY: Duration = Duration::from_secs(10);

impl OpenBill {
    /// Goes on with the bill of a cell.
    pub fn open(path: &Path) -> Result<Self> {
        path.parent().map_or(Ok(()), create_folder)?;
        // A bill that cannot be read is one that was lost, which ends no work.
        let before = fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let (end, ended) = channel();
        let mut bill = Self {
            path: path.to_owned(),
            before,
            began: Instant::now(),
            training: Arc::default(),
            end: Some(end),
            writer: None,
        };
        let reader = bill.reader();
        let path = path.to_owned();
        let write = move || {
            while ended.recv_timeout(WRITE_EVERY) == Err(RecvTimeoutError::Timeout) {
                let _ = write(&path, &reader());
            }
        };
        bill.writer =
            Some(thread::Builder::new().name("bill".to_owned()).spawn(write).context("cannot start a thread")?);
        Ok(bill)
    }

    /// What is spent from now on is spent on evaluating.
    pub fn evaluating(&self) {
        *self.training.lock().unwrap_or_else(PoisonError::into_inner) = Some(processor_seconds());
    }

    /// The bill until now.
    pub fn now(&self) -> Bill {
        self.reader()()
    }

    fn reader(&self) -> impl Fn() -> Bill + Send + 'static {
        let (before, began, training) = (self.before, self.began, self.training.clone());
        move || {
            let spent = processor_seconds();
            let training = training.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(spent);
            Bill {
                processor: ProcessorSeconds {
                    training: before.processor.training + training,
                    evaluating: before.processor.evaluating + spent - training,
                },
                seconds: before.seconds + began.elapsed().as_secs_f64(),
            }
        }
    }
}

impl Drop for OpenBill {
    fn drop(&mut self) {
        drop(self.end.take());
        let _ = self.writer.take().map(JoinHandle::join);
        let _ = write(&self.path, &self.now());
    }
}

fn write(path: &Path, bill: &Bill) -> taf_files::Result<()> {
    write_atomic(path, format!("{}\n", serde_json::json!(bill)).as_bytes())
}

/// User and system time of this process.
fn processor_seconds() -> f64 {
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 * 1e-6;
    // SAFETY: all bytes zero are a valid value, which the call fills in.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bill_goes_on_where_the_last_process_left_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/bill.json");
        let work = || std::hint::black_box((0..2_000_000_u64).fold(0, |sum, n| sum ^ n.wrapping_mul(sum | 1)));
        let bill = OpenBill::open(&path).unwrap();
        work();
        bill.evaluating();
        let first = bill.now();
        drop(bill);
        let again = OpenBill::open(&path).unwrap().now();
        assert!(again.processor.training >= first.processor.training && again.seconds >= first.seconds, "{again:?}");
        assert!(again.processor.evaluating >= first.processor.evaluating);
        std::fs::write(&path, "{").unwrap();
        assert!(OpenBill::open(&path).is_ok());
    }
}
