//! In which order a classifier knows its classes.
//!
//! Something-Something V1 is used in two orders: as its label file lists them (mmaction2, and by its accuracy the published
//! TAM checkpoint), and alphabetically (TSM, GST, and all of V2). With the wrong one a good network guesses.

use std::collections::HashMap;

use taf_video::dataset::SomethingOrder;

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

impl LabelOrder {
    /// For each class the row of the classifier that is its own.
    ///
    /// # Errors
    /// If the order is of other classes.
    pub fn rows(&self, classes: &[String]) -> Result<Vec<usize>, LabelError> {
        let count = |found| LabelError::Count { expected: classes.len(), found };
        let order: Vec<String> = match self {
            Self::AsGiven => return Ok((0..classes.len()).collect()),
            Self::Sorted => {
                let mut sorted = classes.to_vec();
                sorted.sort();
                sorted
            }
            Self::Numeric => by_number(classes)?,
            Self::V1File => SomethingOrder::File.arrange(classes).map_err(|_| count(SomethingOrder::CLASSES))?,
            Self::Named(names) if names.len() != classes.len() => return Err(count(names.len())),
            Self::Named(names) => names.clone(),
        };
        let rows: HashMap<&String, usize> = order.iter().enumerate().map(|(row, name)| (name, row)).collect();
        let row = |class: &String| rows.get(class).copied().ok_or_else(|| LabelError::Missing(class.clone()));
        classes.iter().map(row).collect()
    }
}

fn by_number(classes: &[String]) -> Result<Vec<String>, LabelError> {
    let number = |class: &'_ String| class.parse::<u64>().map_err(|_| LabelError::NoNumber(class.clone()));
    let mut numbered = classes.iter().map(|class| Ok((number(class)?, class))).collect::<Result<Vec<_>, _>>()?;
    numbered.sort();
    Ok(numbered.into_iter().map(|(_, class)| class.clone()).collect())
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
