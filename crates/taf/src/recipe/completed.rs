use std::path::Path;

use super::{Recipe, RecipeError};

impl Recipe {
    /// A recipe whose missing tables are those of another; `path` is where `text` comes from, and what a relative manifest in
    /// it starts from.
    ///
    /// # Errors
    /// As [`Recipe::read`].
    pub fn completed_by(base: &Self, text: &str, path: &Path, overrides: &[String]) -> Result<Self, RecipeError> {
        let error = |error: toml::de::Error| RecipeError::Parse { path: path.to_owned(), message: error.to_string() };
        let mut own: toml::Table = toml::from_str(text).map_err(error)?;
        absolute_manifest(&mut own, path);
        let mut table: toml::Table = toml::from_str(&base.to_toml()).map_err(error)?;
        table.extend(own);
        // Read before it is changed, so that an error speaks of the file.
        let recipe: Self = toml::Value::Table(table).try_into().map_err(error)?;
        Self::parse(&recipe.to_toml(), path, overrides)
    }
}

/// A relative path in a recipe starts from the recipe's folder.
fn absolute_manifest(table: &mut toml::Table, recipe: &Path) {
    let manifest = table.get_mut("data").and_then(|data| data.get_mut("manifest"));
    if let Some(toml::Value::String(manifest)) = manifest {
        let full = std::path::absolute(recipe.parent().unwrap_or(Path::new("")).join(&*manifest));
        if let Some(full) = full.ok().as_deref().and_then(Path::to_str) {
            *manifest = full.to_owned();
        }
    }
}
