//! Lists of classes in the files people have.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use taf::exchange::LabelOrder;
use taf_video::dataset::Manifest;

/// A classifier of ResNet-50 for that many classes has 200 million weights.
const MOST_CLASSES: usize = 100_000;
/// Bytes in the longest list of so many names.
const LONGEST: u64 = 64 << 20;

/// The classes that `--classes` names: a number of them, or a file.
pub fn classes(text: &str) -> Result<Vec<String>> {
    match text.parse::<usize>() {
        Ok(count) => {
            check_count(count)?;
            Ok((0..count).map(|class| class.to_string()).collect())
        }
        Err(_) => {
            let classes = of_file(Path::new(text))?;
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
        Some(file) => LabelOrder::Named(of_file(Path::new(file))?),
    })
}

/// The classes of a manifest (`.jsonl`), of a label file of Something-Something V2 or Diving48 (`.json`), or one a line.
pub fn of_file(path: &Path) -> Result<Vec<String>> {
    let classes = match path.extension().and_then(|extension| extension.to_str()) {
        Some("jsonl") => Manifest::read(path)?.classes().to_vec(),
        Some("json") => of_json(&text(path)?).with_context(|| format!("cannot use {}", path.display()))?,
        _ => text(path)?.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect(),
    };
    let mut seen = HashSet::new();
    match classes.iter().find(|class| !seen.insert(*class)) {
        Some(twice) => bail!("expected every class once, found {twice:?} twice: {}", path.display()),
        None => Ok(classes),
    }
}

/// The first row whose class is another number, where the classes are the numbers from 0 on; none where they are in order,
/// or other names.
pub fn first_number_out_of_place(classes: &[String]) -> Option<usize> {
    let mut numbers = classes.iter().map(|class| class.parse().ok()).collect::<Option<Vec<usize>>>()?;
    let first = numbers.iter().enumerate().position(|(row, number)| row != *number);
    numbers.sort_unstable();
    first.filter(|_| numbers.iter().enumerate().all(|(row, number)| row == *number))
}

/// The text of a file, without the mark that some editors put in front of UTF-8.
fn text(path: &Path) -> Result<String> {
    let cannot = || format!("cannot read the classes: {}", path.display());
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text)).with_context(cannot)?;
    ensure!(
        text.len() as u64 <= LONGEST,
        "expected at most {LONGEST} bytes of classes, found more: {}",
        path.display()
    );
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// `{"name": "0", ...}`, `["name", ...]`, or lists of words that make a name.
fn of_json(text: &str) -> Result<Vec<String>> {
    match serde_json::from_str(text)? {
        Value::Array(classes) => classes.iter().map(name).collect(),
        Value::Object(classes) => {
            let place = |(name, id): (&String, &Value)| {
                let id = id.as_u64().or_else(|| id.as_str()?.parse().ok());
                Ok((
                    id.with_context(|| format!("expected a number for the class {name:?}, found another value"))?,
                    name.clone(),
                ))
            };
            let mut places = classes.iter().map(place).collect::<Result<Vec<_>>>()?;
            places.sort();
            let wrong = places.iter().zip(0..).find(|((id, _), index)| id != index);
            if let Some(((id, name), index)) = wrong {
                bail!("expected the classes to be numbered 0, 1, 2, ..., found {id} ({name:?}) where {index} belongs");
            }
            Ok(places.into_iter().map(|(_, name)| name).collect())
        }
        _ => bail!("expected a list of classes, or an object of names and numbers"),
    }
}

fn name(value: &Value) -> Result<String> {
    let words =
        |words: &Vec<Value>| words.iter().map(Value::as_str).collect::<Option<Vec<_>>>().map(|words| words.join("+"));
    let name = value.as_str().map(str::to_owned).or_else(|| words(value.as_array()?));
    name.with_context(|| format!("expected the name of a class, found {value}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn classes_are_read_from_the_files_data_sets_come_with() {
        assert_eq!(of_json(r#"{"b":"1","a":"0"}"#).unwrap(), ["a", "b"]);
        assert_eq!(of_json(r#"{"b":0,"a":1}"#).unwrap(), ["b", "a"]);
        assert_eq!(of_json(r#"[["Back","15som"],["Inward","15som"]]"#).unwrap(), ["Back+15som", "Inward+15som"]);
        let gap = of_json(r#"{"a":"1","b":"2"}"#).unwrap_err().to_string();
        assert_eq!(gap, "expected the classes to be numbered 0, 1, 2, ..., found 1 (\"a\") where 0 belongs");
        assert!(of_json("3").is_err() && of_json(r#"{"a":"x"}"#).is_err() && of_json("[3]").is_err());
        assert_eq!(classes("3").unwrap(), ["0", "1", "2"]);
        assert!(classes("1").is_err());
    }

    #[test]
    fn one_class_a_line_and_each_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("category.txt");
        fs::write(&path, "left\nright\r\n\n").unwrap();
        assert_eq!(of_file(&path).unwrap(), ["left", "right"]);
        fs::write(&path, "left\nleft\n").unwrap();
        assert!(of_file(&path).unwrap_err().to_string().contains("\"left\" twice"));
        assert!(of_file(&folder.path().join("gone.txt")).unwrap_err().to_string().contains("gone.txt"));
    }

    #[test]
    fn the_mark_some_editors_put_in_front_of_a_file_is_no_part_of_a_class() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("category.txt", "left\nright\n"), ("labels.json", r#"{"left":"0","right":"1"}"#)] {
            let path = folder.path().join(name);
            fs::write(&path, format!("\u{feff}{text}")).unwrap();
            assert_eq!(of_file(&path).unwrap(), ["left", "right"], "{name}");
        }
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
