use std::ops::ControlFlow;
use std::time::Instant;

use burn::tensor::Device;

use super::{AnswerKey, Answers, Condition, Evaluation, EvaluationError, Examinee, KEEP_EVERY, Store, Version, Views};
use crate::model::VideoModel;

/// A network, the videos it is asked about, and where its answers are kept.
pub struct Subject<'a, M> {
    /// What it is called.
    pub name: String,
    /// The network.
    pub model: &'a M,
    /// The videos and how it is shown them.
    pub evaluation: &'a Evaluation,
    /// Where its answers are kept; none keeps none.
    pub kept: Option<Kept>,
}

/// Where the answers of a network are kept, and what they depend on beside the videos.
#[derive(Clone, Debug)]
pub struct Kept {
    store: Store,
    key: AnswerKey,
}

impl Kept {
    /// In `store`, of the network whose weights have this SHA-256, made by this version and commit of a program.
    pub fn new(store: Store, evaluation: &Evaluation, weights: &str, program: &str) -> Self {
        Self { store, key: AnswerKey::new(evaluation, Version::Clean, weights, program) }
    }

    fn key(&self, condition: Condition, views: &Views) -> AnswerKey {
        self.key.of_version(condition.version()).of_views(views)
    }
}

/// What happens while networks are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told<'a> {
    /// Answers of an earlier time are used: those to the first so many videos.
    GoesOn {
        /// The network.
        name: &'a str,
        /// What it is asked under.
        condition: Condition,
        /// Videos it has answered.
        answered: usize,
        /// All videos.
        videos: usize,
    },
    /// So many answers are there by now, of all networks under all conditions so far.
    Answered(usize),
}

/// Networks that are asked under the same conditions. Those that are shown the videos alike share every clip, which is decoded
/// and spoiled once; what is answered is kept every minute and at the end of a condition, whatever that is, and used again.
pub struct Interview<'a, M> {
    subjects: Vec<Subject<'a, M>>,
    /// The places of those that are shown the videos alike.
    groups: Vec<Vec<usize>>,
    device: &'a Device,
    /// Answers under earlier conditions.
    answered: usize,
    unkept: Option<taf_files::Error>,
}

impl<'a, M: VideoModel> Interview<'a, M> {
    /// Networks on the plain `device` (see `Module::valid`). Those that are asked about other videos share no clips.
    pub fn new(subjects: Vec<Subject<'a, M>>, device: &'a Device) -> Self {
        let evaluations: Vec<&Evaluation> = subjects.iter().map(|subject| subject.evaluation).collect();
        let groups = Evaluation::shown_alike(&evaluations);
        Self { subjects, groups, device, answered: 0, unkept: None }
    }

    /// The networks.
    pub fn subjects(&self) -> &[Subject<'a, M>] {
        &self.subjects
    }

    /// What every network answers under a condition. Where `told` breaks, that is the end, and what is answered is kept.
    ///
    /// # Errors
    /// As [`Evaluation::ask`], and [`EvaluationError::Stopped`] where `told` broke.
    pub fn answers(
        &mut self,
        condition: Condition,
        told: &mut dyn FnMut(Told) -> ControlFlow<()>,
    ) -> Result<Vec<Answers>, EvaluationError> {
        let known = |subject: &Subject<M>| {
            let kept = subject.kept.as_ref()?;
            kept.store.find(&kept.key(condition, &condition.views(&subject.evaluation.views)))
        };
        let mut answers: Vec<Option<Answers>> = self.subjects.iter().map(known).collect();
        let all = |answers: &[Option<Answers>]| answers.iter().flatten().map(Answers::videos).sum::<usize>();
        for group in 0..self.groups.len() {
            let open = self.groups[group].iter().filter(|&&of| answers[of].is_none());
            let together: Vec<usize> = open.copied().collect();
            if together.is_empty() {
                continue;
            }
            let before = self.answered + all(&answers);
            let made = self.ask(&together, condition, &mut |event| match event {
                Told::Answered(answered) => told(Told::Answered(before + answered)),
                event => told(event),
            })?;
            together.into_iter().zip(made).for_each(|(of, made)| answers[of] = Some(made));
        }
        let answers: Vec<Answers> = answers.into_iter().flatten().collect();
        // Where all was known nothing was told, and a stop may have been asked for.
        let answered = answers.iter().map(Answers::videos).sum();
        self.answered += answered;
        match told(Told::Answered(self.answered)) {
            ControlFlow::Continue(()) => Ok(answers),
            ControlFlow::Break(()) => Err(EvaluationError::Stopped { condition, answered, asked: answered }),
        }
    }

    /// Why answers could not be kept, where so; they are good all the same.
    pub fn take_unkept(&mut self) -> Option<taf_files::Error> {
        self.unkept.take()
    }

    /// Asks networks that are shown the videos alike, and keeps what they say, also before an error.
    fn ask(
        &mut self,
        together: &[usize],
        condition: Condition,
        told: &mut dyn FnMut(Told) -> ControlFlow<()>,
    ) -> Result<Vec<Answers>, EvaluationError> {
        let subjects: Vec<&Subject<M>> = together.iter().map(|&of| &self.subjects[of]).collect();
        let evaluation = shared_by(&subjects, condition);
        let videos = evaluation.records().len();
        let keeper = Keeper::new(&subjects, condition, &evaluation.views);
        let known = keeper.parts();
        for (subject, known) in subjects.iter().zip(&known) {
            let answered = known.as_ref().map_or(0, Answers::videos);
            if answered > 0 && told(Told::GoesOn { name: &subject.name, condition, answered, videos }).is_break() {
                return Err(EvaluationError::Stopped { condition, answered, asked: videos });
            }
        }
        let (mut kept, mut stopped) = (Instant::now(), false);
        let examinees = subjects.iter().zip(known).map(|(subject, known)| Examinee {
            model: subject.model,
            batch_size: subject.evaluation.batch_size,
            known,
        });
        let (mut answers, version) = (Vec::new(), condition.version());
        let asked = evaluation.ask_into(&mut answers, examinees.collect(), version, self.device, &mut |answers| {
            if kept.elapsed() >= KEEP_EVERY {
                // What cannot be kept now is tried again, and told at the end.
                let _ = keeper.keep(answers, videos);
                kept = Instant::now();
            }
            let event = told(Told::Answered(answers.iter().map(Answers::videos).sum()));
            stopped = event.is_break();
            event
        });
        let unkept = keeper.keep(&answers, videos);
        self.unkept = self.unkept.take().or(unkept);
        asked?;
        let answered = answers.iter().map(Answers::videos).sum();
        match stopped {
            false => Ok(answers),
            true => Err(EvaluationError::Stopped { condition, answered, asked: together.len() * videos }),
        }
    }
}

/// The videos as all of some networks are shown them under a condition, decoded ahead as the most willing of them says.
fn shared_by<M>(subjects: &[&Subject<M>], condition: Condition) -> Evaluation {
    let first = subjects[0].evaluation;
    let threads = subjects.iter().map(|subject| subject.evaluation.threads).max().unwrap_or(1);
    Evaluation { views: condition.views(&first.views), threads, ..first.clone() }
}

/// Where the answers under one condition are kept, by network.
struct Keeper(Vec<Option<(Store, AnswerKey)>>);

impl Keeper {
    fn new<M>(subjects: &[&Subject<M>], condition: Condition, views: &Views) -> Self {
        let place =
            |subject: &&Subject<M>| subject.kept.as_ref().map(|kept| (kept.store.clone(), kept.key(condition, views)));
        Self(subjects.iter().map(place).collect())
    }

    /// The answers to the first videos.
    fn parts(&self) -> Vec<Option<Answers>> {
        self.0.iter().map(|place| place.as_ref().and_then(|(store, key)| store.find_part(key))).collect()
    }

    /// Keeps answers to all `videos`, or to the first of them; why not, where so. Where those of one cannot be kept, others can.
    fn keep(&self, answers: &[Answers], videos: usize) -> Option<taf_files::Error> {
        let mut unkept = None;
        for ((store, key), answers) in self.0.iter().zip(answers).filter_map(|(place, of)| Some((place.as_ref()?, of)))
        {
            let kept = match answers.videos() {
                0 => Ok(()),
                all if all == videos => store.keep(key, answers),
                _ => store.keep_part(key, answers),
            };
            unkept = kept.err().or(unkept);
        }
        unkept
    }
}
