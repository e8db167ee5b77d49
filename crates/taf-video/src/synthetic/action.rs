/// The names of the classes in the order of their label ids; classes `2k` and `2k + 1` are each other backwards.
pub const CLASSES: [&str; 10] = [
    "moving left",
    "moving right",
    "moving up",
    "moving down",
    "approaching",
    "receding",
    "rotating clockwise",
    "rotating counter-clockwise",
    "appearing",
    "disappearing",
];

/// The label ids of the classes that are each other backwards.
pub fn time_reversal_pairs() -> [(usize, usize); 5] {
    [0, 1, 2, 3, 4].map(|pair| (2 * pair, 2 * pair + 1))
}

/// What happens in a clip, told forwards; played backwards it is the other class of the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    MoveLeft,
    MoveUp,
    Approach,
    RotateClockwise,
    Appear,
}

impl Action {
    pub(super) const ALL: [Self; 5] =
        [Self::MoveLeft, Self::MoveUp, Self::Approach, Self::RotateClockwise, Self::Appear];

    /// The action of a class, and whether it is played backwards.
    pub(super) fn of_class(class: usize) -> (Self, bool) {
        assert!(class < CLASSES.len(), "class {class} of {}", CLASSES.len());
        (Self::ALL[class / 2], class % 2 == 1)
    }

    /// The name of the class that plays it forwards.
    pub(super) fn name(self) -> &'static str {
        CLASSES[2 * self as usize]
    }
}
