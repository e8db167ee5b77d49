//! What the program says of itself.

mod support;

use std::process::Stdio;
use support::{command, taf};

const COMMANDS: [&[&str]; 15] = [
    &["data", "prepare"],
    &["data", "check"],
    &["data", "synth"],
    &["train"],
    &["finetune"],
    &["eval"],
    &["compare"],
    &["attend"],
    &["perturb"],
    &["import"],
    &["export"],
    &["info"],
    &["bench"],
    &["demo"],
    &["completions"],
];

#[test]
fn every_command_explains_itself_with_an_example() {
    for command in COMMANDS {
        let help = taf(&[command, &["--help"]].concat()).done();
        assert!(help.contains(&format!("\n  taf {}", command.join(" "))), "{command:?}: {help}");
    }
}

#[test]
fn the_first_page_shows_a_way_through_the_commands_and_the_exit_codes() {
    let help = taf(&["--help"]).done();
    assert!(COMMANDS.iter().all(|command| help.contains(command[0])), "{help}");
    assert!(help.contains("1 a stated requirement is not met"), "{help}");
    assert!(taf(&["--version"]).done().contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn arguments_that_cannot_be_read_end_with_code_2() {
    for args in [
        &["trian"][..],
        &["train"],
        &["eval", "--run"],
        &["compare", "one"],
        &["data", "synth", "--out", "x", "--frames", "a-b"],
    ] {
        assert_eq!(taf(args).code, 2, "{args:?}");
    }
}

#[test]
fn completions_are_there_for_the_usual_shells() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(taf(&["completions", shell]).done().contains("finetune"), "{shell}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = command(&["completions", "bash"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = support::ended(child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
}

#[test]
fn info_says_what_the_program_runs_on() {
    let info = taf(&["info", "--threads", "1", "--json"]).json();
    assert_eq!(info["program"]["threads"], 1);
    assert_eq!(info["program"]["version"], env!("CARGO_PKG_VERSION"));
}
