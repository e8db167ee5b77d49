use std::num::NonZeroUsize;

use taf::evaluate::{Evaluation, TrialFile, TrialKey};
use taf::trained::Trained;

use crate::answers::answered_by;
use crate::panel::Panel;

/// The most clips that are tried together. A stop waits until one trial is through with them, and that of masked gradients costs
/// about 90 gradients a clip.
const TOGETHER: usize = 2;

/// The most versions of a clip that go through a network together.
const VERSIONS: usize = 8;

/// Networks that are shown the same clips.
pub struct Group<'a> {
    pub members: Vec<Member<'a>>,
    /// The videos and how all of them are shown, in batches that suit each.
    pub evaluation: Evaluation,
    /// How many versions of a clip go through a network together.
    pub versions: usize,
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
        let most = |at_most| evaluations().map(|evaluation| evaluation.batch_size).fold(at_most, usize::min);
        let (batch_size, versions) = (most(TOGETHER), most(VERSIONS));
        let first = evaluations().next().expect("a group has a network");
        let evaluation = Evaluation { batch_size, ..first.clone() };
        let member = |&place: &usize| {
            let (name, trained, _) = all[place];
            Member { place, name, trained }
        };
        let videos = evaluation.sample(clips.get());
        Self { members: places.iter().map(member).collect(), evaluation, versions, videos }
    }

    /// The names of the networks.
    pub fn names(&self) -> String {
        self.members.iter().map(|member| member.name).collect::<Vec<_>>().join(", ")
    }

    /// What the findings of all trials depend on.
    pub fn key(&self) -> TrialKey {
        TrialKey::new(&self.evaluation, &self.videos, &answered_by())
    }
}

impl<'a> Member<'a> {
    /// The SHA-256 of its weights.
    pub fn weights(&self) -> &'a str {
        &self.trained.weights_hash
    }

    /// Where findings are kept.
    pub fn file(&self, key: TrialKey) -> TrialFile {
        TrialFile::new(self.trained.run.predictions(), key)
    }
}
