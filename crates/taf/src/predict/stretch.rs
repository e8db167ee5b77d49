use super::Moment;

/// A part of a long video of which a network says one thing: neighbouring windows of one class.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// Where it begins, in seconds from the first frame.
    pub start_secs: f64,
    /// Where it ends. Windows that overlap meet in the middle of what they share.
    pub end_secs: f64,
    /// The class.
    pub class: usize,
    /// The mean of its probability over the windows.
    pub probability: f32,
    /// How many windows there are.
    pub windows: usize,
}

/// Puts neighbouring windows of one class together, as they come.
pub fn stretches() -> Stretches {
    Stretches { open: None }
}

/// The stretch that is being put together.
#[derive(Debug)]
pub struct Stretches {
    open: Option<Stretch>,
}

impl Stretches {
    /// Takes the next window; what ended before it, if anything did.
    pub fn add(&mut self, moment: &Moment) -> Option<Stretch> {
        let (class, probability) = moment.answer.top(1)[0];
        let Moment { start_secs, end_secs, .. } = *moment;
        match &mut self.open {
            Some(open) if open.class == class => {
                let windows = open.windows as f32;
                open.probability = (open.probability * windows + probability) / (windows + 1.0);
                open.end_secs = end_secs;
                open.windows += 1;
                None
            }
            open => {
                let border = open.as_ref().map_or(start_secs, |open| border(open.end_secs, start_secs));
                let next = Stretch { start_secs: border, end_secs, class, probability, windows: 1 };
                open.replace(next).map(|ended| Stretch { end_secs: ended.end_secs.min(border), ..ended })
            }
        }
    }

    /// What was put together last, if anything was.
    pub fn finish(self) -> Option<Stretch> {
        self.open
    }
}

/// Where a stretch begins whose window starts at `start` after one that ended at `end`.
fn border(end: f64, start: f64) -> f64 {
    if end > start { (end + start) / 2.0 } else { start }
}

#[cfg(test)]
mod tests {
    use taf_video::Frame;

    use super::*;
    use crate::predict::Answer;

    /// Windows of a second each, so far apart, and the probability of the second of two classes.
    fn put_together(every: f64, second: &[f32]) -> Vec<Stretch> {
        let moment = |(number, &second): (usize, &f32)| Moment {
            start_secs: number as f64 * every,
            end_secs: number as f64 * every + 1.0,
            answer: Answer { probabilities: vec![1.0 - second, second] },
            picture: Frame::new(1, 1, vec![0; 3]),
        };
        let mut all = stretches();
        let mut ended: Vec<Stretch> = second.iter().enumerate().filter_map(|window| all.add(&moment(window))).collect();
        ended.extend(all.finish());
        ended
    }

    fn spans(found: &[Stretch]) -> Vec<(f64, f64, usize)> {
        found.iter().map(|stretch| (stretch.start_secs, stretch.end_secs, stretch.class)).collect()
    }

    #[test]
    fn neighbours_of_one_class_are_one_stretch_with_their_mean_probability() {
        let found = put_together(1.0, &[0.25, 0.0, 0.75, 0.75, 0.5]);
        assert_eq!(spans(&found), [(0.0, 2.0, 0), (2.0, 4.0, 1), (4.0, 5.0, 0)]);
        assert_eq!(found.iter().map(|stretch| stretch.probability).collect::<Vec<_>>(), [0.875, 0.75, 0.5]);
    }

    #[test]
    fn stretches_of_windows_that_overlap_meet_in_the_middle_and_of_distant_ones_keep_the_gap() {
        assert_eq!(spans(&put_together(0.5, &[0.0, 0.0, 1.0, 1.0])), [(0.0, 1.25, 0), (1.25, 2.5, 1)]);
        assert_eq!(spans(&put_together(4.0, &[0.0, 1.0])), [(0.0, 1.0, 0), (4.0, 5.0, 1)]);
    }

    #[test]
    fn nothing_makes_no_stretch() {
        assert!(put_together(1.0, &[]).is_empty());
    }
}
