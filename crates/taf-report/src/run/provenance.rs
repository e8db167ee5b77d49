use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Error, Result};

/// Where a run came from: enough to repeat it, and to tell two runs apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of this crate.
    pub version: String,
    /// Source commit the program was built from, where it is known.
    pub commit: Option<String>,
    /// The device that computed.
    pub device: String,
    /// Threads it computed with.
    pub threads: usize,
    /// Operating system and processor architecture.
    pub platform: String,
    /// Every seed by its name.
    pub seeds: BTreeMap<String, u64>,
    /// SHA-256 of every recipe the run went by, in hexadecimal, the first first: taking a run up may change settings that do not
    /// change its result.
    #[serde(default)]
    pub recipes: Vec<String>,
    /// The data the run read, by file.
    pub data: Vec<DataSource>,
    /// What the files of the videos looked like from outside when the run began, where it was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub videos: Option<String>,
    /// The command line, program first.
    pub command: Vec<String>,
    /// When the run began, UTC, RFC 3339.
    pub started: String,
    /// When it was taken up again, UTC, RFC 3339, in order.
    #[serde(default)]
    pub resumed: Vec<String>,
}

/// A file a run read, and what was in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSource {
    /// Where it was.
    pub path: PathBuf,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

impl Provenance {
    /// A run that begins now, on `device`, with this process's command line.
    pub fn new(device: impl Into<String>, threads: usize) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: None,
            device: device.into(),
            threads,
            platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            seeds: BTreeMap::new(),
            recipes: Vec::new(),
            data: Vec::new(),
            videos: None,
            command: std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect(),
            started: now(),
            resumed: Vec::new(),
        }
    }

    /// Notes the commit the program was built from, where it is known.
    pub fn with_commit(mut self, commit: Option<&str>) -> Self {
        self.commit = commit.map(str::to_owned);
        self
    }

    /// Notes a seed.
    pub fn with_seed(mut self, name: impl Into<String>, seed: u64) -> Self {
        self.seeds.insert(name.into(), seed);
        self
    }

    /// Whether a file holds what one of those held that the run read.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn has_read(&self, path: &Path) -> Result<bool> {
        let sha256 = sha256_file(path)?;
        Ok(self.data.iter().any(|source| source.sha256 == sha256))
    }

    /// Notes a file the run reads, with its hash.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn with_data(mut self, path: &Path) -> Result<Self> {
        self.data.push(DataSource { path: path.to_owned(), sha256: sha256_file(path)? });
        Ok(self)
    }

    /// Notes the text of a recipe the run goes by.
    pub fn note_recipe(&mut self, recipe: &str) {
        if self.recipes.is_empty() || !self.knows_recipe(recipe) {
            self.recipes.push(sha256(recipe.as_bytes()));
        }
    }

    /// Whether the run went by this recipe; true where none was noted.
    pub fn knows_recipe(&self, recipe: &str) -> bool {
        self.recipes.is_empty() || self.recipes.contains(&sha256(recipe.as_bytes()))
    }

    /// Notes what the files of the videos look like from outside.
    pub fn with_videos(mut self, fingerprint: String) -> Self {
        self.videos = Some(fingerprint);
        self
    }

    /// Seconds since the run began; none where its time cannot be read.
    pub fn age_seconds(&self) -> Option<i64> {
        let started: jiff::Timestamp = self.started.parse().ok()?;
        // A start is written to the nearest second, which may be the next one.
        Some((jiff::Timestamp::now().as_second() - started.as_second()).max(0))
    }

    /// Notes that the run is taken up again now.
    pub fn mark_resumed(&mut self) {
        self.resumed.push(now());
    }
}

/// The time in UTC to the second, as RFC 3339 writes it.
pub(super) fn now() -> String {
    let second = jiff::Unit::Second;
    let now = jiff::Timestamp::now();
    now.round(second).unwrap_or(now).to_string()
}

/// SHA-256 of some bytes, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hash(bytes).expect("memory can be read")
}

/// SHA-256 of a file's bytes, in hexadecimal, read in pieces.
fn sha256_file(path: &Path) -> Result<String> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    hash(BufReader::new(file)).map_err(Error::io("read", path))
}

fn hash(mut bytes: impl io::Read) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut bytes, &mut hasher)?;
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_published_hash() {
        // FIPS 180-2, appendix B.1.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((sha256_file(&path).unwrap(), sha256(b"abc")), (expected.to_owned(), expected.to_owned()));
    }

    #[test]
    fn times_are_utc_to_the_second() {
        let time = now();
        assert!(time.len() == "2026-01-01T00:00:00Z".len() && time.ends_with('Z'), "{time}");
    }

    #[test]
    fn a_run_is_as_old_as_its_start() {
        let mut run = Provenance::new("cpu", 2);
        assert!((0..60).contains(&run.age_seconds().unwrap()));
        run.started = "yesterday".into();
        assert_eq!(run.age_seconds(), None);
    }

    #[test]
    fn a_missing_data_file_is_named() {
        let error = Provenance::new("cpu", 2).with_data(Path::new("/nowhere.toml")).unwrap_err();
        assert!(error.to_string().ends_with("/nowhere.toml"));
    }
}
