use std::cell::RefCell;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::rc::Rc;

use burn::tensor::Device;
use taf_video::{Clip, Error, Result};

use super::{Answers, Evaluation, EvaluationError, Version, ask};
use crate::model::VideoModel;

/// A network that is asked together with others.
pub struct Examinee<'a, M> {
    /// The network.
    pub model: &'a M,
    /// Views that go through it together, at least 1.
    pub batch_size: usize,
    /// What it said about the first videos, where it was asked before.
    pub known: Option<Answers>,
}

impl Evaluation {
    /// [`Self::ask`] that can be stopped and gone on with: `known` are the answers to the first videos, `each` hears after
    /// every video what is answered by then, and where it breaks, that is the end.
    ///
    /// Answers that do not fill whole batches are asked for again: those at the end are, bit for bit, the ones of a network
    /// that is asked in one go with the same batches.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn ask_on<M: VideoModel>(
        &self,
        model: &M,
        version: Version,
        device: &Device,
        known: Option<Answers>,
        each: &mut dyn FnMut(&Answers) -> ControlFlow<()>,
    ) -> std::result::Result<Answers, EvaluationError> {
        let examinee = vec![Examinee { model, batch_size: self.batch_size, known }];
        let answers = self.ask_all(examinee, version, device, &mut |answers| each(&answers[0]))?;
        Ok(answers.into_iter().next().expect("one network was asked"))
    }

    /// Asks several networks about every view of one version of all videos, each video decoded and spoiled once for all of
    /// them. Every network's answers are, bit for bit, those that it gives alone; `each` hears all of them after every video,
    /// and where it breaks, that is the end. Of networks with answers the videos before are not asked again, see
    /// [`Self::ask_on`].
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn ask_all<M: VideoModel>(
        &self,
        examinees: Vec<Examinee<M>>,
        version: Version,
        device: &Device,
        each: &mut dyn FnMut(&[Answers]) -> ControlFlow<()>,
    ) -> std::result::Result<Vec<Answers>, EvaluationError> {
        let mut answers = Vec::new();
        self.ask_into(&mut answers, examinees, version, device, each)?;
        Ok(answers)
    }

    /// [`Self::ask_all`], with what is answered before an error.
    pub(super) fn ask_into<M: VideoModel>(
        &self,
        answers: &mut Vec<Answers>,
        examinees: Vec<Examinee<M>>,
        version: Version,
        device: &Device,
        each: &mut dyn FnMut(&[Answers]) -> ControlFlow<()>,
    ) -> std::result::Result<(), EvaluationError> {
        let known = |of: &Examinee<M>| self.whole_batches(of.known.clone(), of.model.classes(), of.batch_size);
        *answers = examinees.iter().map(known).collect();
        let begins: Vec<usize> = answers.iter().map(Answers::videos).collect();
        let first = begins.iter().copied().min().unwrap_or(0);
        let videos = self.decoded((first..self.records().len()).collect(), self.views.clone(), version);
        let shared = RefCell::new(Shared::new(videos, begins.iter().map(|begin| begin - first)));
        let reader = |of: usize| {
            std::iter::from_fn({
                let shared = &shared;
                move || shared.borrow_mut().next(of)
            })
        };
        let talk = |of: usize| ask(examinees[of].model, device, examinees[of].batch_size, reader(of));
        let mut talks: Vec<_> = (0..examinees.len()).map(talk).collect();
        for (place, record) in self.records().iter().enumerate().skip(first) {
            for (of, talk) in talks.iter_mut().enumerate().filter(|(of, _)| begins[*of] <= place) {
                // A video that cannot be read ends what is shared.
                let Some((_, answer)) = talk.next() else { return Err(shared.borrow_mut().failure().into()) };
                answers[of].push(answer.map_err(|source| EvaluationError::answer(record, source))?);
            }
            if each(answers).is_break() {
                break;
            }
        }
        match answers.iter().all(|answers| answers.videos() > 0) {
            true => Ok(()),
            false => Err(EvaluationError::NoVideos),
        }
    }

    /// Those of the known answers after which a batch began.
    fn whole_batches(&self, known: Option<Answers>, classes: usize, batch_size: usize) -> Answers {
        let views = self.views.count();
        let fits = |known: &Answers| known.videos() <= self.records().len() && known.shape()[1..] == [views, classes];
        let mut answers = known.filter(fits).unwrap_or_else(|| Answers::none_of(views, classes));
        let begins_batch = |videos: &usize| (videos * views).is_multiple_of(batch_size.max(1));
        if answers.videos() < self.records().len() {
            answers.truncate((0..=answers.videos()).rev().find(begins_batch).unwrap_or(0));
        }
        answers
    }
}

/// Videos that several readers take at their own pace, each once from the source.
struct Shared<V> {
    source: V,
    taken: usize,
    readers: Vec<Reader>,
    failure: Option<Error>,
}

struct Reader {
    /// The first video it takes.
    begin: usize,
    waiting: VecDeque<Rc<Vec<Clip>>>,
}

impl<V: Iterator<Item = Result<Vec<Clip>>>> Shared<V> {
    fn new(source: V, begins: impl Iterator<Item = usize>) -> Self {
        let readers = begins.map(|begin| Reader { begin, waiting: VecDeque::new() }).collect();
        Self { source, taken: 0, readers, failure: None }
    }

    /// The next video of a reader; none at the end, or where the source failed.
    fn next(&mut self, reader: usize) -> Option<((), Result<Vec<Clip>>)> {
        while self.readers[reader].waiting.is_empty() {
            self.take()?;
        }
        let clips = self.readers[reader].waiting.pop_front()?;
        Some(((), Ok(Rc::unwrap_or_clone(clips))))
    }

    /// Gives the next video to all that want it.
    fn take(&mut self) -> Option<()> {
        if self.failure.is_some() {
            return None;
        }
        let clips = match self.source.next()? {
            Ok(clips) => Rc::new(clips),
            Err(error) => {
                self.failure = Some(error);
                return None;
            }
        };
        for reader in self.readers.iter_mut().filter(|reader| reader.begin <= self.taken) {
            reader.waiting.push_back(clips.clone());
        }
        self.taken += 1;
        Some(())
    }

    fn failure(&mut self) -> Error {
        self.failure.take().expect("videos end early only by a failure")
    }
}

#[cfg(test)]
mod tests {
    use taf_video::Frame;

    use super::*;

    fn clip(brightness: u8) -> Vec<Clip> {
        vec![Clip::new(vec![Frame::filled(2, 2, [brightness; 3])])]
    }

    fn brightness(taken: Option<((), Result<Vec<Clip>>)>) -> Option<u8> {
        taken.map(|((), clips)| clips.unwrap()[0].frames()[0].data()[0])
    }

    #[test]
    fn every_video_comes_from_the_source_once_and_reaches_every_reader_from_its_first_on() {
        let mut taken = 0;
        let source = (0..4u8).map(|video| {
            taken += 1;
            Ok(clip(video))
        });
        let mut shared = Shared::new(source, [0, 2].into_iter());
        let ahead: Vec<_> = (0..3).map(|_| brightness(shared.next(0))).collect();
        assert_eq!(ahead, [Some(0), Some(1), Some(2)]);
        assert_eq!([brightness(shared.next(1)), brightness(shared.next(1))], [Some(2), Some(3)]);
        assert_eq!([brightness(shared.next(1)), brightness(shared.next(0))], [None, Some(3)]);
        assert_eq!(brightness(shared.next(0)), None);
        assert_eq!(taken, 4);
    }

    #[test]
    fn a_video_that_cannot_be_read_ends_all_readers_after_those_before_it() {
        let broken = || Error::Content { path: "b.mp4".into(), expected: "a video".into(), found: "a poem".into() };
        let mut shared = Shared::new([Ok(clip(7)), Err(broken()), Ok(clip(9))].into_iter(), [0, 0].into_iter());
        assert_eq!([brightness(shared.next(0)), brightness(shared.next(0))], [Some(7), None]);
        assert_eq!([brightness(shared.next(1)), brightness(shared.next(1))], [Some(7), None]);
        assert!(shared.failure().to_string().contains("a poem"));
    }
}
