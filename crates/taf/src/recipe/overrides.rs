use super::Recipe;

/// Rust's names of types in the parser's errors, and what a person calls them.
const WORDS: [(&str, &str); 6] = [
    ("expected usize", "expected a whole number, 0 or more"),
    ("expected u64", "expected a whole number, 0 or more"),
    ("expected u8", "expected a whole number from 0 to 255"),
    ("expected f64", "expected a number"),
    ("expected f32", "expected a number"),
    ("expected path string", "expected a path in quotes"),
];

/// The parser's error without the names of Rust's types.
pub(super) fn in_plain_words(error: &toml::de::Error) -> String {
    WORDS.iter().fold(error.to_string(), |text, (rust, plain)| text.replace(rust, plain))
}

/// The override without which the recipe could be read.
pub(super) fn culprit<'a>(recipe: &str, overrides: &'a [String]) -> Option<&'a String> {
    let is_read_without = |one: &&String| {
        let mut table: toml::Table = toml::from_str(recipe).unwrap_or_default();
        let others = overrides.iter().filter(|other| other != one);
        let changed = others.map(|other| set(&mut table, other)).all(|set| set.is_ok());
        changed && toml::Value::Table(table).try_into::<Recipe>().is_ok()
    };
    overrides.iter().find(is_read_without)
}

/// Applies one `a.b.c=value`; the value is TOML, or else taken as a string.
pub(super) fn set(table: &mut toml::Table, text: &str) -> Result<(), String> {
    let (key, value) = text.split_once('=').ok_or("expected key=value, for example train.epochs=10")?;
    let value = value.trim();
    let value = toml::from_str::<toml::Table>(&format!("value = {value}"))
        .map_or_else(|_| toml::Value::String(value.to_owned()), |mut parsed| parsed.remove("value").expect("just set"));
    let mut path: Vec<&str> = key.trim().split('.').collect();
    let last = path.pop().filter(|name| !name.is_empty()).ok_or("expected a key in front of the =")?;
    let mut inner = table;
    for name in path {
        let entry = inner.entry(name).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        inner = entry.as_table_mut().ok_or_else(|| format!("{name} is a value, not a table"))?;
    }
    inner.insert(last.to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_value_of_the_wrong_type_is_told_without_types_of_rust() {
        let told = |overrides: &str| {
            let recipe = "[data]\nmanifest = \"m.jsonl\"\n[model]\nkind = \"tsm\"\ntrunk = \"tiny\"\n";
            Recipe::parse(recipe, Path::new("r.toml"), &[overrides.to_owned()]).unwrap_err().to_string()
        };
        assert!(
            told("train.batch_size=eight").contains("expected a whole number"),
            "{}",
            told("train.batch_size=eight")
        );
        assert!(
            told("train.optimizer.weight_decay=much").contains("expected a number"),
            "{}",
            told("train.optimizer.weight_decay=much")
        );
    }

    #[test]
    fn a_batch_that_fills_memory_before_the_network_sees_it_is_refused() {
        let recipe = "[data]\nmanifest = \"m.jsonl\"\nsampling = { kind = \"segments\", frames = 64 }\n[model]\nkind = \"tsm\"\ntrunk = \"tiny\"\n";
        let sizes = ["train.batch_size=8192", "data.transform.size=224"].map(str::to_owned);
        let error = Recipe::parse(recipe, Path::new("r.toml"), &sizes).unwrap().check().unwrap_err().to_string();
        assert!(error.contains("train.batch_size") && error.contains("26306674688"), "{error}");
    }
}
