use anyhow::Result;
use taf::model::Recognizer;
use taf::predict::{Answer, Classifier};

use super::{Accuracy, Format, Found, Likely, Live, Row, RowArgs};
use crate::exit::Status;

/// Videos that are answered to as a whole.
pub struct WholeVideos<'a> {
    /// The network's classes.
    pub classes: &'a [String],
    /// How answers are written.
    pub rows: &'a RowArgs,
    /// The videos.
    pub videos: Vec<Found>,
}

impl WholeVideos<'_> {
    /// Tells of every video as its answer is found, and at the end how many were right.
    pub fn tell(&self, classifier: &Classifier<Recognizer>) -> Result<Status> {
        let mut live = Live::begin(self.rows, "classifying")?;
        let mut accuracy = Accuracy::default();
        live.write(&live.format.heading(self.told()))?;
        let videos = self.videos.clone();
        let answers = classifier.videos(videos.len(), move |video| videos[video].open());
        for (done, (video, answer)) in self.videos.iter().zip(answers).enumerate() {
            match answer {
                Ok(answer) => {
                    live.write(&self.row(live.format, video, &answer))?;
                    video.label.iter().for_each(|label| accuracy.add(label, &answer, self.classes));
                }
                Err(error) => live.pass_over(&video.fault(&error)),
            }
            live.show(done + 1, self.videos.len());
            if !live.goes_on() {
                break;
            }
        }
        let is_read = live.is_read();
        let status = live.end(self.videos.len())?;
        if is_read {
            accuracy.tell(self.classes)?;
        }
        Ok(status)
    }

    /// How many classes are told of a video.
    fn told(&self) -> usize {
        usize::from(self.rows.top).min(self.classes.len())
    }

    fn row(&self, format: Format, video: &Found, answer: &Answer) -> String {
        let likely = |(class, probability): (usize, f32)| Likely { class: &self.classes[class], probability };
        let top = answer.top(self.told()).into_iter().map(likely).collect();
        format.row(&Row { video: &video.name, label: video.label.as_deref(), top })
    }
}
