//! Where fine-tuning starts: the network, and the recipe's tables that are those of another run.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use taf::model::{ModelRecipe, Recognizer, VideoModel, load_state, state_dict};
use taf::recipe::{Plan, Recipe};
use taf::trained::Trained;

use crate::trained::autodiff_device;
use crate::words::shortened;

/// A run to start from, and what is taken of it.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The run.
    pub trained: &'a Trained,
    /// Whether its classifier is left behind, for other classes or for the same learned anew.
    pub new_classifier: bool,
}

impl Source<'_> {
    /// The network of `plan` with the weights of the run; an auxiliary batch-norm branch is left behind. A new classifier
    /// has the first weights that the recipe's seed gives it, and so has TPN's second one.
    pub fn start(self, plan: &Plan) -> Result<Recognizer> {
        let Self { trained, new_classifier } = self;
        let run = trained.run.path().display();
        let cannot = || format!("cannot start from {run}");
        refuse_other_network(&plan.recipe.model, &trained.info.model).with_context(cannot)?;
        refuse_other_length(plan, trained).with_context(cannot)?;
        if !new_classifier {
            refuse_other_classes(plan, trained)?;
        }
        let model = plan.init_model(&autodiff_device());
        let (mut weights, mut known) = (state_dict(&model), state_dict(&trained.model));
        for (name, values) in weights.iter_mut().filter(|(name, _)| !(new_classifier && model.is_head(name))) {
            *values = known.remove(name).with_context(|| format!("expected the weights of {name} in {run}"))?;
        }
        Ok(load_state(model, weights)?)
    }

    /// Whether the run answers with these classes, and means the same by them.
    pub fn knows(self, classes: &[String], label_set: Option<&str>) -> bool {
        let own = &self.trained.info;
        let same_set = own.label_set.as_deref().zip(label_set).is_none_or(|(own, asked)| own == asked);
        own.classes == classes && same_set
    }

    /// The recipe of the run for training on plainly, with `overrides`.
    pub fn inherited(self, overrides: &[String]) -> Result<Recipe> {
        Ok(Recipe::parse(&self.base().to_toml(), &self.trained.run.recipe_path(), overrides)?)
    }

    /// A recipe whose missing tables, except `[taf]`, are those of the run; `path` is where `text` comes from.
    pub fn completed(self, text: &str, path: &Path, overrides: &[String]) -> Result<Recipe> {
        Ok(Recipe::completed_by(&self.base(), text, path, overrides)?)
    }

    /// What a recipe takes over: not TAF, and no choice of classes where the new ones may be others.
    fn base(self) -> Recipe {
        let mut base = Recipe { taf: None, ..self.trained.recipe.clone() };
        base.data.classes = base.data.classes.filter(|_| !self.new_classifier);
        base
    }
}

fn refuse_other_classes(plan: &Plan, source: &Trained) -> Result<()> {
    ensure!(
        plan.classes == source.info.classes,
        "expected the classes of {} ({}), found {}: {}\nname them with --classes where the manifest has more, or start a \
         classifier for others with --new-classifier",
        source.run.path().display(),
        listed(&source.info.classes),
        listed(&plan.classes),
        plan.recipe.data.manifest.display()
    );
    Ok(())
}

/// How many classes are named before the others are counted.
const NAMED_CLASSES: usize = 12;

fn listed(classes: &[String]) -> String {
    shortened(classes.iter().map(String::as_str), NAMED_CLASSES)
}

fn refuse_other_network(asked: &ModelRecipe, found: &ModelRecipe) -> Result<()> {
    // What is left out while training has no weights.
    let ModelRecipe { dropout, drop_path, .. } = *found;
    let (asked, found) = (values(&ModelRecipe { dropout, drop_path, ..asked.clone() })?, values(found)?);
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
