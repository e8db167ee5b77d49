//! Lists of classes in the files people have.

use std::path::Path;

use anyhow::{Result, ensure};
use taf::exchange::LabelOrder;
use taf_video::dataset::class_names;

/// A classifier of ResNet-50 for that many classes has 200 million weights.
const MOST_CLASSES: usize = 100_000;

/// The classes that `--classes` names: a number of them, or a file.
pub fn classes(text: &str) -> Result<Vec<String>> {
    match text.parse::<usize>() {
        Ok(count) => {
            check_count(count)?;
            Ok((0..count).map(|class| class.to_string()).collect())
        }
        Err(_) => {
            let classes = class_names(Path::new(text))?;
            check_list(&classes, Path::new(text))?;
            Ok(classes)
        }
    }
}

/// Refuses lists of fewer or more classes than a classifier here has; `source` is the file they come from.
pub fn check_list(classes: &[String], source: &Path) -> Result<()> {
    let (count, source) = (classes.len(), source.display());
    ensure!((2..=MOST_CLASSES).contains(&count), "expected 2 to {MOST_CLASSES} classes, found {count}: {source}");
    Ok(())
}

/// Refuses a number of classes that no classifier here has.
pub fn check_count(count: usize) -> Result<()> {
    ensure!((2..=MOST_CLASSES).contains(&count), "--classes must lie between 2 and {MOST_CLASSES}, got {count}");
    Ok(())
}

/// Whether `--classes` says how many there are and not what they are called.
pub fn is_count(text: &str) -> bool {
    text.parse::<usize>().is_ok()
}

/// The order that `--label-order` names.
pub fn order(text: Option<&str>) -> Result<LabelOrder> {
    Ok(match text {
        None => LabelOrder::AsGiven,
        Some("sorted") => LabelOrder::Sorted,
        Some("numeric") => LabelOrder::Numeric,
        Some("v1-file") => LabelOrder::V1File,
        Some(file) => LabelOrder::Named(class_names(Path::new(file))?),
    })
}

/// The first row whose class is another number, where the classes are the numbers from 0 on; none where they are in order,
/// or other names.
pub fn first_number_out_of_place(classes: &[String]) -> Option<usize> {
    let mut numbers = classes.iter().map(|class| class.parse().ok()).collect::<Option<Vec<usize>>>()?;
    let first = numbers.iter().enumerate().position(|(row, number)| row != *number);
    numbers.sort_unstable();
    first.filter(|_| numbers.iter().enumerate().all(|(row, number)| row == *number))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_number_of_classes_gives_them_their_places_as_names() {
        assert_eq!(classes("3").unwrap(), ["0", "1", "2"]);
        assert!(classes("1").is_err());
    }

    #[test]
    fn lists_of_more_classes_than_any_classifier_has_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("many.txt");
        fs::write(&path, (0..=MOST_CLASSES).map(|class| format!("{class}\n")).collect::<String>()).unwrap();
        let message = classes(path.to_str().unwrap()).unwrap_err().to_string();
        assert!(message.contains("2 to 100000 classes, found 100001") && message.contains("many.txt"), "{message}");
    }

    #[test]
    fn numbers_out_of_their_order_are_noticed() {
        let first =
            |classes: &[&str]| first_number_out_of_place(&classes.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>());
        assert_eq!(first(&["0", "1", "10", "11", "2", "3", "4", "5", "6", "7", "8", "9"]), Some(2));
        assert_eq!(first(&["0", "1", "2"]), None);
        assert_eq!(first(&["left", "1"]), None);
        assert_eq!(first(&["3", "7", "5"]), None, "these tell no rows");
    }
}
