//! How a command ends, and what the shell hears of it.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use crate::output::say;

/// How a command that met no error ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// What was asked is done: exit code 0.
    Done,
    /// It is done, and the answer is that a stated requirement is not met, or that something asked about is bad: 1.
    NotMet,
    /// It was interrupted, and can be taken up again: [`INTERRUPTED`].
    Interrupted,
}

/// Bad input, or a failure on the way; clap ends with the same code for arguments it cannot read.
const FAILED: u8 = 2;

/// What shells give to programs that Ctrl-C ended.
pub const INTERRUPTED: u8 = 130;

/// Networks were being asked or tried, and that was interrupted.
#[derive(Debug)]
pub struct Stopped {
    /// How much is done.
    pub done: usize,
    /// How much there was to do, of all networks together.
    pub total: usize,
    /// What is counted: "answers (clean)".
    pub of: String,
    /// Why they are lost, where they are.
    pub unkept: Option<taf_files::Error>,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { done, total, of, unkept } = self;
        write!(f, "stopped after {done} of {total} {of}")?;
        match unkept {
            None => Ok(()),
            Some(error) => write!(f, ", which could not be kept: {error}"),
        }
    }
}

impl Error for Stopped {}

/// The exit code; an error is told on standard error.
pub fn end(result: anyhow::Result<Status>) -> ExitCode {
    match result {
        Ok(Status::Done) => ExitCode::SUCCESS,
        Ok(Status::NotMet) => ExitCode::from(1),
        Ok(Status::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(error) if error.is::<Stopped>() => {
            say(format_args!("{error}; go on with the same command"));
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => {
            say(format_args!("error: {}", chain(&error)));
            ExitCode::from(FAILED)
        }
    }
}

/// The error and what caused it, leaving out causes that the error above already quotes.
fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}\n  because {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let io = std::io::Error::other("disk full");
        let error =
            anyhow::Error::new(io).context("cannot write: disk full: a.json").context("the report was not saved");
        assert_eq!(chain(&error), "the report was not saved\n  because cannot write: disk full: a.json");
    }
}
