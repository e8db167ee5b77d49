use std::collections::BTreeMap;

use super::{CellName, CellResult, Choice, ClipList, Result, ResultsFolder, Split, TablePlan, choose};

/// Results with the lists of clips they are about.
pub struct Known {
    pub results: BTreeMap<CellName, CellResult>,
    pub lists: BTreeMap<String, ClipList>,
    pub split: Split,
}

impl Known {
    pub fn read(folder: &ResultsFolder, cells: &[CellName], split: Split) -> Result<Self> {
        let results = folder.results(cells, split)?;
        let mut lists = BTreeMap::new();
        for result in results.values() {
            let list = folder.clips_of(result)?;
            lists.insert(result.clips.clone(), list);
        }
        Ok(Self { results, lists, split })
    }

    pub fn clips(&self, result: &CellResult) -> usize {
        self.lists[&result.clips].len()
    }

    pub fn choices(&self, plan: &TablePlan) -> Vec<Choice> {
        let methods = plan.methods();
        let of_place = |(data, model)| {
            let seeds = plan.choosing(data, model);
            let choose = |(method, runs): &(&str, Vec<String>), seed| {
                choose([data, model, method], seed, runs, &self.results, |result| self.clips(result))
            };
            let of_method = |method| seeds.iter().filter_map(move |seed| choose(method, *seed)).collect::<Vec<_>>();
            methods.iter().flat_map(of_method).collect::<Vec<_>>()
        };
        plan.places().into_iter().flat_map(of_place).collect()
    }
}

impl TablePlan {
    /// Chooses a candidate of every method that has results, for every data set and network, and of folds for every seed.
    ///
    /// # Errors
    /// If a result or a list of clips cannot be read, or they do not fit each other.
    pub fn choices(&self, folder: &ResultsFolder) -> Result<Vec<Choice>> {
        Ok(Known::read(folder, &self.cells, Split::Validation)?.choices(self))
    }
}
