//! What the program says of itself.

mod support;

use std::process::Stdio;
use support::{command, taf};

/// The commands that a help page lists, without `help` itself.
fn listed(help: &str) -> Vec<String> {
    let rows = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = rows
        .filter(|row| row.starts_with("  ") && !row.starts_with("   "))
        .filter_map(|row| row.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// Every command with its own arguments, such as `data prepare`.
fn commands() -> Vec<Vec<String>> {
    let below = |name: String| match listed(&taf(&[&name, "--help"]).done()) {
        none if none.is_empty() => vec![vec![name]],
        some => some.into_iter().map(|sub| vec![name.clone(), sub]).collect(),
    };
    listed(&taf(&["--help"]).done()).into_iter().flat_map(below).collect()
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let commands = commands();
    assert!(commands.len() >= 15, "{commands:?}");
    for command in commands {
        let help = command.iter().map(String::as_str).chain(["--help"]).collect::<Vec<_>>();
        let help = taf(&help).done();
        assert!(help.contains(&format!("\n  taf {}", command.join(" "))), "{command:?}: {help}");
    }
}

#[test]
fn the_first_page_shows_a_way_through_the_commands_and_the_exit_codes() {
    let help = taf(&["--help"]).done();
    assert!(help.contains("taf demo"), "{help}");
    assert!(help.contains("1 a stated requirement is not met"), "{help}");
    assert!(taf(&["--version"]).done().contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_help_of_export_names_every_layout() {
    let help = taf(&["export", "--help"]).done();
    for layout in taf_checkpoint::layout::Layout::ALL.map(taf_checkpoint::layout::Layout::name) {
        assert!(help.contains(&format!(" {layout}")), "{layout}: {help}");
    }
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
