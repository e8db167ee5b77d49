//! Ctrl-C and SIGTERM while something is under way that should end at a safe place.

use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, anyhow};

use crate::exit::INTERRUPTED;

static GRACEFUL: AtomicBool = AtomicBool::new(false);
static ASKED: AtomicBool = AtomicBool::new(false);
static LISTENING: OnceLock<Result<(), String>> = OnceLock::new();

/// While it lives, the first signal asks for a stop and the second ends the program; otherwise the first one does.
pub struct Graceful(());

impl Graceful {
    /// Begins such a stretch of work.
    pub fn begin() -> Result<Self> {
        let listening = LISTENING.get_or_init(|| ctrlc::set_handler(on_signal).map_err(|error| error.to_string()));
        listening.clone().map_err(|error| anyhow!(error)).context("cannot listen for Ctrl-C")?;
        GRACEFUL.store(true, Ordering::SeqCst);
        Ok(Self(()))
    }

    /// Whether a stop was asked for.
    pub fn asked(&self) -> bool {
        ASKED.load(Ordering::SeqCst)
    }
}

impl Drop for Graceful {
    fn drop(&mut self) {
        GRACEFUL.store(false, Ordering::SeqCst);
    }
}

fn on_signal() {
    if !GRACEFUL.load(Ordering::SeqCst) || ASKED.swap(true, Ordering::SeqCst) {
        // Files are replaced whole, so whatever is on the disk can be gone on from.
        process::exit(i32::from(INTERRUPTED));
    }
    eprintln!("\nfinishing this step and writing a checkpoint; once more to end at once");
}
