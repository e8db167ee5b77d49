//! ARCHITECTURE.md holds: rows use only the rows under them, files do not use each other in circles, and nothing is too long
//! to be read at a sitting.

mod circles;
mod source;
mod table;

use std::path::{Path, PathBuf};

use source::SourceFile;
use table::Layers;

/// Lines of a file, with its tests.
const LONGEST_FILE: usize = 450;
/// Lines of a function, from `fn` to its last brace.
const LONGEST_FUNCTION: usize = 45;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn layers() -> Layers {
    Layers::of(&std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap())
}

fn crates() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(root().join("crates")).unwrap();
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn a_crate_uses_only_the_rows_under_it() {
    let layers = layers();
    let mut faults = Vec::new();
    for folder in crates() {
        let (user, manifest) = (name(&folder), std::fs::read_to_string(folder.join("Cargo.toml")).unwrap());
        let manifest: toml::Table = manifest.parse().unwrap();
        for used in manifest["dependencies"].as_table().unwrap().keys() {
            if !used.starts_with("taf") && !layers.knows(used) {
                continue;
            }
            faults.extend(layers.fault(&user, used));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_room_uses_only_the_rows_under_it() {
    let (layers, library) = (layers(), root().join("crates/taf/src"));
    let mut faults = Vec::new();
    for file in SourceFile::all_in(&library) {
        let Some(room) = file.module.first() else { continue };
        for used in file.references.iter().filter_map(|path| path.first()).filter(|used| *used != room) {
            if layers.knows(&format!("taf::{used}")) {
                let fault = layers.fault(&format!("taf::{room}"), &format!("taf::{used}"));
                faults.extend(fault.map(|fault| format!("{fault}: {}", file.path.display())));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_room_stands_in_the_table() {
    let layers = layers();
    let rooms = SourceFile::all_in(&root().join("crates/taf/src")).into_iter();
    let mut missing: Vec<String> = rooms
        .filter_map(|file| file.module.first().map(|room| format!("taf::{room}")))
        .chain(crates().iter().map(|folder| name(folder)).filter(|name| name != "taf"))
        .filter(|name| !layers.knows(name))
        .collect();
    missing.dedup();
    assert!(missing.is_empty(), "not in the table of ARCHITECTURE.md: {missing:?}");
}

#[test]
fn files_do_not_use_each_other_in_circles() {
    let circles: Vec<_> =
        crates().iter().flat_map(|folder| circles::of(&SourceFile::all_in(&folder.join("src")))).collect();
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn nothing_is_too_long() {
    let mut faults = Vec::new();
    for file in crates().iter().flat_map(|folder| SourceFile::all_in(folder)) {
        if file.lines > LONGEST_FILE {
            faults.push(format!("{} lines: {}", file.lines, file.path.display()));
        }
        let long = file.functions.iter().filter(|(_, lines)| *lines > LONGEST_FUNCTION);
        faults.extend(long.map(|(name, lines)| format!("fn {name} has {lines} lines: {}", file.path.display())));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
