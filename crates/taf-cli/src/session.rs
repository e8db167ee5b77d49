//! A run folder that is ready to be trained in: a new one, or one to be taken up again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf, absolute};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use taf::recipe::{Plan, Recipe};
use taf_report::run::{Existing, Provenance, RunDir};
use taf_video::dataset::Manifest;

use crate::exit::Status;
use crate::output::{self, say};
use crate::settings::settings;
use crate::source::Source;

/// What every command that trains takes.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Folder of the run
    #[arg(long, value_name = "RUN", required_unless_present = "dry_run")]
    pub out: Option<PathBuf>,
    /// Change a value of the recipe, such as train.epochs=10; may be given often
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    #[command(flatten)]
    pub data: DataArgs,
    /// Go on with the run in --out; a finished one is left as it is
    #[arg(long)]
    pub resume: bool,
    /// Replace the run in --out
    #[arg(long, conflicts_with = "resume")]
    pub force: bool,
    /// Print the resolved recipe, and how many steps, how much memory and how long it would take; nothing is written
    #[arg(long, conflicts_with_all = ["resume", "force"])]
    pub dry_run: bool,
    /// Print how it ended as JSON
    #[arg(long)]
    pub json: bool,
}

/// Which videos, where not those of the recipe.
#[derive(Clone, Debug, Default, Args)]
pub struct DataArgs {
    /// Take the videos of this manifest
    #[arg(long, value_name = "MANIFEST")]
    pub data: Option<PathBuf>,
    /// Take only these classes, in this order
    #[arg(long, value_name = "A,B,...", value_delimiter = ',')]
    pub classes: Option<Vec<String>>,
}

/// A run being written.
pub struct Session {
    /// Its folder, locked.
    pub run: RunDir,
    /// Its recipe with the data it names.
    pub plan: Plan,
}

/// The seed that stands in the provenance of runs whose classifier was drawn.
const NEW_CLASSIFIER: &str = "new classifier";

/// Whether the run in `out` began with a classifier of its own though its other weights are another run's.
pub fn began_with_new_classifier(out: &Path) -> Result<bool> {
    Ok(RunDir::open(out)?.read_provenance()?.seeds.contains_key(NEW_CLASSIFIER))
}

/// Settings that do not change the result of a run, so that it may be taken up with others. The manifest may lie elsewhere
/// as long as its contents are the same. A run that a bad video stopped may go on without it.
const FREE: [&str; 5] =
    ["data.manifest", "data.on_bad_video", "data.workers", "train.checkpoint_steps", "train.keep_last"];

impl Session {
    /// Starts a run with `recipe`, or takes up the one that is there; none if that one is finished. `source` is what the
    /// first weights are taken from, where they are not drawn at random.
    pub fn begin(out: &Path, existing: Existing, recipe: Recipe, source: Option<Source>) -> Result<Option<Self>> {
        if existing == Existing::Resume
            && let Ok(old) = RunDir::open(out)
        {
            return Self::resume(&old, recipe, source);
        }
        // Everything is checked before a folder appears.
        let plan = recipe.plan()?;
        let weights = source.map(|source| source.trained.weights.as_path());
        let sources: Vec<&Path> = weights.into_iter().chain([plan.recipe.data.manifest.as_path()]).collect();
        let origin = provenance(&plan.recipe, source)?.with_videos(plan.fingerprint());
        let run = RunDir::create(out, existing, &sources)?;
        warn_without_lock(&run);
        run.write_origin(origin, &plan.recipe.to_toml())?;
        Ok(Some(Self { run, plan }))
    }

    fn resume(old: &RunDir, recipe: Recipe, source: Option<Source>) -> Result<Option<Self>> {
        // Only a recipe in its ranges can be written down, as comparing it takes.
        recipe.check()?;
        old.check_recipe()?;
        refuse_differences(&stored_recipe(old)?, &recipe, old.path())?;
        if old.is_finished() {
            return Ok(None);
        }
        let plan = recipe.plan()?;
        let run = RunDir::create(old.path(), Existing::Resume, &[])?;
        warn_without_lock(&run);
        let mut origin = run.read_provenance()?;
        refuse_other_start(&origin, &provenance(&plan.recipe, source)?, run.path())?;
        tell_other_videos(&origin, &plan);
        origin.mark_resumed();
        run.write_origin(origin, &plan.recipe.to_toml())?;
        Ok(Some(Self { run, plan }))
    }
}

impl RunArgs {
    /// Folder of the run.
    ///
    /// # Panics
    /// With `--dry-run`, which needs none.
    pub fn out(&self) -> &Path {
        self.out.as_deref().expect("the parser asks for --out unless there is --dry-run")
    }

    /// What is to happen to a run that is there.
    pub fn existing(&self) -> Existing {
        match (self.resume, self.force) {
            (true, _) => Existing::Resume,
            (_, true) => Existing::Replace,
            _ => Existing::Refuse,
        }
    }

    /// Starts the run of `--out`, or takes it up, as [`Session::begin`]; says so where `--resume` finds none.
    pub fn begin(&self, recipe: Recipe, source: Option<Source>) -> Result<Option<Session>> {
        let is_new = RunDir::open(self.out()).is_err();
        let session = Session::begin(self.out(), self.existing(), recipe, source)?;
        if self.resume && is_new {
            say(format_args!("there is no run to resume yet, so one begins: {}", self.out().display()));
        }
        Ok(session)
    }

    /// The recipe of a file with what the command line changes in it.
    pub fn read_recipe(&self, path: &Path) -> Result<Recipe> {
        Ok(Recipe::read(path, &self.all_overrides()?)?)
    }

    /// The recipe of the run in `--out` with what the command line changes in it.
    pub fn own_recipe(&self) -> Result<Recipe> {
        let run = RunDir::open(self.out())?;
        Ok(Recipe::parse(&run.read_recipe()?, &run.recipe_path(), &self.all_overrides()?)?)
    }

    /// Refuses `--classes` that the manifest lacks because some of its names hold commas, at which the option is split.
    pub fn check_classes(&self, recipe: &Recipe) -> Result<()> {
        let Some(asked) = &self.data.classes else { return Ok(()) };
        let manifest = Manifest::read(&recipe.data.manifest)?;
        let unknown = asked.iter().find(|class| !manifest.classes().contains(class));
        let with_comma = manifest.classes().iter().find(|class| class.contains(','));
        let (Some(unknown), Some(name)) = (unknown, with_comma) else { return Ok(()) };
        bail!(
            "--classes is split at commas, and {unknown:?} is no class; names with commas such as {name:?} are written \
             --set 'data.classes=[\"{name}\", ...]': {}",
            recipe.data.manifest.display()
        )
    }

    /// `--set` first, then the options that have a name of their own.
    pub fn all_overrides(&self) -> Result<Vec<String>> {
        let mut all = self.overrides.clone();
        if let Some(manifest) = &self.data.data {
            all.push(manifest_override(manifest)?);
        }
        if let Some(classes) = &self.data.classes {
            all.push(format!("data.classes={}", toml::Value::from(classes.clone())));
        }
        Ok(all)
    }
}

/// The override that makes a recipe read this manifest.
pub fn manifest_override(manifest: &Path) -> Result<String> {
    let path = absolute(manifest).with_context(|| format!("cannot find {}", manifest.display()))?;
    let path = path.to_str().ok_or_else(|| anyhow!("expected a UTF-8 path, found other bytes: {}", path.display()))?;
    Ok(format!("data.manifest={}", toml::Value::from(path)))
}

/// The recipe a run was made with.
pub fn stored_recipe(run: &RunDir) -> Result<Recipe> {
    Ok(Recipe::parse(&run.read_recipe()?, &run.recipe_path(), &[])?)
}

/// Says where nothing keeps a second process from the run.
fn warn_without_lock(run: &RunDir) {
    if !run.is_locked() {
        let path = run.path().display();
        say(format_args!("this file system has no locks: do not train in this folder from two places: {path}"));
    }
}

/// Says that there is nothing left to do.
pub fn tell_finished(args: &RunArgs) -> Result<Status> {
    say(format_args!("this run is finished; --force starts it anew: {}", args.out().display()));
    if args.json {
        output::print_json(&serde_json::json!({ "run": args.out(), "outcome": "finished" }))?;
    }
    Ok(Status::Done)
}

/// Where a run comes from that begins now.
pub fn provenance(recipe: &Recipe, source: Option<Source>) -> Result<Provenance> {
    let provenance = Provenance::new("flex (CPU)", rayon::current_num_threads())
        .with_commit(option_env!("TAF_GIT_COMMIT"))
        .with_seed("recipe", recipe.seed)
        .with_data(&recipe.data.manifest)?;
    let Some(Source { trained, new_classifier }) = source else { return Ok(provenance) };
    let provenance = provenance.with_data(&trained.weights)?;
    Ok(if new_classifier { provenance.with_seed(NEW_CLASSIFIER, recipe.seed) } else { provenance })
}

/// The settings that differ, one each, of those that change the result of a run.
pub fn differences(stored: &Recipe, asked: &Recipe) -> Vec<String> {
    let (stored, asked) = (settings(stored), settings(asked));
    let keys = stored.keys().chain(asked.keys()).collect::<BTreeSet<_>>();
    let value = |of: &BTreeMap<String, String>, key: &str| of.get(key).map_or("nothing".to_owned(), Clone::clone);
    keys.into_iter()
        .filter(|key| !FREE.contains(&key.as_str()) && stored.get(*key) != asked.get(*key))
        .map(|key| format!("{key}: the run has {}, asked for {}", value(&stored, key), value(&asked, key)))
        .collect()
}

/// Refuses settings that a run did not begin with.
pub fn refuse_differences(stored: &Recipe, asked: &Recipe, run: &Path) -> Result<()> {
    let differing: Vec<String> = differences(stored, asked).iter().map(|line| format!("\n  {line}")).collect();
    if differing.is_empty() {
        return Ok(());
    }
    bail!(
        "expected the settings this run began with, found others: {}{}\n\
         leave recipe and --set out to go on with the run's own, or train on from its weights with `taf finetune`",
        run.display(),
        differing.concat()
    )
}

/// Says that the files of the videos are not those the run began with. They may be copies of them, so that it goes on.
fn tell_other_videos(began: &Provenance, plan: &Plan) {
    if began.videos.as_ref().is_some_and(|videos| *videos != plan.fingerprint()) {
        say(format_args!(
            "files of the videos were written since the run began (their sizes or times are others); where they hold other \
             videos, what follows is not what an undisturbed run would have learned: {}",
            plan.recipe.data.manifest.display()
        ));
    }
}

fn refuse_other_start(began: &Provenance, now: &Provenance, run: &Path) -> Result<()> {
    let classifier = |of: &Provenance| of.seeds.contains_key(NEW_CLASSIFIER);
    if !classifier(began) && classifier(now) {
        bail!("expected the classifier that the run began with, found --new-classifier: {}", run.display());
    }
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
