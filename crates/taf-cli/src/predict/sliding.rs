use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use taf::model::Recognizer;
use taf::predict::{Classifier, Moment, Stretch, stretches};
use taf_files::write_atomic;
use taf_video::{Sliding, WindowViews, Windows};

use super::{Format, Found, History, Live, Outcome, RowArgs, Span};
use crate::allowed;
use crate::exit::Status;

/// How long videos are gone through.
#[derive(Clone, Debug, Args)]
pub struct SlidingArgs {
    /// Slide over long videos: look every so many seconds, and tell from when to when which class is seen
    #[arg(long, value_name = "SECONDS")]
    pub every: Option<f64>,
    /// Seconds that are looked at each time [default: as --every]
    #[arg(long, value_name = "SECONDS", requires = "every")]
    pub window: Option<f64>,
    /// Draw how likely the classes are over time, with frames of the video (.svg or .png)
    #[arg(long, value_name = "FILE", requires = "every")]
    pub picture: Option<PathBuf>,
    /// Frames per second of folders of pictures
    #[arg(long, value_name = "N", requires = "every")]
    pub fps: Option<f64>,
}

impl SlidingArgs {
    /// Where the windows lie, where any are asked for.
    pub fn sliding(&self) -> Option<Sliding> {
        let every_secs = self.every?;
        Some(Sliding { every_secs, window_secs: self.window.unwrap_or(every_secs) })
    }
}

/// Long videos that are gone through moment by moment.
pub struct LongVideos<'a> {
    /// The network's name and classes.
    pub network: (&'a str, &'a [String]),
    /// How answers are written.
    pub rows: &'a RowArgs,
    /// How pictures are drawn and paced.
    pub args: &'a SlidingArgs,
    /// Where the windows lie.
    pub sliding: Sliding,
    /// The videos.
    pub videos: Vec<Found>,
}

impl LongVideos<'_> {
    /// Tells of every part of one class as it ends, and draws the picture.
    pub fn tell(&self, classifier: &Classifier<Recognizer>) -> Result<Status> {
        self.sliding.check()?;
        let (one, count) = (self.videos.len() == 1, self.videos.len());
        ensure!(one || self.args.picture.is_none(), "--picture draws one video, found {count}");
        let mut live = Live::begin(self.rows, "looking")?;
        live.write(&Span::heading(live.format))?;
        for video in &self.videos {
            if !one && live.format == Format::Table {
                live.write(&format!("{}\n", video.name))?;
            }
            self.tell_of(video, classifier, &mut live)?;
            if !live.goes_on() {
                break;
            }
        }
        live.end(count)
    }

    fn tell_of(&self, video: &Found, classifier: &Classifier<Recognizer>, live: &mut Live) -> Result<()> {
        let windows = match self.windows(video, classifier) {
            Ok(windows) => windows,
            Err(error) => {
                live.pass_over(&error.to_string());
                return Ok(());
            }
        };
        let (expected, mut history, mut parts) = (windows.expected(), self.history(), stretches());
        let mut outcome = Outcome::default();
        for (done, moment) in classifier.windows(windows).enumerate() {
            match moment {
                Ok(moment) => {
                    outcome.answered += 1;
                    self.take(video, &moment, parts.add(&moment), history.as_mut(), live)?;
                }
                Err(error) => {
                    outcome.failed += 1;
                    live.name_fault(&video.fault(&error));
                }
            }
            live.show(done + 1, expected.unwrap_or(0).max(done + 1));
            if !live.goes_on() {
                break;
            }
        }
        live.count(outcome);
        if let Some(last) = parts.finish() {
            self.tell_part(video, &last, history.as_mut(), live)?;
        }
        self.draw(video, history)
    }

    fn windows(&self, video: &Found, classifier: &Classifier<Recognizer>) -> taf_video::Result<Windows> {
        let manner = &classifier.manner;
        let (sampling, transform) = (manner.views.sampling.clone(), manner.views.transform.clone());
        let views = WindowViews { sampling, temporal: manner.views.temporal, transform };
        Windows::new(video.timed(self.args.fps, manner.threads)?, self.sliding, views)
    }

    fn history(&self) -> Option<History> {
        self.args.picture.as_ref().map(|_| History::default())
    }

    /// Takes the next window, with the part that ended before it.
    fn take(
        &self,
        video: &Found,
        moment: &Moment,
        ended: Option<Stretch>,
        mut history: Option<&mut History>,
        live: &mut Live,
    ) -> Result<()> {
        history.iter_mut().for_each(|history| history.add(moment));
        match ended {
            Some(ended) => self.tell_part(video, &ended, history, live),
            None => Ok(()),
        }
    }

    fn tell_part(&self, video: &Found, part: &Stretch, history: Option<&mut History>, live: &mut Live) -> Result<()> {
        let Stretch { start_secs, end_secs, class, probability, windows } = *part;
        let class = self.network.1[class].as_str();
        history.into_iter().for_each(|history| history.add_part(part));
        live.write(&Span { video: &video.name, start_secs, end_secs, class, probability, windows }.line(live.format))
    }

    fn draw(&self, video: &Found, history: Option<History>) -> Result<()> {
        let Some((history, path)) = history.zip(self.args.picture.as_deref()) else { return Ok(()) };
        let (network, classes) = self.network;
        let timeline = history.timeline(format!("what {network} sees in {}", video.name), classes);
        let bytes = if allowed::is_svg(path) { timeline.to_svg()?.into_bytes() } else { timeline.to_png()? };
        Ok(write_atomic(path, &bytes)?)
    }
}
