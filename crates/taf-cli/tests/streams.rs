//! Signals that were ignored, and standard error that nobody reads any more.

mod support;

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::{command, path, recipe, taf};

/// A training of a few hundred short steps.
fn training(recipe: &Path, run: &Path) -> Command {
    command(&["train", path(recipe), "--out", path(run), "--set", "train.epochs=2"])
}

/// Waits until the log has a first line, which is after the program began to listen for signals.
fn wait_for_first_step(child: &mut Child, run: &Path) {
    while fs::metadata(run.join("metrics.jsonl")).map_or(0, |file| file.len()) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "training ended before its first step");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn send(signal: i32, child: &Child) {
    // SAFETY: a signal goes to a process that this test started and has not waited for.
    assert_eq!(unsafe { libc::kill(child.id() as i32, signal) }, 0);
}

#[test]
fn signals_that_were_ignored_stay_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut training = training(&recipe(folder.path(), ""), &run);
    training.args(["--set", "train.epochs=20"]);
    // As nohup does, and a shell with a job in the background.
    // SAFETY: between fork and exec only signal(2) is called, which is safe there.
    unsafe {
        training.pre_exec(|| {
            for signal in [libc::SIGHUP, libc::SIGINT] {
                libc::signal(signal, libc::SIG_IGN);
            }
            Ok(())
        });
    }
    let mut child = training.spawn().unwrap();
    wait_for_first_step(&mut child, &run);
    // Again and again: a signal that is not ignored ends training at the next step, long before the hundredth.
    while child.try_wait().unwrap().is_none() {
        send(libc::SIGHUP, &child);
        send(libc::SIGINT, &child);
        std::thread::sleep(Duration::from_millis(1));
    }
    support::ended(child.wait_with_output().unwrap()).done();
    assert!(run.join("finished.json").is_file());
}

#[test]
fn other_signals_end_training_at_a_checkpoint_with_code_130() {
    for signal in [libc::SIGTERM, libc::SIGHUP] {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        let mut training = training(&recipe(folder.path(), ""), &run);
        training.args(["--set", "train.epochs=100"]);
        // SAFETY: as above; the test itself may run under nohup.
        unsafe {
            training.pre_exec(|| {
                libc::signal(libc::SIGHUP, libc::SIG_DFL);
                Ok(())
            });
        }
        let mut child = training.spawn().unwrap();
        wait_for_first_step(&mut child, &run);
        send(signal, &child);
        let ended = support::ended(child.wait_with_output().unwrap());
        assert_eq!(ended.code, 130, "{}", ended.err);
        assert!(ended.err.contains("go on with: taf train"), "{}", ended.err);
        assert!(fs::read_dir(run.join("checkpoints")).unwrap().count() > 0);
    }
}

/// Ways of standard error to be gone.
fn gone() -> Vec<(&'static str, Stdio)> {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let full = File::options().write(true).open("/dev/full").unwrap();
    vec![("a pipe without a reader", writer.into()), ("a full disk", full.into())]
}

#[test]
fn training_goes_on_where_standard_error_is_gone() {
    for (what, stderr) in gone() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        let status = training(&recipe(folder.path(), ""), &run).stderr(stderr).status().unwrap();
        assert_eq!(status.code(), Some(0), "{what}");
        assert!(run.join("finished.json").is_file(), "{what}");
    }
    let folder = tempfile::tempdir().unwrap();
    let (recipe, run) = (recipe(folder.path(), ""), folder.path().join("run"));
    let line = "exec \"$0\" train \"$1\" --out \"$2\" 2>&-";
    let program = env!("CARGO_BIN_EXE_taf");
    let status = Command::new("sh").args(["-c", line, program, path(&recipe), path(&run)]).status().unwrap();
    assert_eq!(status.code(), Some(0), "a closed standard error");
}

#[test]
fn exit_codes_are_the_same_where_standard_error_is_gone() {
    for (line, code) in [("info gone.toml", 2), ("trian", 2), ("data check gone.jsonl", 2), ("info", 0)] {
        for (what, stderr) in gone() {
            let args: Vec<&str> = line.split(' ').collect();
            let status = command(&args).stderr(stderr).stdout(Stdio::null()).status().unwrap();
            assert_eq!(status.code(), Some(code), "{line}: {what}");
        }
    }
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure_and_one_that_nobody_reads_is_none() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let ended = support::ended(command(&["info"]).stdout(full).output().unwrap());
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("cannot write to standard output"), "{}", ended.err);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(command(&["info"]).stdout(writer).status().unwrap().code(), Some(0));
}

#[test]
fn threads_are_bounded() {
    for number in ["100000", "4096"] {
        let message = taf(&["info", "--threads", number]).refused();
        assert!(message.contains("--threads must be at most") && message.contains(number), "{message}");
        let output = command(&["info"]).env("RAYON_NUM_THREADS", number).output().unwrap();
        assert!(support::ended(output).refused().contains("RAYON_NUM_THREADS must be at most"));
    }
    assert_eq!(taf(&["info", "--threads", "16", "--json"]).json()["program"]["threads"], 16);
}

#[test]
fn no_macro_that_panics_on_a_closed_stream_is_used() {
    fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
    }
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        let found = ["eprint!(", "eprintln!(", " print!(", " println!("].iter().find(|name| text.contains(**name));
        assert!(found.is_none(), "{}: use output::say or output::print", file.display());
    }
}
