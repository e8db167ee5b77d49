//! Notes the commit the program is built from, where there is one.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=../../.git/HEAD");
    println!("cargo::rerun-if-changed=../../.git/logs/HEAD");
    let answer = Command::new("git").args(["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]).output();
    let commit =
        answer.ok().filter(|answer| answer.status.success()).and_then(|answer| String::from_utf8(answer.stdout).ok());
    if let Some(commit) = commit {
        println!("cargo::rustc-env=TAF_GIT_COMMIT={}", commit.trim());
    }
}
