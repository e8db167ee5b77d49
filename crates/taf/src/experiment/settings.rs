use super::file::{Candidate, DataEntry, MethodEntry, ModelEntry};

/// The splits of a data set for one seed, where they are not those of the recipe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Splits {
    pub train: Option<Vec<String>>,
    pub validation: Option<Vec<String>>,
    pub test: Vec<String>,
}

impl Splits {
    /// Of folds the seed's own is for testing, the next for validation, and the others for training.
    pub fn of(data: &DataEntry, seed: u64) -> Self {
        let DataEntry { train, validation, test, folds, .. } = data;
        if folds.is_empty() {
            return Self { train: train.clone(), validation: validation.clone(), test: test.clone() };
        }
        let count = folds.len();
        let own = (seed % count as u64) as usize;
        let fold = |after: usize| folds[(own + after) % count].clone();
        Self { train: Some((2..count).map(fold).collect()), validation: Some(vec![fold(1)]), test: vec![fold(0)] }
    }
}

/// Changes of a recipe that come from where a run stands in the grid; the later ones win.
pub fn overrides(data: &DataEntry, model: &ModelEntry, splits: &Splits, seed: u64) -> Vec<String> {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let list = |names: &[String]| toml::Value::from(names.to_vec()).to_string();
    let mut all: Vec<String> = data.set.iter().chain(&model.set).cloned().collect();
    all.extend(data.manifest.as_ref().map(|manifest| format!("data.manifest={}", quoted(&manifest.to_string_lossy()))));
    all.extend(splits.train.as_ref().map(|names| format!("data.train={}", list(names))));
    all.extend(splits.validation.as_ref().map(|names| format!("data.validation={}", list(names))));
    all.push(format!("seed={seed}"));
    all
}

/// Changes of a method's recipe.
pub fn of_method(method: &MethodEntry, candidate: Option<&Candidate>) -> Vec<String> {
    method.set.iter().chain(candidate.iter().flat_map(|candidate| &candidate.set)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_go_around() {
        let folds = ["a", "b", "c", "d"].map(str::to_owned).into();
        let data = DataEntry {
            name: "d".into(),
            manifest: None,
            set: Vec::new(),
            train: None,
            validation: None,
            test: Vec::new(),
            folds,
        };
        let of = |seed| {
            let Splits { train, validation, test } = Splits::of(&data, seed);
            (train.unwrap().concat(), validation.unwrap().concat(), test.concat())
        };
        assert_eq!(of(0), ("cd".into(), "b".into(), "a".into()));
        assert_eq!(of(3), ("bc".into(), "a".into(), "d".into()));
        assert_eq!(of(7), of(3));
    }
}
