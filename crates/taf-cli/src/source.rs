//! Where fine-tuning starts: the network, and the recipe's tables that are those of another run.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use taf::model::{ModelRecipe, Recognizer, load_state, state_dict};
use taf::recipe::{Plan, Recipe, RecipeError};
use taf::trained::Trained;

use crate::trained::autodiff_device;

/// The network of `plan` with the weights of `source`; an auxiliary batch-norm branch is left behind.
pub fn start(plan: &Plan, source: &Trained) -> Result<Recognizer> {
    let run = source.run.path().display();
    refuse_other_network(&plan.recipe.model, &source.info.model).with_context(|| format!("cannot start from {run}"))?;
    refuse_other_length(plan, source).with_context(|| format!("cannot start from {run}"))?;
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
    let (asked, found) = (values(&ModelRecipe { dropout: found.dropout, ..asked.clone() })?, values(found)?);
    let value = |of: &toml::Table, key: &str| of.get(key).map_or("its default".to_owned(), toml::Value::to_string);
    let keys: BTreeSet<&String> = asked.keys().chain(found.keys()).collect();
    let differing = keys.into_iter().filter(|key| asked.get(*key) != found.get(*key));
    let told: Vec<String> = differing
        .map(|key| format!("model.{key} is {} there and {} in the recipe", value(&found, key), value(&asked, key)))
        .collect();
    ensure!(told.is_empty(), "expected the network of the weights, found another: {}", told.join("; "));
    Ok(())
}

/// The `[model]` table, its own tables as one value each.
fn values(model: &ModelRecipe) -> Result<toml::Table> {
    Ok(toml::Table::try_from(model)?)
}

fn refuse_other_length(plan: &Plan, source: &Trained) -> Result<()> {
    let (asked, known) = (plan.recipe.data.sampling.frames(), source.info.frames);
    if plan.recipe.model.is_for_one_length() && asked != known {
        bail!("expected clips of the {known} frames the weights are made for, found data.sampling.frames = {asked}");
    }
    Ok(())
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
