use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use taf_report::experiment::{CellName, RunLine, SuiteLine, TablePlan};

use super::file::{Candidate, DataEntry, Experiment, ExperimentError, MethodEntry, ModelEntry};
use super::settings::{Splits, of_method, overrides};
use crate::evaluate::{Suite, Version};
use crate::recipe::{Recipe, RecipeError};
use crate::setting::SettingError;

/// All runs of an experiment, with their recipes.
#[derive(Clone, Debug)]
pub struct Grid {
    /// What the file says.
    pub experiment: Experiment,
    /// The runs: seed by seed, and the one that others start from before those.
    pub cells: Vec<Cell>,
    /// What is reported.
    pub suites: Vec<Suite>,
}

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Which.
    pub name: CellName,
    /// The method it belongs to; none for the run that others start from.
    pub method: Option<String>,
    /// How it is trained, every setting resolved.
    pub recipe: Recipe,
    /// The run it starts from; none where it is trained from scratch.
    pub start: Option<CellName>,
    /// Splits that are read once at the end.
    pub test: Vec<String>,
}

impl Grid {
    /// Reads the file of an experiment and the recipes it names, and checks all that can be checked without training.
    ///
    /// # Errors
    /// Names the first thing that is wrong.
    pub fn read(path: &Path) -> Result<Self, ExperimentError> {
        let experiment = Experiment::read(path)?;
        let suites = experiment.suites(path)?;
        let mut cells = Vec::new();
        for seed in experiment.seeds.list() {
            for (data, model) in experiment.data.iter().flat_map(|data| experiment.model.iter().map(move |m| (data, m)))
            {
                cells.extend(Place { experiment: &experiment, data, model, seed }.cells()?);
            }
        }
        Ok(Self { experiment, cells, suites })
    }

    /// Finds the videos of every run and checks that they are there.
    ///
    /// # Errors
    /// Names the first run whose videos cannot be found.
    pub fn check_videos(&self) -> Result<(), ExperimentError> {
        let mut known = BTreeSet::new();
        for cell in &self.cells {
            let any_seed = Recipe { seed: 0, ..cell.recipe.clone() };
            if known.insert(any_seed.to_toml()) {
                cell.recipe.plan().map_err(|source| cell.fault(source))?;
            }
            cell.check_overlap()?;
            if known.insert(format!("{} {:?}", cell.recipe.data.manifest.display(), cell.test)) {
                cell.check_test()?;
            }
        }
        Ok(())
    }

    /// The cell of a name.
    pub fn cell(&self, name: &CellName) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.name == *name)
    }

    /// Whether any run has test clips.
    pub fn has_test(&self) -> bool {
        self.cells.iter().any(|cell| !cell.test.is_empty())
    }

    /// All versions of the clips that the suites need.
    pub fn versions(&self) -> BTreeSet<Version> {
        self.suites.iter().flat_map(|suite| suite.versions.iter().copied()).collect()
    }

    /// What a table of it shows.
    pub fn table(&self) -> TablePlan {
        let mut runs: Vec<RunLine> = Vec::new();
        for cell in &self.cells {
            let line = RunLine { run: cell.name.run.clone(), method: cell.method.clone() };
            if !runs.contains(&line) {
                runs.push(line);
            }
        }
        let versions = |suite: &Suite| suite.versions.iter().map(Version::to_string).collect();
        let folded = self.experiment.data.iter().filter(|data| !data.folds.is_empty()).map(|data| data.name.clone());
        let suites = self.suites.iter().map(|suite| SuiteLine { name: suite.name.clone(), versions: versions(suite) });
        TablePlan {
            name: self.experiment.name.clone(),
            baseline: self.experiment.baseline.clone(),
            cells: self.cells.iter().map(|cell| cell.name.clone()).collect(),
            runs,
            folded: folded.collect(),
            suites: suites.collect(),
        }
    }
}

impl Cell {
    /// The name of the list of clips it is asked about, of some splits: data set and splits.
    pub fn clips(&self, splits: &[String]) -> String {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
        let splits = splits.join("+").replace(|letter| !is_letter(letter) && letter != '+', "_");
        format!("{}.{splits}", self.name.data)
    }

    /// Refuses test splits that are trained on or choose.
    fn check_overlap(&self) -> Result<(), ExperimentError> {
        let data = &self.recipe.data;
        let mut used = data.train.iter().chain(&data.validation);
        let Some(split) = used.find(|split| self.test.contains(split)) else { return Ok(()) };
        let expected = "be other splits than those for training and validation";
        let source = SettingError::new("the data's test", expected, format!("{split:?}"));
        Err(self.fault(source.into()))
    }

    /// Splits are checked by name and not looked at: the manifest is a list of all of them.
    fn check_test(&self) -> Result<(), ExperimentError> {
        if self.test.is_empty() {
            return Ok(());
        }
        let manifest = &self.recipe.data.manifest;
        let list = taf_video::dataset::Manifest::read(manifest).map_err(|source| self.fault(source.into()))?;
        let lacking = |source| RecipeError::Videos { manifest: manifest.clone(), source };
        list.select_splits(&self.test).map(drop).map_err(|source| self.fault(lacking(source)))
    }

    fn fault(&self, source: RecipeError) -> ExperimentError {
        ExperimentError::Recipe { cell: self.name.to_string(), source }
    }
}

/// One data set, network and seed.
#[derive(Clone, Copy)]
struct Place<'a> {
    experiment: &'a Experiment,
    data: &'a DataEntry,
    model: &'a ModelEntry,
    seed: u64,
}

impl Place<'_> {
    /// The run that others start from, where there is one, and then those.
    fn cells(self) -> Result<Vec<Cell>, ExperimentError> {
        let base = self.base()?;
        let start = self.experiment.start.as_ref().map(|_| self.cell(CellName::START.into(), None, base.clone(), None));
        let start = start.transpose()?;
        let from = start.as_ref().map(|start| start.name.clone());
        let mut cells: Vec<Cell> = start.into_iter().collect();
        for method in &self.experiment.method {
            let alone = method.candidate.is_empty().then_some(None);
            for candidate in alone.into_iter().chain(method.candidate.iter().map(Some)) {
                let run = candidate.map_or(method.name.clone(), |of| format!("{}.{}", method.name, of.name));
                let recipe = self.of_method(&base, method, candidate).map_err(|source| self.fault(&run, source))?;
                cells.push(self.cell(run, Some(method.name.clone()), recipe, from.clone())?);
            }
        }
        Ok(cells)
    }

    /// The recipe of training from scratch, which methods complete theirs by.
    fn base(self) -> Result<Recipe, ExperimentError> {
        let Self { experiment, data, model, seed } = self;
        let mut all = overrides(data, model, &Splits::of(data, seed), seed);
        all.extend(experiment.start.iter().flat_map(|start| start.set.iter().cloned()));
        let recipe = Recipe::read(&experiment.recipe, &all).map_err(|source| self.fault(CellName::START, source))?;
        match recipe.taf {
            None => Ok(recipe),
            Some(_) => {
                let expected = "be left out of the recipe of an experiment: it belongs to its methods";
                let source = SettingError::new("[taf]", expected, experiment.recipe.display());
                Err(self.fault(CellName::START, source.into()))
            }
        }
    }

    fn of_method(
        self,
        base: &Recipe,
        method: &MethodEntry,
        candidate: Option<&Candidate>,
    ) -> Result<Recipe, RecipeError> {
        let Self { experiment, data, model, seed } = self;
        let mut all = overrides(data, model, &Splits::of(data, seed), seed);
        all.extend(of_method(method, candidate));
        let mut recipe = match method.recipe.as_ref().or(experiment.method_recipe.as_ref()) {
            Some(path) => {
                let read = |source| RecipeError::Read { path: path.clone(), source };
                Recipe::completed_by(base, &fs::read_to_string(path).map_err(read)?, path, &all)?
            }
            None => Recipe::parse(&base.to_toml(), &experiment.recipe, &all)?,
        };
        if method.plain {
            recipe.taf = None;
        }
        Ok(recipe)
    }

    fn cell(
        self,
        run: String,
        method: Option<String>,
        recipe: Recipe,
        start: Option<CellName>,
    ) -> Result<Cell, ExperimentError> {
        recipe.check().map_err(|source| self.fault(&run, source.into()))?;
        let test = Splits::of(self.data, self.seed).test;
        Ok(Cell { name: self.name(&run), method, recipe, start, test })
    }

    fn name(self, run: &str) -> CellName {
        let Self { data, model, seed, .. } = self;
        CellName { data: data.name.clone(), model: model.name.clone(), seed, run: run.to_owned() }
    }

    fn fault(self, run: &str, source: RecipeError) -> ExperimentError {
        ExperimentError::Recipe { cell: self.name(run).to_string(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(more: &str) -> Result<Grid, ExperimentError> {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write(
            "base.toml",
            "[data]\nmanifest = \"m.jsonl\"\n[model]\nkind = \"tsm\"\ntrunk = \"resnet50\"\n[train]\nepochs = 9\n",
        );
        write("tune.toml", "[train]\nepochs = 3\n[taf]\nweight = 0.5\n");
        let text = format!(
            r#"
            name = "e"
            recipe = "base.toml"
            method_recipe = "tune.toml"
            seeds = 2
            baseline = "plain"
            {more}
            [[model]]
            name = "tsm"
            [[model]]
            name = "gst"
            set = ["model.kind=gst", "model.trunk=resnet50"]
            [[method]]
            name = "plain"
            plain = true
            [[method]]
            name = "taf"
            set = ["taf.adversary.steps=2"]
            candidate = [{{ name = "a" }}, {{ name = "b", set = ["taf.adversary.steps=3"] }}]
            "#
        );
        write("e.toml", &text);
        Grid::read(&folder.path().join("e.toml"))
    }

    const WITH_START: &str =
        "[[data]]\nname = \"d\"\nset = [\"train.batch_size=4\"]\n[start]\nset = [\"train.epochs=20\"]\n";

    #[test]
    fn the_start_comes_before_what_needs_it() {
        let grid = grid(WITH_START).unwrap();
        let names: Vec<String> = grid.cells.iter().map(|cell| cell.name.to_string()).collect();
        assert_eq!(
            names[..5],
            ["d/tsm/seed0/start", "d/tsm/seed0/plain", "d/tsm/seed0/taf.a", "d/tsm/seed0/taf.b", "d/gst/seed0/start"]
        );
        assert_eq!(names.len(), 16);
        assert_eq!(grid.cells[1].start.as_ref(), Some(&grid.cells[0].name));
        assert_eq!(grid.table().runs.len(), 4);
    }

    #[test]
    fn settings_go_from_the_recipe_over_data_and_model_to_the_method() {
        let grid = grid(WITH_START).unwrap();
        let recipe = |name: &str| &grid.cell(&name.parse().unwrap()).unwrap().recipe;
        let (start, plain, b) = (recipe("d/gst/seed1/start"), recipe("d/gst/seed1/plain"), recipe("d/gst/seed1/taf.b"));
        assert_eq!([start.train.epochs, plain.train.epochs, b.train.epochs], [20, 3, 3]);
        assert_eq!([start.train.batch_size, plain.train.batch_size, b.train.batch_size], [4; 3]);
        assert_eq!((start.seed, b.seed, start.model == b.model), (1, 1, true));
        assert!(start.taf.is_none() && plain.taf.is_none());
        let taf = b.taf.as_ref().unwrap();
        assert_eq!((taf.adversary.steps, recipe("d/gst/seed1/taf.a").taf.as_ref().unwrap().adversary.steps), (3, 2));
    }

    #[test]
    fn without_a_start_methods_train_from_scratch() {
        let grid = grid("[[data]]\nname = \"d\"\n").unwrap();
        assert_eq!(grid.cells.len(), 12);
        assert!(grid.cells.iter().all(|cell| cell.start.is_none() && cell.name.run != "start"));
    }

    #[test]
    fn a_setting_that_does_not_exist_is_told_with_the_run_it_is_of() {
        let error = grid(&WITH_START.replace("epochs=20", "epoch=20")).unwrap_err().to_string();
        assert!(error.contains("d/tsm/seed0/start") && error.contains("train.epoch=20"), "{error}");
    }

    #[test]
    fn no_run_trains_on_or_is_chosen_by_test_clips() {
        let data = WITH_START.replacen("set = [", "test = [\"test\"]\nset = [", 1);
        let of = |setting: &str| {
            let method = format!("{data}[[method]]\nname = \"other\"\nset = ['{setting}']\n");
            let grid = grid(&method).unwrap();
            grid.cells.iter().find_map(|cell| cell.check_overlap().err()).map(|error| error.to_string())
        };
        assert_eq!(of("train.epochs=2"), None);
        for setting in ["data.train=[\"train\", \"test\"]", "data.validation=[\"test\"]"] {
            let error = of(setting).unwrap();
            assert!(error.contains("d/tsm/seed0/other") && error.contains("other splits"), "{error}");
        }
    }

    #[test]
    fn an_experiment_needs_no_test_clips() {
        let grid = grid(WITH_START).unwrap();
        assert!(!grid.has_test() && grid.cells.iter().all(|cell| cell.check_test().is_ok()));
    }

    #[test]
    fn lists_of_clips_are_named_after_their_splits() {
        let grid = grid(WITH_START).unwrap();
        assert_eq!(grid.cells[0].clips(&["val".into(), "more val/2".into()]), "d.val+more_val_2");
    }
}
