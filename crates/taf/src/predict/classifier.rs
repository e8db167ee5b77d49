use std::sync::Mutex;

use burn::tensor::Device;
use taf_video::{Clip, Frame, Result, Seed, VideoSource, Window, Windows};

use super::Answer;
use crate::data::Prefetch;
use crate::evaluate::{AnswerError, Average, Version, Views, ask};
use crate::model::VideoModel;

/// How a network is shown videos.
#[derive(Clone, Debug)]
pub struct Manner {
    /// What is looked at of each.
    pub views: Views,
    /// How what is said about the views becomes one answer.
    pub average: Average,
    /// Views that go through the network together, at least 1.
    pub batch_size: usize,
    /// Threads that decode ahead, at least 1.
    pub threads: usize,
}

/// A network and how it is shown videos. `model` should live on the plain `device`.
pub struct Classifier<'a, M> {
    /// The network.
    pub model: &'a M,
    /// Where it computes.
    pub device: &'a Device,
    /// How it is shown videos.
    pub manner: Manner,
}

/// What a network says of a window of a long video.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// Where the window begins, in seconds from the first frame.
    pub start_secs: f64,
    /// Where it ends.
    pub end_secs: f64,
    /// What is said of it.
    pub answer: Answer,
    /// Its middle frame, small.
    pub picture: Frame,
}

impl<M: VideoModel> Classifier<'_, M> {
    /// The answers to so many videos, which `open` opens by number, as they are found, in their order. One that cannot be
    /// read is an error of that video alone.
    pub fn videos(
        &self,
        count: usize,
        open: impl Fn(usize) -> Result<Box<dyn VideoSource>> + Send + Sync + 'static,
    ) -> impl Iterator<Item = std::result::Result<Answer, AnswerError>> {
        let views = self.manner.views.clone();
        let seen = move |video: usize| views.of(&mut *open(video)?, Version::Clean, Seed::new(0));
        let videos = Prefetch::new(0..count, self.manner.threads, seen);
        self.answers(videos.map(|clips| ((), clips))).map(|((), answer)| answer)
    }

    /// The answers to the windows of a long video, as they are found. Decoding goes on in a thread of its own and waits
    /// when it is a few windows ahead. The first error is the last item.
    pub fn windows(&self, windows: Windows) -> impl Iterator<Item = std::result::Result<Moment, AnswerError>> {
        let windows = Mutex::new(windows);
        let next = move |_| windows.lock().expect("only one thread takes windows").next();
        let windows = Prefetch::new(0..usize::MAX, 1, next).map_while(|window| window);
        self.answers(windows.map(parted)).map(|(window, answer)| {
            let answer = answer?;
            let (start_secs, end_secs, picture) = window.expect("a window that has an answer was read");
            Ok(Moment { start_secs, end_secs, answer, picture })
        })
    }

    fn answers<K>(
        &self,
        videos: impl Iterator<Item = (K, Result<Vec<Clip>>)>,
    ) -> impl Iterator<Item = (K, std::result::Result<Answer, AnswerError>)> {
        let rows = ask(self.model, self.device, self.manner.batch_size, videos);
        rows.map(|(key, rows)| (key, rows.map(|rows| Answer::of(&rows, self.manner.average))))
    }
}

/// Where a window lies and what it looks like, and its clips.
type Parted = (Option<(f64, f64, Frame)>, Result<Vec<Clip>>);

fn parted(window: Result<Window>) -> Parted {
    match window {
        Ok(Window { start_secs, end_secs, picture, views }) => (Some((start_secs, end_secs, picture)), Ok(views)),
        Err(error) => (None, Err(error)),
    }
}
