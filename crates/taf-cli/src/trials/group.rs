use std::num::NonZeroUsize;

use taf::evaluate::{Evaluation, TrialFile, TrialKey};
use taf::trained::Trained;

use crate::answers::program;
use crate::panel::Panel;

/// The most clips that go through a network together: a stop waits for as many.
const TOGETHER: usize = 8;

/// Networks that are shown the same clips.
pub struct Group<'a> {
    pub members: Vec<Member<'a>>,
    /// The videos and how all of them are shown, in batches that suit each.
    pub evaluation: Evaluation,
    /// The places of those that are tried.
    pub videos: Vec<usize>,
}

/// A network of a group.
pub struct Member<'a> {
    /// Its place in the panel.
    pub place: usize,
    pub name: &'a str,
    pub trained: &'a Trained,
}

impl<'a> Group<'a> {
    /// Those at some places of a panel, with clips of so many videos, a sample by class.
    pub fn new(panel: &'a Panel, places: &[usize], clips: NonZeroUsize) -> Self {
        let all: Vec<_> = panel.members().collect();
        let evaluations = || places.iter().map(|&place| &all[place].2.evaluation);
        let batch_size = evaluations().map(|evaluation| evaluation.batch_size).fold(TOGETHER, usize::min);
        let first = evaluations().next().expect("a group has a network");
        let evaluation = Evaluation { batch_size, ..first.clone() };
        let member = |&place: &usize| {
            let (name, trained, _) = all[place];
            Member { place, name, trained }
        };
        let videos = evaluation.sample(clips.get());
        Self { members: places.iter().map(member).collect(), evaluation, videos }
    }

    /// The names of the networks.
    pub fn names(&self) -> String {
        self.members.iter().map(|member| member.name).collect::<Vec<_>>().join(", ")
    }

    /// How many clips all trials try together: for each network two of attacks, and two of attention, and where there are
    /// several one more of attacks.
    pub fn clips(&self, attacks: bool, attention: bool) -> usize {
        let networks = self.members.len();
        let of_attacks = if attacks { 2 * networks + usize::from(networks > 1) } else { 0 };
        let of_attention = if attention { 2 * networks } else { 0 };
        (of_attacks + of_attention) * self.videos.len()
    }

    /// What the findings of all trials depend on.
    pub fn key(&self) -> TrialKey {
        TrialKey::new(&self.evaluation, &self.videos, &program())
    }
}

impl<'a> Member<'a> {
    /// Its name, and the hash of its weights.
    pub fn identity(&self) -> [&'a str; 2] {
        [self.name, &self.trained.weights_hash]
    }

    /// Where findings are kept.
    pub fn file(&self, key: TrialKey) -> TrialFile {
        TrialFile::new(self.trained.run.predictions(), key)
    }
}
