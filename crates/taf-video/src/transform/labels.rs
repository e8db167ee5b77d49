//! What a mirror does to a label: `left` becomes `right`.

use std::collections::HashMap;

use crate::{Error, Result};

/// Words that exchange their meaning in a left-right mirror. A rotation changes its sense in any mirror.
const HORIZONTAL_WORDS: [(&str, &str); 4] =
    [("left", "right"), ("leftward", "rightward"), ("leftwards", "rightwards"), ("clockwise", "counterclockwise")];
/// Words that exchange their meaning in an up-down mirror.
const VERTICAL_WORDS: [(&str, &str); 5] = [
    ("up", "down"),
    ("upward", "downward"),
    ("upwards", "downwards"),
    ("top", "bottom"),
    ("clockwise", "counterclockwise"),
];

/// The direction in which a mirror exchanges the sides of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Left and right are exchanged.
    Horizontal,
    /// Up and down are exchanged.
    Vertical,
}

/// The pairs of classes that a mirror turns into each other, as `(i, j)` with `i < j`.
///
/// Two names are a pair when exchanging the words *left* and *right* (*up* and *down*, *top* and *bottom*; *clockwise* and
/// *counterclockwise* in either mirror) in one gives the other. Whole words count, in any letter case and punctuation, so
/// "pulling it right out" is a pair only if a class "pulling it left out" exists.
pub fn directional_pairs(classes: &[String], axis: Axis) -> Vec<(usize, usize)> {
    let names: Vec<Vec<String>> = classes.iter().map(|name| words(name)).collect();
    let index: HashMap<&[String], usize> =
        names.iter().enumerate().rev().map(|(i, name)| (name.as_slice(), i)).collect();
    let partner = |name: &[String]| index.get(mirrored(name, axis).as_slice()).copied();
    let pairs = names.iter().enumerate().filter_map(|(i, name)| Some((i, partner(name)?)));
    pairs.filter(|(i, j)| i < j).collect()
}

/// Lower-case words; the two spellings with "counter" and "anti", joined or apart, are one word.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let word = word.to_lowercase();
        let apart = word == "clockwise" && words.last().is_some_and(|last| last == "counter" || last == "anti");
        if apart {
            words.pop();
        }
        words.push(if apart || word == "anticlockwise" { "counterclockwise".to_owned() } else { word });
    }
    words
}

fn mirrored(name: &[String], axis: Axis) -> Vec<String> {
    let exchanges: &[(&str, &str)] = match axis {
        Axis::Horizontal => &HORIZONTAL_WORDS,
        Axis::Vertical => &VERTICAL_WORDS,
    };
    let exchange = |word: &String| {
        let found = exchanges.iter().find_map(|&(a, b)| match word.as_str() {
            w if w == a => Some(b),
            w if w == b => Some(a),
            _ => None,
        });
        found.map_or_else(|| word.clone(), str::to_owned)
    };
    name.iter().map(exchange).collect()
}

/// Which class each class becomes under a mirror or a reversal; doing it twice gives the class back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelSwap {
    partner: Vec<usize>,
    /// Whether a class was named in a pair; one paired with itself is listed too.
    listed: Vec<bool>,
}

impl LabelSwap {
    /// Every class stays what it is.
    pub fn identity(num_classes: usize) -> Self {
        Self { partner: (0..num_classes).collect(), listed: vec![false; num_classes] }
    }

    /// Exchanges the classes of each pair; a class in no pair stays what it is. Naming a pair twice, in either order, is allowed.
    ///
    /// # Errors
    /// [`Error::Setting`] if a class does not exist or has two different partners.
    pub fn from_pairs(pairs: &[(usize, usize)], num_classes: usize) -> Result<Self> {
        let mut swap = Self::identity(num_classes);
        for &(a, b) in pairs {
            swap.insert(a, b)?;
        }
        Ok(swap)
    }

    /// [`from_pairs`](Self::from_pairs) by class names.
    ///
    /// # Errors
    /// [`Error::Setting`] if a name is no class, or a class has two different partners.
    pub fn from_names(pairs: &[[String; 2]], classes: &[String]) -> Result<Self> {
        let find = |name: &String| {
            let missing =
                || Error::setting("label pair", format!("two of the {} classes", classes.len()), format!("{name:?}"));
            classes.iter().position(|class| class == name).ok_or_else(missing)
        };
        let pairs: Vec<_> = pairs.iter().map(|[a, b]| Ok((find(a)?, find(b)?))).collect::<Result<_>>()?;
        Self::from_pairs(&pairs, classes.len())
    }

    fn insert(&mut self, a: usize, b: usize) -> Result<()> {
        let num_classes = self.partner.len();
        for class in [a, b] {
            if class >= num_classes {
                return Err(Error::setting("label pair", format!("classes below {num_classes}"), class));
            }
        }
        for (class, partner) in [(a, b), (b, a)] {
            if self.listed[class] && self.partner[class] != partner {
                let got = format!("{} and {partner} for class {class}", self.partner[class]);
                return Err(Error::setting("label pair", "the only one of its classes", got));
            }
        }
        (self.partner[a], self.partner[b]) = (b, a);
        (self.listed[a], self.listed[b]) = (true, true);
        Ok(())
    }

    /// The class that `label` becomes.
    ///
    /// # Panics
    /// If `label` is no class.
    pub fn swap(&self, label: usize) -> usize {
        self.partner[label]
    }

    /// Whether `label` was named in a pair.
    ///
    /// # Panics
    /// If `label` is no class.
    pub fn lists(&self, label: usize) -> bool {
        self.listed[label]
    }

    /// The classes that change, as `(i, j)` with `i < j`.
    pub fn pairs(&self) -> Vec<(usize, usize)> {
        self.partner.iter().copied().enumerate().filter(|(i, j)| i < j).collect()
    }

    /// Number of classes.
    pub fn num_classes(&self) -> usize {
        self.partner.len()
    }

    /// Both tables in one.
    ///
    /// # Errors
    /// [`Error::Setting`] if a class has different partners in the two.
    pub(crate) fn joined(mut self, other: &Self) -> Result<Self> {
        for (class, &partner) in other.partner.iter().enumerate().filter(|(class, _)| other.listed[*class]) {
            self.insert(class, partner)?;
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn horizontal(names: &[&str]) -> Vec<(usize, usize)> {
        directional_pairs(&classes(names), Axis::Horizontal)
    }

    fn vertical(names: &[&str]) -> Vec<(usize, usize)> {
        directional_pairs(&classes(names), Axis::Vertical)
    }

    #[test]
    fn something_something_has_its_three_pairs_and_no_more() {
        let names = [
            "Plugging something into something but pulling it right out as you remove your hand",
            "Pulling something from left to right",
            "Pulling something from right to left",
            "Pushing something from left to right",
            "Turning the camera left while filming something",
            "Pushing something from right to left",
            "Turning the camera right while filming something",
            "Turning something upside down",
        ];
        assert_eq!(horizontal(&names), [(1, 2), (3, 5), (4, 6)]);
        assert_eq!(vertical(&names), []);
    }

    #[test]
    fn up_and_down_are_pairs_of_the_vertical_mirror_only() {
        let names =
            ["Moving something up", "Moving something down", "left", "right", "zoom top_left", "zoom bottom_left"];
        assert_eq!(vertical(&names), [(0, 1), (4, 5)]);
        assert_eq!(horizontal(&names), [(2, 3)]);
    }

    #[test]
    fn a_rotation_changes_its_sense_in_either_mirror() {
        let names =
            ["Turning Hand Clockwise", "turning-hand-counter-clockwise", "spin anticlockwise", "spin clockwise"];
        assert_eq!(horizontal(&names), [(0, 1), (2, 3)]);
        assert_eq!(vertical(&names), [(0, 1), (2, 3)]);
    }

    #[test]
    fn letter_case_and_punctuation_do_not_hide_a_pair_but_parts_of_words_make_none() {
        assert_eq!(horizontal(&["Swipe_LEFT", "swipe right!"]), [(0, 1)]);
        assert_eq!(horizontal(&["bright light", "bleft light", "copyright", "copyleft", "turn left"]), []);
    }

    #[test]
    fn swapping_twice_gives_every_label_back() {
        let swap = LabelSwap::from_pairs(&[(0, 3), (4, 2), (3, 0), (5, 5)], 7).unwrap();
        assert!((0..7).all(|label| swap.swap(swap.swap(label)) == label));
        assert_eq!((0..7).map(|label| swap.swap(label)).collect::<Vec<_>>(), [3, 1, 4, 0, 2, 5, 6]);
        assert_eq!((swap.pairs(), swap.lists(5), swap.lists(6)), (vec![(0, 3), (2, 4)], true, false));
    }

    #[test]
    fn a_class_with_two_partners_is_refused() {
        for pairs in [[(0, 1), (1, 2)], [(0, 0), (0, 1)], [(0, 1), (1, 1)]] {
            let error = LabelSwap::from_pairs(&pairs, 3).unwrap_err().to_string();
            assert!(error.contains("the only one of its classes"), "{error}");
        }
    }

    #[test]
    fn a_name_that_is_no_class_is_named_in_the_error() {
        let pairs = [["open".to_owned(), "shut".to_owned()]];
        let error = LabelSwap::from_names(&pairs, &classes(&["open", "close"])).unwrap_err();
        assert_eq!(error.to_string(), "label pair must be two of the 2 classes, got \"shut\"");
        assert!(LabelSwap::from_pairs(&[(0, 2)], 2).is_err());
    }
}
