use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use taf_video::corrupt::Severity;

use crate::evaluate::{Suite, UnknownSuite};
use crate::recipe::RecipeError;

/// The file of an experiment. Unknown fields are refused everywhere; paths start from the file's folder.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// What it is called, in letters, digits, `-` and `_`.
    pub name: String,
    /// The recipe that networks are trained from scratch with. It has no `[taf]` table: that belongs to methods.
    pub recipe: PathBuf,
    /// The recipe of methods that name none; default: the one they start from, without `[taf]`.
    #[serde(default)]
    pub method_recipe: Option<PathBuf>,
    /// How many seeds, from 0, or which.
    pub seeds: Seeds,
    /// The method that the others are compared with.
    pub baseline: String,
    /// Folder of the results; default `results/NAME`.
    #[serde(default)]
    pub results: Option<PathBuf>,
    /// How runs are evaluated.
    #[serde(default)]
    pub evaluation: EvaluationEntry,
    /// The data sets, at least one.
    pub data: Vec<DataEntry>,
    /// The networks, at least one.
    pub model: Vec<ModelEntry>,
    /// The run that every method starts from, one for each data set, network and seed; without it methods train from scratch.
    #[serde(default)]
    pub start: Option<StartEntry>,
    /// The methods, at least one.
    pub method: Vec<MethodEntry>,
}

/// Seeds of the runs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected a number of seeds such as 5, or a list of seeds such as [0, 1, 2]")]
pub enum Seeds {
    /// The seeds from 0 on.
    Count(u64),
    /// These.
    List(Vec<u64>),
}

/// The `[evaluation]` table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluationEntry {
    /// Suites that are reported; default clean, time-shifted, noise and blur. Clean clips are always among them: they choose.
    pub suites: Vec<String>,
    /// Severities of spoiled clips, from 1 to 5; default 2 and 4.
    pub severities: Vec<u8>,
}

/// One `[[data]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataEntry {
    /// What it is called.
    pub name: String,
    /// The manifest; default that of the recipe.
    #[serde(default)]
    pub manifest: Option<PathBuf>,
    /// Changes of the recipes of all runs on it, as `--set` takes them.
    #[serde(default)]
    pub set: Vec<String>,
    /// Splits to train on; default those of the recipe.
    #[serde(default)]
    pub train: Option<Vec<String>>,
    /// Splits that choose; default those of the recipe.
    #[serde(default)]
    pub validation: Option<Vec<String>>,
    /// Splits that are read once at the end; default none.
    #[serde(default)]
    pub test: Vec<String>,
    /// At least three splits for cross-validation instead: seed s is tested on the one numbered s, counted around, validated on
    /// the next, and trained on the others.
    #[serde(default)]
    pub folds: Vec<String>,
}

/// One `[[model]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// What it is called.
    pub name: String,
    /// Changes of the recipes of all its runs.
    #[serde(default)]
    pub set: Vec<String>,
}

/// The `[start]` table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartEntry {
    /// Changes of the recipe.
    #[serde(default)]
    pub set: Vec<String>,
}

/// One `[[method]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodEntry {
    /// What it is called; not `start`.
    pub name: String,
    /// Its recipe; default `method_recipe`. Tables it leaves out, except `[taf]`, are those of the start.
    #[serde(default)]
    pub recipe: Option<PathBuf>,
    /// Whether `[taf]` of the recipe is left out.
    #[serde(default)]
    pub plain: bool,
    /// Changes of the recipe.
    #[serde(default)]
    pub set: Vec<String>,
    /// What validation chooses from, for each data set and network; default the method alone.
    #[serde(default)]
    pub candidate: Vec<Candidate>,
}

/// One `[[method.candidate]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// What it is called.
    pub name: String,
    /// Changes of the method's recipe.
    #[serde(default)]
    pub set: Vec<String>,
}

/// Why an experiment cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// The file could not be read.
    #[error("cannot read the experiment: {source}: {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system answered.
        source: std::io::Error,
    },
    /// The text is not TOML, or a field is unknown, missing or of the wrong type.
    #[error("{}: {message}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and what, as the parser says it.
        message: String,
    },
    /// A value makes no sense.
    #[error("{field} must {expected}, got {found}: {}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// Which value.
        field: String,
        /// What it must do.
        expected: String,
        /// What it is.
        found: String,
    },
    /// There is no such suite.
    #[error("evaluation.suites: {source}: {}", path.display())]
    Suite {
        /// The file.
        path: PathBuf,
        /// Which.
        source: UnknownSuite,
    },
    /// The recipe of a run cannot be used.
    #[error("{cell}: {source}")]
    Recipe {
        /// The run.
        cell: String,
        /// What is wrong with it.
        source: RecipeError,
    },
}

impl Default for EvaluationEntry {
    fn default() -> Self {
        let suites = ["clean", "time-shifted", "noise", "blur"].map(str::to_owned);
        Self { suites: suites.into(), severities: vec![2, 4] }
    }
}

impl Seeds {
    /// The seeds.
    pub fn list(&self) -> Vec<u64> {
        match self {
            Self::Count(count) => (0..*count).collect(),
            Self::List(list) => list.clone(),
        }
    }
}

/// More seeds than anyone can train.
const MOST_SEEDS: u64 = 10_000;

impl Experiment {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Names the first thing that is wrong.
    pub fn read(path: &Path) -> Result<Self, ExperimentError> {
        let read = |source| ExperimentError::Read { path: path.to_owned(), source };
        let text = fs::read_to_string(path).map_err(read)?;
        let parse =
            |error: toml::de::Error| ExperimentError::Parse { path: path.to_owned(), message: error.to_string() };
        let mut experiment: Self = toml::from_str(&text).map_err(parse)?;
        experiment.check(path)?;
        experiment.anchor(path.parent().unwrap_or(Path::new("")));
        Ok(experiment)
    }

    /// Relative paths start from the file's folder.
    fn anchor(&mut self, folder: &Path) {
        let anchored = |path: &mut PathBuf| {
            let full = folder.join(&*path);
            *path = std::path::absolute(&full).unwrap_or(full);
        };
        let results = self.results.get_or_insert_with(|| Path::new("results").join(&self.name));
        let named = [Some(&mut self.recipe), self.method_recipe.as_mut(), Some(results)].into_iter().flatten();
        named.for_each(anchored);
        self.data.iter_mut().filter_map(|data| data.manifest.as_mut()).for_each(anchored);
        self.method.iter_mut().filter_map(|method| method.recipe.as_mut()).for_each(anchored);
    }

    /// The suites that are reported, clean first.
    ///
    /// # Errors
    /// If there is no such suite or severity, or a suite has none of them.
    pub fn suites(&self, path: &Path) -> Result<Vec<Suite>, ExperimentError> {
        let severity = |&number: &u8| {
            Severity::new(number).map_err(|_| fault(path, "evaluation.severities", "lie between 1 and 5", number))
        };
        let severities: Vec<Severity> = self.evaluation.severities.iter().map(severity).collect::<Result<_, _>>()?;
        let mut suites = vec![Suite::clean()];
        for name in &self.evaluation.suites {
            let unknown = |source| ExperimentError::Suite { path: path.to_owned(), source };
            let suite = Suite::named(name, &severities).map_err(unknown)?;
            if !suites.contains(&suite) {
                suites.push(suite);
            }
        }
        Ok(suites)
    }

    fn check(&self, path: &Path) -> Result<(), ExperimentError> {
        let value = |field: &str, expected: &str, found: &dyn ToString| fault(path, field, expected, found.to_string());
        let seeds = match &self.seeds {
            Seeds::Count(count) if *count > MOST_SEEDS => *count as usize,
            seeds => seeds.list().iter().collect::<BTreeSet<_>>().len(),
        };
        let asked = if let Seeds::List(list) = &self.seeds { list.len() } else { seeds };
        if !(1..=MOST_SEEDS as usize).contains(&seeds) || seeds != asked {
            return Err(value("seeds", "be 1 to 10000 different ones", &format!("{:?}", self.seeds)));
        }
        if let Some(seed) = self.seeds.list().into_iter().find(|seed| i64::try_from(*seed).is_err()) {
            return Err(value("seeds", "be below 2^63", &seed));
        }
        names(path, "name", [self.name.as_str()])?;
        names(path, "data.name", self.data.iter().map(|data| data.name.as_str()))?;
        names(path, "model.name", self.model.iter().map(|model| model.name.as_str()))?;
        names(path, "method.name", self.method.iter().map(|method| method.name.as_str()))?;
        if self.data.iter().any(|data| data.name == "clips") {
            return Err(value("data.name", "be another than that of the folder of lists", &"\"clips\""));
        }
        for method in &self.method {
            self.check_method(path, method)?;
        }
        if self.method.iter().all(|method| method.name != self.baseline) {
            return Err(value("baseline", "be the name of a method", &format!("{:?}", self.baseline)));
        }
        self.data.iter().try_for_each(|data| check_splits(path, data))?;
        self.suites(path).map(drop)
    }

    fn check_method(&self, path: &Path, method: &MethodEntry) -> Result<(), ExperimentError> {
        let field = format!("method {:?}", method.name);
        if method.name == "start" {
            return Err(fault(path, "method.name", "be another than that of [start]", "\"start\""));
        }
        let is_taf = |set: &&String| set.trim_start().starts_with("taf.");
        let all = || method.set.iter().chain(method.candidate.iter().flat_map(|candidate| &candidate.set));
        if let Some(set) = all().find(is_taf).filter(|_| method.plain) {
            return Err(fault(path, &field, "set nothing of [taf], which plain = true leaves out", format!("{set:?}")));
        }
        if method.candidate.is_empty() {
            return Ok(());
        }
        names(path, &format!("{field}: candidate.name"), method.candidate.iter().map(|of| of.name.as_str()))
    }
}

fn fault(path: &Path, field: &str, expected: impl Into<String>, found: impl ToString) -> ExperimentError {
    let (field, expected, found) = (field.to_owned(), expected.into(), found.to_string());
    ExperimentError::Value { path: path.to_owned(), field, expected, found }
}

/// Refuses names that are no names of folders, and those that come twice; there must be one.
fn names<'a>(path: &Path, field: &str, names: impl IntoIterator<Item = &'a str>) -> Result<(), ExperimentError> {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    let mut known = BTreeSet::new();
    for name in names {
        if name.is_empty() || name.len() > 64 || !name.chars().all(is_letter) || name.starts_with('-') {
            let expected = "be 1 to 64 letters, digits, - or _, the first no -";
            return Err(fault(path, field, expected, format!("{name:?}")));
        }
        // Some file systems take both for one.
        if !known.insert(name.to_lowercase()) {
            return Err(fault(path, field, "come once", format!("{name:?} twice")));
        }
    }
    if known.is_empty() { Err(fault(path, field, "be there", "none")) } else { Ok(()) }
}

fn check_splits(path: &Path, data: &DataEntry) -> Result<(), ExperimentError> {
    let field = format!("data {:?}", data.name);
    let named = data.train.iter().chain(&data.validation).flatten().chain(&data.test).chain(&data.folds);
    let names: Vec<&String> = named.collect();
    let twice = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
    if let Some((_, name)) = twice {
        return Err(fault(path, &field, "name every split once", format!("{name:?} twice")));
    }
    let has_parts = data.train.is_some() || data.validation.is_some() || !data.test.is_empty();
    match data.folds.len() {
        0 => Ok(()),
        1 | 2 => Err(fault(path, &format!("{field}: folds"), "be at least three", format!("{:?}", data.folds))),
        _ if has_parts => Err(fault(path, &field, "have folds, or train, validation and test", "both")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
        name = "forms"
        recipe = "../configs/base.toml"
        seeds = [0, 3]
        baseline = "plain"
        [[data]]
        name = "shapes"
        [[model]]
        name = "tsm"
        [start]
        [[method]]
        name = "plain"
        plain = true
        [[method]]
        name = "taf"
        candidate = [{ name = "a" }, { name = "b", set = ["taf.weight=0.5"] }]
    "#;

    fn read(text: &str) -> Result<Experiment, ExperimentError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.toml");
        fs::write(&path, text).unwrap();
        Experiment::read(&path)
    }

    #[test]
    fn a_file_is_read_with_its_defaults() {
        let experiment = read(WHOLE).unwrap();
        assert_eq!(experiment.seeds.list(), [0, 3]);
        assert!(experiment.recipe.is_absolute() && experiment.results.unwrap().ends_with("results/forms"));
        assert_eq!(experiment.evaluation.severities, [2, 4]);
        assert_eq!(Seeds::Count(3).list(), [0, 1, 2]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let told = |from: &str, to: &str| {
            assert!(WHOLE.contains(from), "{from}");
            read(&WHOLE.replacen(from, to, 1)).unwrap_err().to_string()
        };
        for (from, to, expected) in [
            ("seeds = [0, 3]", "seeds = 0", "seeds must be 1 to 10000"),
            ("seeds = [0, 3]", "seeds = 99999999999", "seeds must be 1 to 10000"),
            ("seeds = [0, 3]", "seeds = [3, 3]", "seeds must be 1 to 10000 different"),
            ("seeds = [0, 3]", "seeds = \"all\"", "expected a number of seeds"),
            ("baseline = \"plain\"", "baseline = \"plane\"", "got \"plane\""),
            ("\"forms\"", "\"../forms\"", "name must be 1 to 64 letters"),
            ("\"taf\"", "\"start\"", "another than that of [start]"),
            ("\"taf\"", "\"Plain\"", "come once"),
            ("\"shapes\"", "\"clips\"", "folder of lists"),
            ("name = \"b\"", "name = \"a\"", "candidate.name must come once"),
            ("plain = true", "plain = true\nset = [\"taf.weight=1\"]", "plain = true leaves out"),
            ("name = \"tsm\"", "name = \"tsm\"\nsets = []", "unknown field `sets`"),
            ("[start]", "[evaluation]\nsuites = [\"nois\"]\n[start]", "got \"nois\""),
            ("[start]", "[evaluation]\nseverities = [6]\n[start]", "between 1 and 5, got 6"),
            ("[start]", "[evaluation]\nseverities = []\n[start]", "suite time-shifted must hold one of 1, 2"),
            ("name = \"shapes\"", "name = \"shapes\"\nfolds = [\"a\", \"b\"]", "at least three"),
            ("name = \"shapes\"", "name = \"shapes\"\nfolds = [\"a\", \"b\", \"c\"]\ntest = [\"d\"]", "got both"),
            ("name = \"shapes\"", "name = \"shapes\"\ntrain = [\"a\"]\ntest = [\"a\"]", "\"a\" twice"),
        ] {
            let message = told(from, to);
            assert!(message.contains(expected) && message.contains("e.toml"), "{to}: {message}");
        }
    }
}
