//! `taf data cache`: said, made, checked, and read in the place of the videos.

mod support;

use std::fs;

use support::{path, recipe, taf, videos};

#[test]
fn a_cache_is_announced_made_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let (out, manifest) = (folder.path().join("cache"), videos().join("manifest.jsonl"));
    let args = ["data", "cache", path(&manifest), "--out", path(&out), "--short-side", "24"];
    let told = taf(&[&args[..], &["--dry-run"]].concat()).err;
    assert!(told.contains("videos to store: about ") && told.contains("are free"), "{told}");
    assert!(!out.exists(), "nothing is written on trial");
    let table = taf(&args).done();
    let original = taf(&["data", "check", path(&manifest)]).done();
    assert_eq!(
        table.lines().skip(1).collect::<Vec<_>>(),
        original.lines().take(table.lines().count() - 1).collect::<Vec<_>>()
    );
    assert!(taf(&args).err.contains("every shard is done"));
    let cache = out.join("manifest.jsonl");
    assert!(taf(&["data", "check", path(&cache)]).done().ends_with("no problems\n"));
    let message = taf(&["data", "cache", path(&manifest), "--out", path(&out), "--quality", "50"]).refused();
    assert!(message.contains("expected the same cache as asked for"), "{message}");
}

#[test]
fn a_network_trains_on_a_cache_and_damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (out, run) = (folder.path().join("cache"), folder.path().join("run"));
    taf(&["data", "cache", path(&videos().join("manifest.jsonl")), "--out", path(&out)]).done();
    let cache = out.join("manifest.jsonl");
    taf(&["train", path(&recipe(folder.path(), "")), "--data", path(&cache), "--out", path(&run)]).done();
    // Another video's bytes where one was.
    let shard = out.join("shards/00000.tar");
    let mut bytes = fs::read(&shard).unwrap();
    let half = bytes.len() / 2;
    bytes[half..half + 4096].fill(7);
    fs::write(&shard, bytes).unwrap();
    let found = taf(&["data", "check", path(&cache)]);
    assert_eq!(found.code, 1, "{}", found.err);
    assert!(found.out.contains("other bytes") && found.out.contains("shards/00000.tar"), "{}", found.out);
}

#[test]
fn a_folder_of_other_files_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("manifest.jsonl"), "mine").unwrap();
    let manifest = videos().join("manifest.jsonl");
    let message = taf(&["data", "cache", path(&manifest), "--out", path(folder.path())]).refused();
    assert!(message.contains("expected a new folder, or one with shards"), "{message}");
    assert_eq!(fs::read_to_string(folder.path().join("manifest.jsonl")).unwrap(), "mine");
}
