//! Ctrl-C and SIGTERM: the first asks for a stop at the next safe place, the second does not wait.

use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, anyhow};

static ASKED: AtomicBool = AtomicBool::new(false);
static LISTENING: OnceLock<Result<(), String>> = OnceLock::new();

/// Whether a stop was asked for.
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Listens from now on; more calls change nothing.
pub fn listen() -> Result<()> {
    let listening = LISTENING.get_or_init(|| ctrlc::set_handler(on_signal).map_err(|error| error.to_string()));
    listening.clone().map_err(|error| anyhow!(error)).context("cannot listen for Ctrl-C")
}

fn on_signal() {
    if ASKED.swap(true, Ordering::SeqCst) {
        // Files are replaced whole, so whatever is on the disk can be resumed.
        process::exit(130);
    }
    eprintln!("\nfinishing this step, then writing a checkpoint; once more to end at once");
}
