use super::Average;

/// What a network says about every view of every video of a list: as many numbers as videos x views x classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    views: usize,
    classes: usize,
    logits: Vec<f32>,
}

impl Answers {
    /// Answers to a list of videos in its order, nothing where they are none: `logits` are `[videos, views, classes]`, finite,
    /// every axis at least 1.
    pub fn new([videos, views, classes]: [usize; 3], logits: Vec<f32>) -> Option<Self> {
        let size = videos.checked_mul(views)?.checked_mul(classes)?;
        let is_whole = size > 0 && logits.len() == size && logits.iter().all(|logit| logit.is_finite());
        is_whole.then_some(Self { views, classes, logits })
    }

    /// No answers yet.
    pub(super) fn none_of(views: usize, classes: usize) -> Self {
        Self { views, classes, logits: Vec::new() }
    }

    /// The answer to the next video: finite rows, one for each view.
    pub(super) fn push(&mut self, video: Vec<Vec<f32>>) {
        let lengths: Vec<usize> = video.iter().map(Vec::len).collect();
        assert_eq!(lengths, vec![self.classes; self.views], "a network answers its classes for every view");
        self.logits.extend(video.into_iter().flatten());
    }

    /// Forgets those to all but the first videos.
    pub(super) fn truncate(&mut self, videos: usize) {
        self.logits.truncate(videos * self.views * self.classes);
    }

    /// How many videos are answered.
    pub fn videos(&self) -> usize {
        self.logits.len() / (self.views * self.classes)
    }

    /// The lengths of the axes: videos, views, classes.
    pub fn shape(&self) -> [usize; 3] {
        [self.videos(), self.views, self.classes]
    }

    /// All numbers, the classes of a view together, the views of a video together.
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// The answer to every video: its views averaged.
    pub fn averaged(&self, average: Average) -> impl Iterator<Item = Vec<f32>> {
        self.logits.chunks(self.views * self.classes).map(move |video| average.of(video.chunks(self.classes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_video_is_the_mean_over_its_own_views() {
        let logits = vec![1.0, 2.0, 3.0, 4.0, 10.0, 20.0, 30.0, 40.0];
        let answers = Answers::new([2, 2, 2], logits).unwrap();
        assert_eq!(answers.averaged(Average::Logits).collect::<Vec<_>>(), [[2.0, 3.0], [20.0, 30.0]]);
        assert_eq!(answers.shape(), [2, 2, 2]);
    }

    #[test]
    fn numbers_that_are_none_or_do_not_fill_the_axes_are_no_answers() {
        assert!(Answers::new([1, 1, 2], vec![0.0, f32::NAN]).is_none());
        assert!(Answers::new([1, 2, 2], vec![0.0; 3]).is_none());
        assert!(Answers::new([0, 1, 2], vec![]).is_none());
        assert!(Answers::new([usize::MAX, 2, 2], vec![0.0; 4]).is_none());
    }
}
