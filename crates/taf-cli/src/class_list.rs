//! Lists of classes in the files people have.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use taf::exchange::LabelOrder;
use taf_video::dataset::Manifest;

/// A classifier of ResNet-50 for that many classes has 200 million weights.
const MOST_CLASSES: usize = 100_000;

/// The classes that `--classes` names: a number of them, or a file.
pub fn classes(text: &str) -> Result<Vec<String>> {
    match text.parse::<usize>() {
        Ok(count) => {
            check_count(count)?;
            Ok((0..count).map(|class| class.to_string()).collect())
        }
        Err(_) => of_file(Path::new(text)),
    }
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

fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read the classes: {}", path.display()))
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
            let gap = places.iter().enumerate().find(|(index, (id, _))| *id != *index as u64);
            ensure!(gap.is_none(), "expected the classes to be numbered 0, 1, 2, ..., found {gap:?}");
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
    use super::*;

    #[test]
    fn classes_are_read_from_the_files_data_sets_come_with() {
        assert_eq!(of_json(r#"{"b":"1","a":"0"}"#).unwrap(), ["a", "b"]);
        assert_eq!(of_json(r#"{"b":0,"a":1}"#).unwrap(), ["b", "a"]);
        assert_eq!(of_json(r#"[["Back","15som"],["Inward","15som"]]"#).unwrap(), ["Back+15som", "Inward+15som"]);
        assert!(of_json(r#"{"a":"0","b":"2"}"#).unwrap_err().to_string().contains("numbered"));
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
}
