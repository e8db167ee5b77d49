use anyhow::{Result, ensure};

use super::{Format, RowArgs, Sink};
use crate::exit::Status;
use crate::interrupt::Graceful;
use crate::output::say;
use crate::progress::Counter;

/// Rows that are written as they are made, beside a bar, until all are, nobody reads any more, or a stop is asked for.
pub struct Live {
    /// How rows are written.
    pub format: Format,
    sink: Sink,
    bar: Counter,
    graceful: Graceful,
    is_read: bool,
    bad: usize,
}

impl Live {
    /// Begins; `what` stands in front of the bar.
    pub fn begin(rows: &RowArgs, what: &str) -> Result<Self> {
        let graceful = Graceful::ending_with("finishing what is being looked at")?;
        let (format, sink) = (rows.format(), Sink::open(rows.out.as_deref())?);
        Ok(Self { format, sink, bar: Counter::new(what), graceful, is_read: true, bad: 0 })
    }

    /// Writes some rows.
    pub fn write(&mut self, text: &str) -> Result<()> {
        let Self { bar, sink, .. } = self;
        self.is_read &= bar.aside(|| sink.write(text))?;
        Ok(())
    }

    /// Names a video that is passed over.
    pub fn pass_over(&mut self, why: &str) {
        self.bad += 1;
        self.bar.aside(|| say(format_args!("passed over: {why}")));
    }

    /// Shows how far it is.
    pub fn show(&self, done: usize, total: usize) {
        self.bar.show(done, total);
    }

    /// Whether there is anything to go on for.
    pub fn goes_on(&self) -> bool {
        self.is_read && !self.graceful.asked()
    }

    /// Whether whoever reads has seen all.
    pub fn is_read(&self) -> bool {
        self.is_read
    }

    /// Gives the file its name, and says how many of `all` videos were passed over.
    pub fn end(self, all: usize) -> Result<Status> {
        let Self { sink, bar, graceful, bad, .. } = self;
        drop(bar);
        sink.finish()?;
        ensure!(bad < all, "none of {bad} videos could be classified");
        if bad > 0 {
            say(format_args!("{bad} of {all} videos could not be classified, and are named above"));
        }
        Ok(match (graceful.asked(), bad) {
            (true, _) => Status::Interrupted,
            (false, 0) => Status::Done,
            (false, _) => Status::NotMet,
        })
    }
}
