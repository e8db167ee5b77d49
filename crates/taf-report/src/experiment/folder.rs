use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::file;
use super::{CellName, CellResult, Choices, ClipList, Error, Result, Split};

/// The folder of an experiment's results.
#[derive(Clone, Debug)]
pub struct ResultsFolder {
    path: PathBuf,
}

impl ResultsFolder {
    /// Results in a folder, which need not exist.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the result of a cell lies.
    pub fn result_path(&self, cell: &CellName, split: Split) -> PathBuf {
        let ending = if split == Split::Test { ".test.json" } else { ".json" };
        self.path.join(&cell.data).join(&cell.model).join(&cell.run).join(format!("seed{}{ending}", cell.seed))
    }

    /// Where the choices lie.
    pub fn choices_path(&self) -> PathBuf {
        self.path.join("choices.json")
    }

    /// Reads the result of a cell; none where there is none.
    ///
    /// # Errors
    /// If it cannot be read, or is that of another cell.
    pub fn result(&self, cell: &CellName, split: Split) -> Result<Option<CellResult>> {
        let path = self.result_path(cell, split);
        let Some(result) = file::read::<CellResult>(&path, "the result of a run of an experiment")? else {
            return Ok(None);
        };
        match result {
            result if result.schema != CellResult::SCHEMA => {
                Err(Error::content(&path, format!("schema {}", CellResult::SCHEMA), result.schema))
            }
            result if result.cell != *cell => Err(Error::content(&path, format!("the result of {cell}"), result.cell)),
            result => Ok(Some(result)),
        }
    }

    /// Writes the result of a cell with its clips, or refuses where the list of that name has other clips: of a list of another
    /// manifest no difference could be made.
    ///
    /// # Errors
    /// If the list is another, or a file cannot be written.
    pub fn write(&self, result: &CellResult, split: Split, clips: &ClipList) -> Result<()> {
        let path = self.clips_path(&result.clips);
        match self.clips(&result.clips)? {
            Some(known) if known == *clips => {}
            Some(_) => {
                let found =
                    "others: the manifest changed; remove the results of its data, or give the data another name";
                return Err(Error::content(&path, format!("the clips that {} was asked about", result.cell), found));
            }
            None => file::write(&path, &file::text(clips))?,
        }
        file::write(&self.result_path(&result.cell, split), &file::text(result))
    }

    /// The list of clips that a result is about.
    ///
    /// # Errors
    /// If it is not there, or is another.
    pub fn clips_of(&self, result: &CellResult) -> Result<ClipList> {
        let path = self.clips_path(&result.clips);
        let expected = || format!("the clips that {} was asked about (SHA-256 {})", result.cell, result.clips_sha256);
        let clips = self.clips(&result.clips)?.ok_or_else(|| Error::content(&path, expected(), "no file"))?;
        let hash = clips.hash();
        if hash != result.clips_sha256 {
            return Err(Error::content(&path, expected(), format!("others ({hash})")));
        }
        let count = clips.len();
        match result.versions.keys().find(|version| result.right(version, count).is_none()) {
            None => Ok(clips),
            Some(version) => {
                let path = self.result_path(&result.cell, Split::Validation);
                Err(Error::content(&path, format!("answers to {count} clips"), format!("another number for {version}")))
            }
        }
    }

    fn clips(&self, name: &str) -> Result<Option<ClipList>> {
        let path = self.clips_path(name);
        let list: Option<ClipList> = file::read(&path, "a list of clips")?;
        match list.as_ref().and_then(ClipList::fault) {
            None => Ok(list),
            Some(fault) => Err(Error::content(&path, "a name, a class and a group for every clip", fault)),
        }
    }

    fn clips_path(&self, name: &str) -> PathBuf {
        self.path.join("clips").join(format!("{name}.json"))
    }

    /// Reads which candidates were chosen; nothing chosen where there is no such file.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn choices(&self) -> Result<Choices> {
        Ok(file::read(&self.choices_path(), "which candidates were chosen")?.unwrap_or_default())
    }

    /// Writes which candidates were chosen.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_choices(&self, choices: &Choices) -> Result<()> {
        file::write(&self.choices_path(), &file::text(choices))
    }

    /// Reads the results of some cells, those that are there.
    ///
    /// # Errors
    /// As [`Self::result`].
    pub fn results<'a>(
        &self,
        cells: impl IntoIterator<Item = &'a CellName>,
        split: Split,
    ) -> Result<BTreeMap<CellName, CellResult>> {
        let read = |cell: &'a CellName| Ok(self.result(cell, split)?.map(|result| (cell.clone(), result)));
        cells.into_iter().filter_map(|cell| read(cell).transpose()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{cell, clips, result};
    use super::*;

    fn folder() -> (tempfile::TempDir, ResultsFolder) {
        let folder = tempfile::tempdir().unwrap();
        let results = ResultsFolder::new(folder.path().join("deep/results"));
        (folder, results)
    }

    #[test]
    fn a_result_comes_back_with_its_clips() {
        let (_kept, folder) = folder();
        let result = result("taf.a", 3, &[true, false, true]);
        folder.write(&result, Split::Validation, &clips(3)).unwrap();
        let found = folder.result(&result.cell, Split::Validation).unwrap().unwrap();
        assert_eq!((&found, folder.clips_of(&found).unwrap()), (&result, clips(3)));
        assert_eq!(found.right("clean", 3).unwrap(), [true, false, true]);
        assert_eq!(folder.result(&result.cell, Split::Test).unwrap(), None);
        assert_eq!(folder.result(&cell("taf.a", 4), Split::Validation).unwrap(), None);
    }

    #[test]
    fn a_list_that_changed_is_refused() {
        let (_kept, folder) = folder();
        folder.write(&result("taf", 0, &[true; 3]), Split::Validation, &clips(3)).unwrap();
        let other = ClipList { groups: vec!["one".into(); 3], ..clips(3) };
        let error = folder.write(&result("taf", 1, &[true; 3]), Split::Validation, &other).unwrap_err().to_string();
        assert!(error.contains("d/m/seed1/taf") && error.contains("manifest changed"), "{error}");
        let another = CellResult { clips_sha256: other.hash(), ..result("taf", 0, &[true; 3]) };
        assert!(folder.clips_of(&another).unwrap_err().to_string().contains("clips/list.json"));
        let longer = CellResult { clips_sha256: clips(3).hash(), ..result("taf", 0, &[true; 9]) };
        assert!(folder.clips_of(&longer).unwrap_err().to_string().contains("answers to 3 clips"));
    }

    #[test]
    fn files_of_other_contents_are_named() {
        let (_kept, folder) = folder();
        let result = result("taf", 0, &[true; 3]);
        folder.write(&result, Split::Validation, &clips(3)).unwrap();
        let path = folder.result_path(&result.cell, Split::Validation);
        let elsewhere = folder.result_path(&cell("taf", 1), Split::Validation);
        std::fs::copy(&path, &elsewhere).unwrap();
        let error = folder.result(&cell("taf", 1), Split::Validation).unwrap_err().to_string();
        assert!(error.contains("found d/m/seed0/taf") && error.contains("seed1.json"), "{error}");
        std::fs::write(&path, "{").unwrap();
        assert!(folder.result(&result.cell, Split::Validation).unwrap_err().to_string().contains("seed0.json"));
    }
}
