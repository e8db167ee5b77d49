use image::RgbImage;
use taf::predict::{Moment, Stretch};
use taf_report::page::{Band, Timeline};
use taf_video::Frame;

/// What a long video looked like and what was said of it, in so few pieces that they fit in a picture: when there are
/// too many, neighbours become one.
#[derive(Default)]
pub struct History {
    pieces: Vec<Piece>,
    /// Windows in a piece that is whole.
    windows: usize,
    parts: Vec<Stretch>,
}

struct Piece {
    start_secs: f64,
    end_secs: f64,
    probabilities: Vec<f32>,
    picture: RgbImage,
    windows: usize,
}

/// Pieces that are kept: more are not seen in a picture.
const MOST_PIECES: usize = 1024;

impl History {
    /// Takes the next window.
    pub fn add(&mut self, moment: &Moment) {
        let piece = Piece {
            start_secs: moment.start_secs,
            end_secs: moment.end_secs,
            probabilities: moment.answer.probabilities.clone(),
            picture: pixels(&moment.picture),
            windows: 1,
        };
        match self.pieces.last_mut().filter(|last| last.windows < self.windows) {
            Some(last) => last.take(piece),
            None => self.pieces.push(piece),
        }
        if self.pieces.len() > MOST_PIECES {
            self.halve();
        }
    }

    /// Takes the next part of one class.
    pub fn add_part(&mut self, part: &Stretch) {
        self.parts.push(part.clone());
    }

    fn halve(&mut self) {
        let mut halved: Vec<Piece> = Vec::with_capacity(MOST_PIECES);
        for (number, piece) in self.pieces.drain(..).enumerate() {
            match halved.last_mut().filter(|_| number % 2 == 1) {
                Some(last) => last.take(piece),
                None => halved.push(piece),
            }
        }
        self.windows = 2 * self.windows.max(1);
        self.pieces = halved;
    }

    /// What is drawn.
    pub fn timeline(self, title: String, classes: &[String]) -> Timeline {
        let mut timeline = Timeline::new(title, classes.to_vec());
        for Piece { start_secs, end_secs, probabilities, picture, .. } in self.pieces {
            timeline.add_moment((start_secs + end_secs) / 2.0, probabilities);
            timeline.add_frame((start_secs + end_secs) / 2.0, picture);
        }
        for Stretch { start_secs, end_secs, class, .. } in self.parts {
            timeline.add_band(Band { start_secs, end_secs, class });
        }
        timeline
    }
}

fn pixels(frame: &Frame) -> RgbImage {
    let picture = RgbImage::from_raw(frame.width() as u32, frame.height() as u32, frame.data().to_vec());
    picture.expect("a frame has three bytes a pixel")
}

impl Piece {
    /// Becomes one with its neighbour.
    fn take(&mut self, next: Self) {
        let (own, others) = (self.windows as f32, next.windows as f32);
        let mean = |(own_value, other): (&f32, f32)| (own_value * own + other * others) / (own + others);
        self.probabilities = self.probabilities.iter().zip(next.probabilities).map(mean).collect();
        self.end_secs = next.end_secs;
        self.windows += next.windows;
    }
}

#[cfg(test)]
mod tests {
    use taf::predict::Answer;
    use taf_video::Frame;

    use super::*;

    #[test]
    fn many_windows_are_kept_as_the_means_of_neighbours() {
        let mut history = History::default();
        for window in 0..10_000u32 {
            let first = if window < 5000 { 1.0 } else { 0.0 };
            history.add(&Moment {
                start_secs: f64::from(window),
                end_secs: f64::from(window + 1),
                answer: Answer { probabilities: vec![first, 1.0 - first] },
                picture: Frame::new(1, 1, vec![0; 3]),
            });
        }
        assert!((MOST_PIECES / 2..=MOST_PIECES).contains(&history.pieces.len()), "{}", history.pieces.len());
        let sum: f64 =
            history.pieces.iter().map(|piece| f64::from(piece.probabilities[0]) * piece.windows as f64).sum();
        assert!((sum - 5000.0).abs() < 1.0, "{sum}");
        let whole = history.pieces.windows(2).all(|pair| pair[0].end_secs == pair[1].start_secs);
        assert!(whole && history.pieces.last().unwrap().end_secs == 10_000.0);
    }
}
