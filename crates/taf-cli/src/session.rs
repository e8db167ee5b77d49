//! A run folder that is ready to be trained in: a new one, or one to be taken up again.

use std::collections::BTreeMap;
use std::path::{Path, absolute};

use anyhow::{Context, Result, anyhow, bail};
use taf::recipe::{Plan, Recipe};
use taf::run::{self, Existing, Provenance, RunDir};

use crate::args::{DataArgs, RunArgs};
use crate::exit::Status;
use crate::output;

/// A run being written.
pub struct Session {
    /// Its folder, locked.
    pub run: RunDir,
    /// Its recipe with the data it names.
    pub plan: Plan,
}

/// Settings that do not change the result of a run, so that it may be taken up with others. The manifest may lie elsewhere
/// as long as its contents are the same.
const FREE: [&str; 4] = ["data.manifest", "data.workers", "train.checkpoint_steps", "train.keep_last"];

impl Session {
    /// Starts the run `asked` for, or takes up the one that is there; none if that one is finished. `source` is the file
    /// the first weights come from, where they are not drawn at random.
    pub fn begin(args: &RunArgs, asked: Option<Recipe>, source: Option<&Path>) -> Result<Option<Self>> {
        if args.resume
            && let Ok(old) = RunDir::open(&args.out)
        {
            return Self::resume(args, asked, source, &old);
        }
        let recipe = asked.ok_or(run::Error::Missing { path: args.out.clone() })?;
        // Everything is checked before a folder appears.
        let plan = recipe.plan()?;
        let run = RunDir::create(&args.out, if args.force { Existing::Replace } else { Existing::Refuse })?;
        run.write_provenance(&provenance(&plan, source)?)?;
        run.write_recipe(&plan.recipe.to_toml())?;
        Ok(Some(Self { run, plan }))
    }

    fn resume(args: &RunArgs, asked: Option<Recipe>, source: Option<&Path>, old: &RunDir) -> Result<Option<Self>> {
        let stored = Recipe::parse(&old.read_recipe()?, &old.recipe_path(), &[])?;
        let recipe = match asked {
            Some(recipe) => recipe,
            None => with_overrides(&stored, &args.overrides, &args.data)?,
        };
        refuse_differences(&stored, &recipe, old.path())?;
        if old.is_finished() {
            return Ok(None);
        }
        let plan = recipe.plan()?;
        let run = RunDir::create(&args.out, Existing::Resume)?;
        let mut origin = run.read_provenance()?;
        refuse_other_data(&origin, &provenance(&plan, source)?, run.path())?;
        origin.mark_resumed();
        run.write_provenance(&origin)?;
        run.write_recipe(&plan.recipe.to_toml())?;
        Ok(Some(Self { run, plan }))
    }
}

/// Reads a recipe with what the command line changes in it.
pub fn read_recipe(path: &Path, args: &RunArgs) -> Result<Recipe> {
    let overrides = all_overrides(&args.overrides, &args.data)?;
    Ok(Recipe::read(path, &overrides)?)
}

/// A recipe with what the command line changes in it.
pub fn with_overrides(recipe: &Recipe, overrides: &[String], data: &DataArgs) -> Result<Recipe> {
    let overrides = all_overrides(overrides, data)?;
    Ok(Recipe::parse(&recipe.to_toml(), Path::new("the recipe of the run"), &overrides)?)
}

/// `--set` first, then the options that have a name of their own.
fn all_overrides(overrides: &[String], data: &DataArgs) -> Result<Vec<String>> {
    let mut all = overrides.to_vec();
    if let Some(manifest) = &data.data {
        let path = absolute(manifest).with_context(|| format!("cannot find {}", manifest.display()))?;
        let path =
            path.to_str().ok_or_else(|| anyhow!("expected a UTF-8 path, found other bytes: {}", path.display()))?;
        all.push(format!("data.manifest={}", toml::Value::from(path)));
    }
    if let Some(classes) = &data.classes {
        all.push(format!("data.classes={}", toml::Value::from(classes.clone())));
    }
    Ok(all)
}

/// Says that there is nothing left to do.
pub fn tell_finished(args: &RunArgs) -> Result<Status> {
    eprintln!("this run is finished; --force starts it anew: {}", args.out.display());
    if args.json {
        output::print_json(&serde_json::json!({ "run": args.out, "outcome": "finished" }))?;
    }
    Ok(Status::Done)
}

fn provenance(plan: &Plan, source: Option<&Path>) -> Result<Provenance> {
    let provenance = Provenance::new("flex (CPU)", rayon::current_num_threads())
        .with_seed("recipe", plan.recipe.seed)
        .with_data(&plan.recipe.data.manifest)?;
    Ok(match source {
        Some(weights) => provenance.with_data(weights)?,
        None => provenance,
    })
}

fn refuse_differences(stored: &Recipe, asked: &Recipe, run: &Path) -> Result<()> {
    let (stored, asked) = (settings(stored), settings(asked));
    let keys = stored.keys().chain(asked.keys()).collect::<std::collections::BTreeSet<_>>();
    let value = |of: &BTreeMap<String, String>, key: &str| of.get(key).map_or("nothing".to_owned(), Clone::clone);
    let differing: Vec<String> = keys
        .into_iter()
        .filter(|key| !FREE.contains(&key.as_str()) && stored.get(*key) != asked.get(*key))
        .map(|key| format!("\n  {key}: the run has {}, asked for {}", value(&stored, key), value(&asked, key)))
        .collect();
    if differing.is_empty() {
        return Ok(());
    }
    bail!(
        "expected the recipe this run began with, found other settings: {}{}\n\
         leave recipe and --set out to go on with the run's own, or train on from its weights with `taf finetune`",
        run.display(),
        differing.concat()
    )
}

/// Every value of a recipe by its dotted key.
fn settings(recipe: &Recipe) -> BTreeMap<String, String> {
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

fn refuse_other_data(began: &Provenance, now: &Provenance, run: &Path) -> Result<()> {
    for (old, new) in began.data.iter().zip(&now.data) {
        if old.sha256 != new.sha256 {
            bail!(
                "expected the contents that the run began with (SHA-256 {}), found others ({}): {} (run {})",
                old.sha256,
                new.sha256,
                new.path.display(),
                run.display()
            );
        }
    }
    Ok(())
}
