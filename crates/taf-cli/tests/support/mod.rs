//! What the tests of the program share: running it, a few small videos, a recipe that trains in a second.
#![allow(dead_code)] // each test file uses a part of it

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// How a command ended.
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// The program with some arguments, quiet.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taf"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program and waits for its end.
pub fn taf(args: &[&str]) -> Ended {
    ended(command(args).output().expect("the program starts"))
}

pub fn ended(output: Output) -> Ended {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the program writes UTF-8");
    let ended =
        Ended { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) };
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
    ended
}

impl Ended {
    /// The standard output of a command that did what it should.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!(self.code, 0, "{}", self.err);
        self.out
    }

    /// The standard output as JSON.
    #[track_caller]
    pub fn json(self) -> serde_json::Value {
        let out = self.done();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }

    /// The message of a command that refused its input.
    #[track_caller]
    pub fn refused(self) -> String {
        assert_eq!(self.code, 2, "stdout: {}\nstderr: {}", self.out, self.err);
        assert!(self.err.contains("error: "), "{}", self.err);
        self.err
    }
}

/// MovingShapes of 32 pixels with at least 8 frames: 40 videos to train on, 20 to validate. Made once for all tests of a file.
pub fn videos() -> &'static Path {
    static VIDEOS: OnceLock<TempDir> = OnceLock::new();
    let folder = VIDEOS.get_or_init(|| {
        let folder = tempfile::tempdir().expect("there is room for small videos");
        let args = ["data", "synth", "--size", "32", "--frames", "8-12", "--train", "4", "--val", "2", "--out"];
        taf(&[&args[..], &[path(folder.path())]].concat()).done();
        folder
    });
    folder.path()
}

pub fn manifest() -> PathBuf {
    videos().join("manifest.jsonl")
}

/// One of the videos.
pub fn video() -> PathBuf {
    videos().join("moving left/val-00000.mp4")
}

/// Two epochs of five steps on the smallest network.
pub const RECIPE: &str = r#"
seed = 3
[data]
manifest = "MANIFEST"
transform = { size = 32 }
eval = { size = 32 }
[model]
kind = "tsm"
trunk = "tiny"
width = 8
layers = [1, 1]
[train]
epochs = 2
batch_size = 8
"#;

/// Writes [`RECIPE`] with some lines more.
pub fn recipe(folder: &Path, more: &str) -> PathBuf {
    let file = folder.join("recipe.toml");
    fs::write(&file, RECIPE.replace("MANIFEST", path(&manifest())) + more).unwrap();
    file
}

/// Trains [`RECIPE`] into a new run.
pub fn trained(folder: &Path) -> PathBuf {
    let run = folder.join("base");
    taf(&["train", path(&recipe(folder, "")), "--out", path(&run)]).done();
    run
}

/// A folder with all that lies in it, as another that may be there.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// A run as another, without the answers that it keeps.
pub fn copy_run(run: &Path, to: PathBuf) -> PathBuf {
    copy_folder(run, &to);
    let _ = fs::remove_dir_all(to.join("predictions"));
    to
}

pub fn path(path: &Path) -> &str {
    path.to_str().expect("test paths are UTF-8")
}
