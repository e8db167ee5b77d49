use crate::synthetic::role::Role;

/// A text file beside the clips: its place under the root, and what it says.
pub(super) type List = (String, String);

/// Which list a clip is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Split {
    Train,
    Val,
    Test,
}

impl Split {
    pub(super) const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

    pub(super) fn name(self) -> &'static str {
        ["train", "val", "test"][self as usize]
    }
}

/// A clip as the lists tell of it.
pub(super) struct Sample {
    pub split: Split,
    pub role: usize,
    pub index: usize,
    /// What its file or folder is called.
    pub id: String,
    pub frames: usize,
    /// What is moved.
    pub object: &'static str,
}

/// All clips of a miniature, in the order of its lists.
pub(super) struct Samples {
    pub roles: &'static [Role],
    pub samples: Vec<Sample>,
}

impl Samples {
    pub(super) fn of(&self, split: Split) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |sample| sample.split == split)
    }

    pub(super) fn class(&self, sample: &Sample) -> &'static str {
        self.roles[sample.role].name
    }

    pub(super) fn classes(&self) -> impl Iterator<Item = &'static str> {
        self.roles.iter().map(|role| role.name)
    }
}

/// One line a row.
pub(super) fn rows(rows: impl Iterator<Item = String>) -> String {
    rows.map(|row| row + "\n").collect()
}
