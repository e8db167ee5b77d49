//! What a command reads is never destroyed by what it writes, and nothing is written that was not named.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use support::{command, path, taf, trained, video};
use tempfile::TempDir;

/// A run, a clip, a manifest, a list, a folder of pictures and exported weights, with links to some of them; made once.
fn house() -> &'static Path {
    static HOUSE: OnceLock<TempDir> = OnceLock::new();
    let house = HOUSE.get_or_init(|| {
        let house = tempfile::tempdir().unwrap();
        let at = |name: &str| house.path().join(name);
        trained(house.path());
        let run = at("base");
        taf(&["export", path(&run), "--out", path(&at("w.safetensors"))]).done();
        fs::create_dir_all(at("videos/left")).unwrap();
        fs::copy(video(), at("clip.mp4")).unwrap();
        fs::copy(video(), at("videos/left/1.mp4")).unwrap();
        fs::copy(video(), at("videos/left/list.jsonl")).unwrap();
        fs::write(at("list.csv"), "path,label\nvideos/left/1.mp4,left\nvideos/left/list.jsonl,left\n").unwrap();
        fs::copy(support::manifest(), at("m.jsonl")).unwrap();
        fs::write(at("labels.txt"), "left\nright\n").unwrap();
        fs::write(at("labels.json"), "[\"left\"]").unwrap();
        fs::write(at("old.png"), "old").unwrap();
        fs::hard_link(at("clip.mp4"), at("twin.mp4")).unwrap();
        symlink("clip.mp4", at("link.mp4")).unwrap();
        symlink("base", at("link")).unwrap();
        symlink("/dev/null", at("null.png")).unwrap();
        house
    });
    house.path()
}

/// Every file of a folder with its bytes, and every link with where it leads.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            found.insert(path, target.into_os_string().into_encoded_bytes());
        } else if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

/// Command lines inside the house, and a part of the message that refuses them.
const REFUSED: [(&str, &str); 44] = [
    ("finetune --from base --out base --force", "that is read"),
    ("finetune --from base --out link --force", "that is read"),
    ("finetune --from link --out videos/../base --force", "that is read"),
    ("finetune --from base --out base", "that is read"),
    ("finetune --from base --out base/checkpoints/new", "what is read"),
    ("finetune base/recipe.toml --from base --out clip.mp4", "in the way"),
    ("train base/recipe.toml --out base --force", "that is read"),
    ("train base/recipe.toml --out link --force", "that is read"),
    ("import base/checkpoints/best.safetensors --model tsm-tiny --data m.jsonl --out base --force", "that is read"),
    ("import w.safetensors --model tsm-tiny --classes labels.txt --out labels.txt", "in the way"),
    ("export base --out base/checkpoints/best.safetensors", "what is read"),
    ("export base --out link/checkpoints/other.safetensors", "what is read"),
    ("export base/checkpoints/best.safetensors --out videos/../base/checkpoints/best.safetensors", "what is read"),
    ("export base --out w.pth", "ends in .safetensors, found .pth"),
    ("export base --format onnx --out w.safetensors", "ends in .onnx"),
    ("export base --out nowhere/w.safetensors", "a folder that exists"),
    ("attend clip.mp4 --run base --out x.jpg", "ends in .png, found .jpg"),
    ("attend clip.mp4 --run base --out clip.mp4", "ends in .png"),
    ("attend clip.mp4 --run base --out nowhere/x.png", "a folder that exists"),
    ("attend clip.mp4 --run base --out null.png", "a device"),
    ("attend clip.mp4 --run base --out base/checkpoints/x.png", "what is read"),
    ("perturb clip.mp4 --run base --out clip.mp4", "what is read"),
    ("perturb clip.mp4 --run base --out videos/../clip.mp4", "what is read"),
    ("perturb clip.mp4 --run base --out link.mp4", "what is read"),
    ("perturb link.mp4 --run base --out clip.mp4", "what is read"),
    ("perturb clip.mp4 --run base --out twin.mp4", "what is read"),
    ("perturb clip.mp4 --run base --out p.mp4 --difference p.mp4", "ends in .png"),
    ("perturb clip.mp4 --run base --out p.webm", "ends in .mp4"),
    ("perturb clip.mp4 --run base --out /dev/null", "ends in .mp4"),
    ("eval --run base --report base/report.html", "what is read"),
    ("eval --run base --report r.json", "ends in .html"),
    ("eval --run base --report nowhere/r.html", "a folder that exists"),
    ("compare base link --report r.json", "ends in .html"),
    ("ensemble base link --report r.json", "ends in .html"),
    ("ensemble base link --leaderboard r.txt", "ends in .csv"),
    ("eval --run base --leaderboard base/metrics.jsonl", "ends in .csv"),
    ("eval --run base --leaderboard nowhere/a.csv", "a folder that exists"),
    ("data prepare list.csv --out list.csv", "ends in .jsonl, found .csv"),
    ("data prepare list.csv --out videos/left/list.jsonl", "what is read"),
    ("data prepare list.csv --out nowhere/m.jsonl", "a folder that exists"),
    ("data synth --out . --train 1 --val 0", "manifest"),
    ("demo --out foreign", "expected a new folder"),
    ("demo --out project", "expected a new folder"),
    ("train base/predictions/mine.toml --out base --force", "that is read"),
];

#[test]
fn no_command_writes_over_what_it_reads_or_where_it_cannot() {
    let house = house();
    // A folder with a list that was not generated.
    let foreign = house.join("foreign");
    fs::create_dir_all(&foreign).unwrap();
    fs::write(foreign.join("manifest.jsonl"), "a list of other videos").unwrap();
    // A folder of someone else's videos and page.
    fs::create_dir_all(house.join("project/videos")).unwrap();
    ["videos/x.mp4", "report.html"].iter().for_each(|name| fs::write(house.join("project").join(name), name).unwrap());
    fs::copy(house.join("base/recipe.toml"), house.join("base/predictions/mine.toml")).unwrap();
    let before = contents(house);
    for (line, part) in REFUSED {
        let folder = if line.contains("data synth") { &foreign } else { house };
        let args: Vec<&str> = line.split(' ').collect();
        let message = support::ended(command(&args).current_dir(folder).output().unwrap()).refused();
        assert!(message.contains(part), "{line}: {message}");
        let after = contents(house);
        assert!(after.keys().eq(before.keys()), "{line}: {:?}", after.keys());
        assert!(after == before, "{line}");
    }
}

#[test]
fn files_that_were_named_are_replaced_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("labels.json"), "[\"left\"]").unwrap();
    fs::write(at("labels.html"), "old").unwrap();
    fs::write(at("far.png"), "old").unwrap();
    symlink("far.png", at("near.png")).unwrap();
    let run = house().join("base");
    let clip = house().join("clip.mp4");
    taf(&["attend", path(&clip), "--run", path(&run), "--out", path(&at("near.png"))]).done();
    assert!(at("near.png").is_symlink());
    assert!(fs::read(at("far.png")).unwrap().starts_with(b"\x89PNG"));
    let other = folder.path().join("other");
    let copied = contents(&run);
    for (file, bytes) in copied {
        let to = other.join(file.strip_prefix(&run).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, bytes).unwrap();
    }
    let page = at("labels.html");
    taf(&["compare", path(&run), path(&other), "--suite", "clean", "--report", path(&page)]).done();
    assert!(fs::read_to_string(page).unwrap().contains("<html"));
    assert_eq!(fs::read_to_string(at("labels.json")).unwrap(), "[\"left\"]");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 5);
}

#[test]
fn a_demo_is_not_begun_with_what_its_runs_refuse_or_no_recipe_holds() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("demo");
    let message = taf(&["demo", "--out", path(&out), "--seed", "9223372036854775808"]);
    assert_eq!(message.code, 2, "{}", message.err);
    assert!(message.err.contains("--seed") && !out.exists(), "{}", message.err);
    // As if it had been begun otherwise.
    fs::create_dir_all(out.join("videos")).unwrap();
    fs::write(out.join("videos/moving-shapes.json"), "{}").unwrap();
    fs::write(out.join("experiment.toml"), "seeds = [7]\n").unwrap();
    let message = taf(&["demo", "--out", path(&out), "--seed", "1"]).refused();
    assert!(message.contains("experiment.toml: expected") && message.contains("found \"seeds = [7]\""), "{message}");
    assert_eq!(fs::read_dir(out.join("videos")).unwrap().count(), 1, "no video is drawn");
}
