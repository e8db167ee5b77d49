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
    tally: Tally,
}

/// How looking at one video went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// Parts of it that were answered to.
    pub answered: usize,
    /// Parts that were not.
    pub failed: usize,
}

/// Videos that something was passed over of.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    /// All of them.
    faulty: usize,
    /// Those that were passed over as a whole.
    untold: usize,
}

impl Tally {
    fn add(&mut self, video: Outcome) {
        let Outcome { answered, failed } = video;
        self.faulty += usize::from(failed > 0);
        self.untold += usize::from(failed > 0 && answered == 0);
    }

    /// What there is to say of `all` videos, if anything is.
    fn summary(&self, all: usize) -> Result<Option<String>> {
        let Self { faulty, untold } = *self;
        ensure!(untold < all, "none of {all} videos could be classified");
        let throughout = if untold < faulty { " throughout" } else { "" };
        let text = || format!("{faulty} of {all} videos could not be classified{throughout}, and are named above");
        Ok((faulty > 0).then(text))
    }
}

impl Live {
    /// Begins; `what` stands in front of the bar.
    pub fn begin(rows: &RowArgs, what: &str) -> Result<Self> {
        let graceful = Graceful::ending_with("finishing what is being looked at")?;
        let (format, sink) = (rows.format(), Sink::open(rows.out.as_deref())?);
        Ok(Self { format, sink, bar: Counter::new(what), graceful, is_read: true, tally: Tally::default() })
    }

    /// Writes some rows.
    pub fn write(&mut self, text: &str) -> Result<()> {
        let Self { bar, sink, .. } = self;
        self.is_read &= bar.aside(|| sink.write(text))?;
        Ok(())
    }

    /// Names a video that is passed over.
    pub fn pass_over(&mut self, why: &str) {
        self.name_fault(why);
        self.count(Outcome { answered: 0, failed: 1 });
    }

    /// Names a part of a video that is passed over.
    pub fn name_fault(&mut self, why: &str) {
        self.bar.aside(|| say(format_args!("passed over: {why}")));
    }

    /// Counts a video that was looked at part by part.
    pub fn count(&mut self, video: Outcome) {
        self.tally.add(video);
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
        let Self { sink, bar, graceful, tally, .. } = self;
        drop(bar);
        sink.finish()?;
        let summary = tally.summary(all)?;
        summary.iter().for_each(|text| say(format_args!("{text}")));
        Ok(match (graceful.asked(), summary) {
            (true, _) => Status::Interrupted,
            (false, None) => Status::Done,
            (false, Some(_)) => Status::NotMet,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Tally};

    fn tally(videos: &[(usize, usize)]) -> Tally {
        let mut tally = Tally::default();
        videos.iter().for_each(|&(answered, failed)| tally.add(Outcome { answered, failed }));
        tally
    }

    #[test]
    fn a_video_with_many_bad_parts_is_counted_once_and_is_told_if_any_part_is() {
        let summary =
            |videos: &[(usize, usize)]| tally(videos).summary(videos.len()).map_err(|error| error.to_string());
        assert_eq!(summary(&[(4, 0), (1, 0)]), Ok(None));
        let throughout = "1 of 1 videos could not be classified throughout, and are named above";
        assert_eq!(summary(&[(3, 57)]), Ok(Some(throughout.into())));
        let whole = "1 of 2 videos could not be classified, and are named above";
        assert_eq!(summary(&[(0, 2), (5, 0)]), Ok(Some(whole.into())));
        assert_eq!(summary(&[(0, 2), (0, 1)]), Err("none of 2 videos could be classified".into()));
    }
}
