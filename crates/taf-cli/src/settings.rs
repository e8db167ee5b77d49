//! A recipe as a list of settings, for comparing.

use std::collections::BTreeMap;

use taf::recipe::Recipe;

/// Every value of a recipe by its dotted key.
pub fn settings(recipe: &Recipe) -> BTreeMap<String, String> {
    let table: toml::Table = toml::from_str(&recipe.to_toml()).expect("a recipe is TOML");
    let mut settings = BTreeMap::new();
    flatten("", &toml::Value::Table(table), &mut settings);
    settings
}

fn flatten(prefix: &str, value: &toml::Value, settings: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => table.iter().for_each(|(name, value)| {
            let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            flatten(&key, value, settings);
        }),
        value => drop(settings.insert(prefix.to_owned(), value.to_string())),
    }
}
