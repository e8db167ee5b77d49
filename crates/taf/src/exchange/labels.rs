//! In which order a classifier knows its classes.
//!
//! Something-Something V1 is used in two orders: as its label file lists them (mmaction2, and by its accuracy the published
//! TAM checkpoint), and alphabetically (TSM, GST, and all of V2). With the wrong one a good network guesses.

use std::collections::HashMap;

/// The order of the rows of a classifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelOrder {
    /// That of the run's classes.
    AsGiven,
    /// Alphabetical, as Python sorts.
    Sorted,
    /// By the numbers that the classes are called: 2 before 10.
    Numeric,
    /// That of something-something-v1-labels.csv, for its 174 classes.
    V1File,
    /// This one.
    Named(Vec<String>),
}

/// Why an order does not fit the classes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// There are more or fewer.
    #[error("expected an order of {expected} classes, found {found}")]
    Count {
        /// Classes of the run.
        expected: usize,
        /// Names in the order.
        found: usize,
    },
    /// A class has no place.
    #[error("expected the class {0:?} in the label order, found none of that name")]
    Missing(String),
    /// A class is no number.
    #[error("expected classes that are numbers, found {0:?}")]
    NoNumber(String),
}

/// Place in the alphabet of each class of something-something-v1-labels.csv (from mmaction2's label map).
#[rustfmt::skip]
const V1_FILE: [u8; 174] = [
    16, 164, 166, 144, 167, 46, 0, 47, 98, 14, 41, 5, 32, 165, 100, 168, 68, 128, 45, 49, 172, 112, 129, 74, 147, 107, 44,
    124, 101, 151, 93, 134, 154, 152, 29, 146, 125, 106, 150, 40, 149, 94, 19, 120, 81, 42, 73, 171, 135, 103, 59, 43, 87,
    153, 157, 105, 84, 109, 83, 127, 6, 143, 114, 31, 148, 33, 86, 27, 1, 104, 37, 18, 99, 20, 67, 121, 15, 36, 160, 72,
    130, 28, 82, 17, 21, 55, 66, 119, 9, 8, 30, 122, 155, 126, 12, 145, 10, 48, 22, 170, 140, 102, 118, 35, 50, 11, 57,
    139, 56, 173, 34, 69, 117, 89, 123, 65, 4, 158, 156, 75, 3, 23, 162, 2, 7, 76, 108, 110, 141, 71, 142, 133, 95, 116,
    26, 63, 161, 85, 97, 61, 90, 39, 79, 115, 132, 80, 88, 113, 25, 62, 38, 159, 24, 77, 70, 91, 13, 64, 163, 131, 53,
    138, 92, 60, 78, 169, 52, 137, 54, 111, 96, 58, 136, 51,
];

impl LabelOrder {
    /// For each class the row of the classifier that is its own.
    ///
    /// # Errors
    /// If the order is of other classes.
    pub fn rows(&self, classes: &[String]) -> Result<Vec<usize>, LabelError> {
        let sorted = || {
            let mut sorted: Vec<&String> = classes.iter().collect();
            sorted.sort();
            sorted
        };
        let order: Vec<&String> = match self {
            Self::AsGiven => return Ok((0..classes.len()).collect()),
            Self::Sorted => sorted(),
            Self::Numeric => by_number(classes)?,
            Self::V1File if classes.len() != V1_FILE.len() => {
                return Err(LabelError::Count { expected: classes.len(), found: V1_FILE.len() });
            }
            Self::V1File => {
                let sorted = sorted();
                V1_FILE.iter().map(|&place| sorted[usize::from(place)]).collect()
            }
            Self::Named(names) if names.len() != classes.len() => {
                return Err(LabelError::Count { expected: classes.len(), found: names.len() });
            }
            Self::Named(names) => names.iter().collect(),
        };
        let rows: HashMap<&String, usize> = order.into_iter().enumerate().map(|(row, name)| (name, row)).collect();
        let row = |class: &String| rows.get(class).copied().ok_or_else(|| LabelError::Missing(class.clone()));
        classes.iter().map(row).collect()
    }
}

fn by_number(classes: &[String]) -> Result<Vec<&String>, LabelError> {
    let number = |class: &'_ String| class.parse::<u64>().map_err(|_| LabelError::NoNumber(class.clone()));
    let mut numbered = classes.iter().map(|class| Ok((number(class)?, class))).collect::<Result<Vec<_>, _>>()?;
    numbered.sort();
    Ok(numbered.into_iter().map(|(_, class)| class).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn rows_follow_the_names() {
        let classes = names(&["c", "a", "b"]);
        assert_eq!(LabelOrder::AsGiven.rows(&classes).unwrap(), [0, 1, 2]);
        assert_eq!(LabelOrder::Sorted.rows(&classes).unwrap(), [2, 0, 1]);
        assert_eq!(LabelOrder::Named(names(&["b", "c", "a"])).rows(&classes).unwrap(), [1, 2, 0]);
        assert_eq!(LabelOrder::Numeric.rows(&names(&["0", "10", "2"])).unwrap(), [0, 2, 1]);
    }

    #[test]
    fn the_file_of_v1_is_a_permutation_that_keeps_left_and_right() {
        // Names that sort as the real ones do; pushing left to right is 93 in the alphabet and 30 in the file.
        let sorted: Vec<String> = (0..174).map(|place| format!("{place:03}")).collect();
        let mut rows = LabelOrder::V1File.rows(&sorted).unwrap();
        assert_eq!([rows[86], rows[87], rows[93], rows[94], rows[166], rows[167]], [66, 52, 30, 41, 2, 4]);
        rows.sort_unstable();
        assert_eq!(rows, (0..174).collect::<Vec<_>>());
    }

    #[test]
    fn orders_of_other_classes_are_refused() {
        let classes = names(&["a", "b"]);
        let named = |order: &[&str]| LabelOrder::Named(names(order)).rows(&classes).unwrap_err();
        assert_eq!(named(&["a"]), LabelError::Count { expected: 2, found: 1 });
        assert_eq!(named(&["a", "x"]), LabelError::Missing("b".into()));
        assert_eq!(LabelOrder::Numeric.rows(&classes).unwrap_err(), LabelError::NoNumber("a".into()));
        assert_eq!(LabelOrder::V1File.rows(&classes).unwrap_err(), LabelError::Count { expected: 2, found: 174 });
    }
}
