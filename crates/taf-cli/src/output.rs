//! Data on standard output, words on standard error.

use std::env;
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};

use anyhow::{Context, Result};
use serde::Serialize;

/// Writes text to standard output. A reader that has closed its end (`taf ... | head`) is no error.
pub fn print(text: &str) -> Result<()> {
    try_print(text).map(drop)
}

/// [`print`], and whether anybody still reads.
pub fn try_print(text: &str) -> Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true).context("cannot write to standard output"),
    }
}

/// Writes a value as indented JSON.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).context("cannot write the result as JSON")?;
    print(&format!("{text}\n"))
}

/// Writes a line to standard error. That its reader, terminal or disk is gone ends no work: nobody is left to tell.
pub fn say(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether standard output shows colours: a terminal that has some, and `NO_COLOR` is not set.
pub fn colour() -> bool {
    has_controls(&io::stdout()) && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether a stream is a terminal that colours text and takes lines back.
pub fn has_controls(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && env::var_os("TERM").is_none_or(|kind| kind != "dumb")
}
