//! Mirrors in space and time that change the label along with the picture.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::transform::{Axis, LabelSwap, directional_pairs, flip_horizontal, flip_vertical, reverse_time};
use crate::{Clip, Error, Result, Seed};

/// Whether clips are mirrored in training, and what becomes of the label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlipPolicy {
    /// Never mirrored.
    #[default]
    Off,
    /// Mirrored, the label kept. Refused when the mirror turns one class into another.
    Plain,
    /// Mirrored, the label exchanged with that of the class the mirror shows.
    Swap,
}

/// What is reversed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mirror {
    Horizontal,
    Vertical,
    Time,
}

impl Mirror {
    fn setting(self) -> &'static str {
        match self {
            Self::Horizontal => "horizontal_flip",
            Self::Vertical => "vertical_flip",
            Self::Time => "time_reversal",
        }
    }

    /// The setting that names pairs of classes.
    fn pairs_setting(self) -> &'static str {
        match self {
            Self::Horizontal => "horizontal_pairs",
            Self::Vertical => "vertical_pairs",
            Self::Time => "reversal_pairs",
        }
    }

    fn apply(self, clip: Clip) -> Clip {
        match self {
            Self::Horizontal => flip_horizontal(clip),
            Self::Vertical => flip_vertical(clip),
            Self::Time => reverse_time(clip),
        }
    }

    /// The pairs of classes whose names show that they are exchanged.
    fn pairs(self, classes: &[String]) -> Vec<(usize, usize)> {
        match self {
            Self::Horizontal => directional_pairs(classes, Axis::Horizontal),
            Self::Vertical => directional_pairs(classes, Axis::Vertical),
            // A name does not tell whether its motion can be played backwards: only the user's pairs do.
            Self::Time => Vec::new(),
        }
    }

    /// A pair of classes that must not be mirrored with their labels kept.
    fn forbids_plain(self, swap: &LabelSwap, classes: &[String]) -> Option<(usize, usize)> {
        let directions = || [Axis::Horizontal, Axis::Vertical].map(|axis| directional_pairs(classes, axis)).concat();
        let moving = if self == Self::Time { directions() } else { Vec::new() };
        swap.pairs().into_iter().chain(moving).next()
    }
}

/// One mirror that is on, with its table of labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flip {
    mirror: Mirror,
    labels: LabelSwap,
    /// Clips of classes in no pair are left alone.
    only_listed: bool,
}

impl Flip {
    /// The mirror, or none if it is off. `named`: pairs of class names besides those the names themselves show.
    pub fn new(mirror: Mirror, policy: FlipPolicy, named: &[[String; 2]], classes: &[String]) -> Result<Option<Self>> {
        let found = LabelSwap::from_pairs(&mirror.pairs(classes), classes.len())?;
        let labels = found.joined(&LabelSwap::from_names(named, classes)?)?;
        match policy {
            FlipPolicy::Off => Ok(None),
            FlipPolicy::Plain => {
                refuse_plain(mirror, &labels, classes)?;
                refuse_something_by_number(mirror, named, classes)?;
                Ok(Some(Self { mirror, labels, only_listed: false }))
            }
            FlipPolicy::Swap => {
                refuse_without_pairs(mirror, named)?;
                refuse_bare_numbers(mirror, named, classes)?;
                Ok(Some(Self { mirror, labels, only_listed: mirror == Mirror::Time }))
            }
        }
    }

    /// Mirrors clip and label with the given probability, drawn at this mirror's own place under `seed`.
    pub fn maybe(&self, clip: Clip, label: usize, probability: f64, seed: Seed) -> (Clip, usize) {
        let drawn = seed.with(self.mirror.setting()).rng().random_bool(probability);
        if !drawn || (self.only_listed && !self.labels.lists(label)) {
            return (clip, label);
        }
        (self.mirror.apply(clip), self.labels.swap(label))
    }
}

fn refuse_plain(mirror: Mirror, labels: &LabelSwap, classes: &[String]) -> Result<()> {
    let Some((a, b)) = mirror.forbids_plain(labels, classes) else { return Ok(()) };
    let (a, b) = (&classes[a], &classes[b]);
    let expected = format!("\"off\" or \"swap\", because it turns class {a:?} into class {b:?}");
    Err(Error::setting(mirror.setting(), expected, "\"plain\""))
}

/// Classes of Something-Something V1 and V2: six of them change in a left-right mirror, others in the other two.
const SOMETHING_CLASSES: usize = 174;

/// Bare numbers hide that a mirror turns one class into another.
fn refuse_something_by_number(mirror: Mirror, named: &[[String; 2]], classes: &[String]) -> Result<()> {
    if classes.len() != SOMETHING_CLASSES {
        return Ok(());
    }
    refuse_numbers(mirror, named, classes, "\"off\"", "\"plain\"")
}

/// Where no pair is known, a mirror that should exchange labels would exchange none and say nothing.
fn refuse_bare_numbers(mirror: Mirror, named: &[[String; 2]], classes: &[String]) -> Result<()> {
    refuse_numbers(mirror, named, classes, "\"off\" or \"plain\"", "\"swap\"")
}

fn refuse_numbers(
    mirror: Mirror,
    named: &[[String; 2]],
    classes: &[String],
    expected: &str,
    got: &'static str,
) -> Result<()> {
    if !named.is_empty() || !classes.iter().all(|class| class.parse::<u64>().is_ok()) {
        return Ok(());
    }
    let remedy = format!("unless {} says what it exchanges, or the classes have names", mirror.pairs_setting());
    let why = format!("{} classes called by numbers do not tell", classes.len());
    Err(Error::setting(mirror.setting(), format!("{expected} {remedy} ({why})"), got))
}

/// Without pairs a swapping reversal would never reverse anything.
fn refuse_without_pairs(mirror: Mirror, named: &[[String; 2]]) -> Result<()> {
    if mirror == Mirror::Time && named.is_empty() {
        return Err(Error::setting(mirror.setting(), "\"off\" unless reversal_pairs names some classes", "\"swap\""));
    }
    Ok(())
}
