//! Input that cannot be used: exit code 2, and a message that names the file, what was expected and what was found.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use support::{manifest, path, recipe, taf, trained, video};

/// A trained run and its folder, made once; tests that spoil it take a copy.
fn base() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            trained(folder.path());
            folder
        })
        .path()
}

fn copy_of_base(folder: &Path) -> PathBuf {
    let copy = folder.join("copy");
    fs::create_dir_all(copy.join("checkpoints")).unwrap();
    for file in ["recipe.toml", "provenance.json", "metrics.jsonl", "checkpoints/step-000000010.safetensors"] {
        fs::copy(base().join("base").join(file), copy.join(file)).unwrap();
    }
    copy
}

#[track_caller]
fn refused(args: &[&str], parts: &[&str]) {
    let message = taf(args).refused();
    for part in parts {
        assert!(message.contains(part), "{args:?}: expected {part:?} in: {message}");
    }
}

#[test]
fn recipes_that_cannot_be_used_are_named_and_leave_no_run_behind() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let good = fs::read_to_string(recipe(folder.path(), "")).unwrap();
    let cases: [(&str, String, &[&str]); 8] = [
        ("garbage.toml", "\u{0}\u{1}ELF".into(), &["garbage.toml"]),
        ("unknown.toml", good.replace("epochs = 2", "epoch = 2"), &["unknown.toml", "unknown field `epoch`", "epochs"]),
        ("type.toml", good.replace("epochs = 2", "epochs = \"two\""), &["type.toml", "two"]),
        ("range.toml", good.replace("epochs = 2", "epochs = 0"), &["train.epochs must be at least 1, got 0"]),
        ("kind.toml", good.replace("\"tsm\"", "\"i3d\""), &["kind.toml", "i3d", "tsm"]),
        ("blocks.toml", good.replace("\"tsm\"", "\"tam\""), &["model.trunk must be resnet50 or resnet101", "got tiny"]),
        ("data.toml", good.replace("manifest.jsonl", "gone.jsonl"), &["gone.jsonl"]),
        ("sizes.toml", good.replace("eval = { size = 32 }", "eval = { size = 4 }"), &["data.eval.size", "8", "got 4"]),
    ];
    for (name, text, parts) in cases {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        refused(&["train", path(&file), "--out", path(&out)], parts);
    }
    refused(&["train", "nowhere.toml", "--out", path(&out)], &["cannot read the recipe", "nowhere.toml"]);
    assert!(!out.exists());
}

#[test]
fn overrides_that_cannot_be_applied_are_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe(folder.path(), "");
    let out = folder.path().join("run");
    for (change, parts) in [
        ("train.epochs", &["--set train.epochs", "key=value"][..]),
        ("train.epocs=3", &["--set train.epocs=3", "unknown field `epocs`"]),
        ("train.batch_size=eight", &["--set train.batch_size=eight"]),
        ("data.transform.short_side=40000", &["data.transform.short_side must lie between 8 and 4096, got 40000"]),
        ("data.eval.short_side=40000", &["data.eval.short_side must lie between 8 and 4096, got 40000"]),
        ("train.accumulate=0", &["train.accumulate must lie between 1 and 65536, got 0"]),
        ("train.base_batch=0", &["train.base_batch must be at least 1, got 0"]),
        ("train.batch_norm=half", &["--set train.batch_norm=half", "first"]),
        ("seed.x=3", &["--set seed.x=3", "seed is a value"]),
        ("data.classes=[\"left\"]", &["left", "moving left"]),
    ] {
        refused(&["train", path(&recipe), "--out", path(&out), "--set", change], parts);
    }
    let both = ["--set", "taf.branch=auxiliary", "--set", "train.batch_norm=frozen"];
    refused(
        &[&["train", path(&recipe), "--out", path(&out)], &both[..]].concat(),
        &["taf.branch must be \"main\" unless train.batch_norm = \"train\"", "got \"auxiliary\""],
    );
}

#[test]
fn classes_with_commas_are_told_how_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let (recipe, out) = (recipe(folder.path(), ""), folder.path().join("run"));
    let other = folder.path().join("commas.jsonl");
    fs::write(&other, fs::read_to_string(manifest()).unwrap().replace("\"moving left\"", "\"moving, left\"")).unwrap();
    let data = ["--data", path(&other), "--classes", "moving, left,moving right"];
    refused(
        &[&["train", path(&recipe), "--out", path(&out)], &data[..]].concat(),
        &["--classes is split at commas", "data.classes=[", "commas.jsonl"],
    );
    assert!(!out.exists());
}

#[test]
fn options_that_would_be_ignored_are_refused() {
    let run = base().join("base");
    refused(&["info", path(&run), "--data", path(&manifest())], &["--data goes with a recipe", path(&run)]);
}

#[test]
fn folders_that_are_no_runs_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe(folder.path(), "");
    refused(&["train", path(&recipe), "--out", path(folder.path())], &["recipe.toml", path(folder.path())]);
    refused(&["train", path(&recipe), "--out", path(folder.path()), "--force"], &["recipe.toml", path(folder.path())]);
    refused(&["eval", "--run", path(folder.path())], &["checkpoints"]);
    let empty = tempfile::tempdir().unwrap();
    refused(&["eval", "--run", path(empty.path())], &["expected a run", path(empty.path())]);
    refused(&["compare", path(empty.path()), path(empty.path())], &["expected a run"]);
    refused(&["train", "--out", path(empty.path()), "--resume"], &["expected a run"]);
    assert!(recipe.is_file());
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    refused(&["train", path(&recipe), "--out", path(&file.join("run"))], &["file"]);
}

#[test]
fn checkpoints_that_are_damaged_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let run = copy_of_base(folder.path());
    let file = run.join("checkpoints/step-000000010.safetensors");
    let whole = fs::read(&file).unwrap();
    let mut not_a_number = whole.clone();
    let end = not_a_number.len();
    not_a_number[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    let text = String::from_utf8_lossy(&whole[8..2000]).into_owned();
    assert!(text.contains("\\\"width\\\":8"), "{text}");
    let other_width = replace(&whole, b"\\\"width\\\":8", b"\\\"width\\\":9");
    let giant = replace(&whole, b"\\\"layers\\\":[1,1]", b"\\\"layers\\\":[999]");
    let cases = [
        (Vec::new(), "a safetensors file"),
        (b"not at all".to_vec(), "a safetensors file"),
        (whole[..whole.len() / 2].to_vec(), "a safetensors file"),
        (not_a_number, "finite weights"),
        (other_width, "to have shape"),
        (giant, "a network a recipe can ask for"),
    ];
    for (bytes, part) in cases {
        fs::write(&file, bytes).unwrap();
        refused(&["eval", "--run", path(&run)], &[part, "step-000000010.safetensors"]);
    }
}

fn replace(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let at = bytes.windows(old.len()).position(|window| window == old).expect("the description holds it");
    [&bytes[..at], new, &bytes[at + old.len()..]].concat()
}

#[test]
fn videos_that_are_damaged_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let run = base().join("base");
    let whole = fs::read(video()).unwrap();
    for (name, bytes) in [("half.mp4", &whole[..whole.len() / 2]), ("empty.mp4", &[]), ("text.mp4", b"no video at all")]
    {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        refused(&["attend", path(&file), "--run", path(&run)], &["expected", "found", name]);
    }
    refused(&["attend", "gone.mp4", "--run", path(&run)], &["gone.mp4"]);
    refused(&["data", "prepare", "gone", "--out", path(&folder.path().join("m.jsonl"))], &["gone"]);
}

#[test]
fn options_out_of_their_range_say_what_they_can_be() {
    let run = base().join("base");
    let (run, video) = (path(&run), video());
    let clip = path(&video);
    refused(&["eval", "--run", run, "--suite", "clean,nois"], &["suite must be", "gaussian_noise", "nois"]);
    refused(&["eval", "--run", run, "--severity", "9"], &["severity must be between 1 and 5, got 9"]);
    refused(&["eval", "--run", run, "--split", "test"], &["split must be", "val", "test", "manifest.jsonl"]);
    refused(&["attend", clip, "--run", run, "--label", "left"], &["--label must be one of", "moving left"]);
    refused(&["attend", clip, "--run", run, "--set", "epsilon=8"], &["epsilon must lie in (0, 1]", "8"]);
    refused(&["attend", clip, "--run", run, "--out", "/nowhere/at/all.png"], &["/nowhere/at/all.png"]);
    refused(&["perturb", clip, "--run", run, "--out", "clip.gif"], &["clip.gif", ".mp4"]);
    refused(&["data", "synth", "--out", "x", "--size", "33"], &["size must be an even number", "33"]);
    refused(&["demo", "--minutes-hint", "0"], &["--minutes-hint"]);
}

#[test]
fn fine_tuning_refuses_other_classes_and_other_networks() {
    let folder = tempfile::tempdir().unwrap();
    let run = base().join("base");
    let out = folder.path().join("tuned");
    let finetune = |set: &str| taf(&["finetune", "--from", path(&run), "--out", path(&out), "--set", set]).refused();
    let classes = finetune("data.classes=[\"moving right\", \"moving left\"]");
    assert!(
        classes.contains("expected the classes of") && classes.contains("found moving right, moving left"),
        "{classes}"
    );
    let network = finetune("model.width=16");
    assert!(network.contains("model.width is 8 there and 16 in the recipe"), "{network}");
    assert!(!out.exists());
}

#[test]
fn fine_tuning_tam_refuses_clips_of_another_length() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(recipe(folder.path(), "")).unwrap();
    let tam = text.replace("kind = \"tsm\"\ntrunk = \"tiny\"", "kind = \"tam\"\ntrunk = \"resnet50\"");
    let file = folder.path().join("tam.toml");
    fs::write(&file, tam.replace("epochs = 2", "epochs = 1")).unwrap();
    let (run, out) = (folder.path().join("tam"), folder.path().join("tuned"));
    taf(&["train", path(&file), "--out", path(&run)]).done();
    refused(
        &["finetune", "--from", path(&run), "--out", path(&out), "--set", "data.sampling.frames=4"],
        &["expected clips of the 8 frames the weights are made for", "data.sampling.frames = 4"],
    );
    assert!(!out.exists());
}

#[test]
fn a_manifest_that_changed_under_a_run_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let run = copy_of_base(folder.path());
    let other = folder.path().join("other.jsonl");
    let text = fs::read_to_string(manifest()).unwrap();
    let last = text.trim_end().rfind('\n').unwrap();
    fs::write(&other, &text[..=last]).unwrap();
    let message = taf(&["train", "--out", path(&run), "--resume", "--data", path(&other)]).refused();
    assert!(message.contains("SHA-256") && message.contains("other.jsonl"), "{message}");
}

#[test]
fn a_benchmark_that_no_machine_could_run_is_refused_before_it_starts() {
    let cases: [(&[&str], &[&str]); 6] = [
        (&["--model", "gst-large-resnet18"], &["model.trunk must be resnet50 or resnet101", "got resnet18"]),
        (&["--clips", "0"], &["train.batch_size", "got 0"]),
        (&["--classes", "99999999999"], &["--classes", "99999999999"]),
        (&["--clips", "60000", "--frames", "512", "--size", "2048"], &["--clips, --frames and --size", "pixels"]),
        (&["--model", "i3d-resnet50"], &["i3d", "tsm"]),
        (&["--set", "train.speed=1"], &["unknown field `speed`"]),
    ];
    for (options, parts) in cases {
        refused(&[&["bench"], options].concat(), parts);
    }
}
