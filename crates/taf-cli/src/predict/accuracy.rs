use std::collections::BTreeSet;

use anyhow::Result;
use taf::predict::Answer;
use taf_report::metrics::{Predictions, ScoreKind, Scores};

use crate::output::say;
use crate::words::shortened;

/// How many answers were right, of the videos whose class is known.
#[derive(Default)]
pub struct Accuracy {
    labels: Vec<usize>,
    scores: Vec<Vec<f32>>,
    /// Labels that the network does not know, and how many videos have one.
    unknown: BTreeSet<String>,
    unknown_videos: usize,
}

/// How many classes are named before the others are counted.
const NAMED: usize = 8;

impl Accuracy {
    /// Takes the answer to a video of this label.
    pub fn add(&mut self, label: &str, answer: &Answer, classes: &[String]) {
        match classes.iter().position(|class| class == label) {
            Some(label) => {
                self.labels.push(label);
                self.scores.push(answer.probabilities.clone());
            }
            None => {
                self.unknown.insert(label.to_owned());
                self.unknown_videos += 1;
            }
        }
    }

    /// Says how many were right, where any video had a label.
    pub fn tell(self, classes: &[String]) -> Result<()> {
        if self.unknown_videos > 0 {
            let names = shortened(self.unknown.iter().map(String::as_str), NAMED);
            say(format_args!("{} videos are of classes the network does not know: {names}", self.unknown_videos));
        }
        if self.labels.is_empty() {
            return Ok(());
        }
        let ids = (0..self.labels.len()).map(|video| video.to_string()).collect();
        let predictions = Predictions::new(ids, self.labels, ScoreKind::Probabilities, self.scores)?;
        let Scores { samples, top1, top5, .. } = Scores::new(&predictions, classes)?;
        let percent = |share: f64| 100.0 * share;
        say(format_args!(
            "of {samples} labelled videos: top-1 {:.1} % (95 % interval {:.1} to {:.1}), top-5 {:.1} %",
            percent(top1.value),
            percent(top1.low),
            percent(top1.high),
            percent(top5.value)
        ));
        Ok(())
    }
}
