use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::facts::Facts;
use crate::settings::settings;

/// What a run has that lacks a setting others have.
const NOTHING: &str = "nothing";

/// The table of TAF, as a setting of its own.
const TAF: &str = "taf";

/// The settings in which the recipes of some runs differ: by setting, the runs by value. Settings of TAF are compared among the
/// runs that have it.
pub fn of(runs: &[Facts]) -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
    let all: Vec<BTreeMap<String, String>> = runs.iter().map(with_taf).collect();
    let keys: BTreeSet<&String> = all.iter().flat_map(BTreeMap::keys).collect();
    let by_value = |key: &String| {
        let mut values = BTreeMap::<String, Vec<String>>::new();
        for (facts, settings) in runs.iter().zip(&all) {
            let value = match settings.get(key) {
                None if key.starts_with("taf.") && facts.taf.is_none() => continue,
                value => value.map_or(NOTHING, String::as_str),
            };
            values.entry(value.to_owned()).or_default().push(facts.run.display().to_string());
        }
        values
    };
    let differing = keys.into_iter().map(|key| (key.clone(), by_value(key)));
    differing.filter(|(_, values)| values.len() > 1).collect()
}

/// The settings of a run, and in a word whether it has a table of TAF.
fn with_taf(facts: &Facts) -> BTreeMap<String, String> {
    let mut settings = settings(&facts.recipe);
    settings.extend(facts.taf.as_ref().map(|_| (TAF.to_owned(), "[taf]".to_owned())));
    settings
}

/// The same for people: a setting, and under it a line for every value.
pub fn to_text(runs: &[Facts]) -> String {
    let differing = of(runs);
    if differing.is_empty() {
        let plural = if runs.len() == 1 { "" } else { "s" };
        return format!("the recipes of {} run{plural} are the same\n", runs.len());
    }
    let mut text = String::new();
    for (key, values) in differing {
        let _ = writeln!(text, "{key}");
        let width = values.keys().map(|value| value.chars().count()).max().unwrap_or(0);
        for (value, runs) in values {
            let _ = writeln!(text, "  {value:width$}  {}", runs.join(", "));
        }
    }
    text
}
