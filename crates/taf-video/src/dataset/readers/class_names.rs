use std::collections::HashSet;
use std::path::Path;

use serde_json::Value;

use super::super::Manifest;
use super::text::{TextLines, line_error, read_json};
use crate::{Error, Result};

/// No list of classes comes near this; a file that is none must not fill the memory.
const MOST: usize = 1_000_000;

/// The names of classes in the order of their label ids, from the files they come in: a manifest (`.jsonl`), a label file of
/// Something-Something V2 or Diving48 (`.json`: `{"name": "0", ...}`, `["name", ...]` or lists of words that make a name), a
/// table with the first line `id,name` (`.csv`), or one name a line.
///
/// # Errors
/// If the file cannot be read or names a class twice, or the numbers of the classes are not 0, 1, 2, ...
pub fn class_names(path: &Path) -> Result<Vec<String>> {
    let classes = match path.extension().and_then(|extension| extension.to_str()) {
        Some("jsonl") => Manifest::read(path)?.classes().to_vec(),
        Some("json") => of_json(path)?,
        _ => of_text(path)?,
    };
    let mut seen = HashSet::new();
    match classes.iter().find(|class| !seen.insert(*class)) {
        Some(twice) => Err(Error::content(path, "every class once", format!("{twice:?} twice"))),
        None if classes.is_empty() => Err(Error::content(path, "at least one class", "none")),
        None => Ok(classes),
    }
}

fn of_json(path: &Path) -> Result<Vec<String>> {
    const SHAPE: &str = "a list of classes, or an object of names and numbers";
    match read_json(path, SHAPE)? {
        Value::Array(classes) => classes.iter().map(|value| name(path, value)).collect(),
        Value::Object(classes) => {
            let numbered = classes.iter().map(|(name, id)| Ok((number(path, name, id)?, name.clone())));
            in_order(path, numbered.collect::<Result<_>>()?)
        }
        other => Err(Error::content(path, SHAPE, other.to_string())),
    }
}

fn number(path: &Path, name: &str, id: &Value) -> Result<u64> {
    let number = id.as_u64().or_else(|| id.as_str()?.parse().ok());
    number.ok_or_else(|| Error::content(path, format!("a number for the class {name:?}"), id.to_string()))
}

fn name(path: &Path, value: &Value) -> Result<String> {
    let words =
        |words: &Vec<Value>| words.iter().map(Value::as_str).collect::<Option<Vec<_>>>().map(|words| words.join("+"));
    let name = value.as_str().map(str::to_owned).or_else(|| words(value.as_array()?));
    name.ok_or_else(|| Error::content(path, "the name of a class", value.to_string()))
}

fn of_text(path: &Path) -> Result<Vec<String>> {
    let mut lines = TextLines::open(path)?.peekable();
    if lines.peek().is_some_and(|line| matches!(line, Ok((_, text)) if text == "id,name")) {
        return in_order(path, lines.skip(1).map(|line| numbered(path, line?)).collect::<Result<_>>()?);
    }
    lines.take(MOST).map(|line| Ok(line?.1.trim().to_owned())).collect()
}

/// A row of a table: `3,"Bending something until it breaks"`.
fn numbered(path: &Path, (line, text): (usize, String)) -> Result<(u64, String)> {
    let fields = text.split_once(',').and_then(|(id, name)| Some((id.trim().parse().ok()?, name.trim())));
    let (id, name) = fields.ok_or_else(|| line_error(path, line, "a row id,name", format!("{text:?}")))?;
    let bare = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
    Ok((id, bare.replace("\"\"", "\"")))
}

fn in_order(path: &Path, mut classes: Vec<(u64, String)>) -> Result<Vec<String>> {
    classes.sort();
    if let Some(((id, name), place)) = classes.iter().zip(0..).find(|((id, _), place)| id != place) {
        let found = format!("{id} ({name:?}) where {place} belongs");
        return Err(Error::content(path, "classes numbered 0, 1, 2, ...", found));
    }
    Ok(classes.into_iter().map(|(_, name)| name).collect())
}
