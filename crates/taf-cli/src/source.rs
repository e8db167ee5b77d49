//! Where fine-tuning starts: the network, and the recipe's tables that are those of another run.

use std::path::Path;

use anyhow::{Context, Result, bail};
use taf::model::{ModelRecipe, Recognizer, load_state, state_dict};
use taf::recipe::{Plan, Recipe, RecipeError};

use crate::trained::{Trained, autodiff_device};

/// The network of `plan` with the weights of `source`; an auxiliary batch-norm branch is left behind.
pub fn start(plan: &Plan, source: &Trained) -> Result<Recognizer> {
    let run = source.run.path().display();
    refuse_other_network(&plan.recipe.model, &source.info.model).with_context(|| format!("cannot start from {run}"))?;
    if plan.classes != source.info.classes {
        bail!(
            "expected the classes of {run} ({}), found {}: {}\nname them with --classes where the manifest has more",
            source.info.classes.join(", "),
            plan.classes.join(", "),
            plan.recipe.data.manifest.display()
        );
    }
    let model = plan.init_model(&autodiff_device());
    let own = state_dict(&model);
    let mut weights = state_dict(&source.model);
    weights.retain(|name, _| own.contains_key(name));
    Ok(load_state(model, weights)?)
}

fn refuse_other_network(asked: &ModelRecipe, found: &ModelRecipe) -> Result<()> {
    // Dropout has no weights.
    if (ModelRecipe { dropout: found.dropout, ..asked.clone() }) == *found {
        return Ok(());
    }
    let text = |model| toml::to_string(model).map(|text| text.trim().replace('\n', ", "));
    bail!("expected the network of the weights ({}), found another in the recipe ({})", text(found)?, text(asked)?)
}

/// The recipe of `source` for training on plainly, with `overrides`.
pub fn inherited(source: &Trained, overrides: &[String]) -> Result<Recipe> {
    let base = Recipe { taf: None, ..source.recipe.clone() };
    Ok(Recipe::parse(&base.to_toml(), &source.run.recipe_path(), overrides)?)
}

/// A recipe whose missing tables, except `[taf]`, are those of `source`; `path` is where `text` comes from.
pub fn completed(text: &str, path: &Path, source: &Trained, overrides: &[String]) -> Result<Recipe> {
    let error = |error: toml::de::Error| RecipeError::Parse { path: path.to_owned(), message: error.to_string() };
    let mut own: toml::Table = toml::from_str(text).map_err(error)?;
    absolute_manifest(&mut own, path);
    let base = Recipe { taf: None, ..source.recipe.clone() };
    let mut table: toml::Table = toml::from_str(&base.to_toml()).map_err(error)?;
    table.extend(own);
    // Read before it is changed, so that an error speaks of the file.
    let recipe: Recipe = toml::Value::Table(table).try_into().map_err(error)?;
    Ok(Recipe::parse(&recipe.to_toml(), path, overrides)?)
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
