//! Ctrl-C, SIGTERM and SIGHUP while something is under way that should end at a safe place.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::{io, mem, process, ptr, thread};

use anyhow::{Context, Result, anyhow};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::exit::INTERRUPTED;
use crate::output::say;

static GRACEFUL: AtomicBool = AtomicBool::new(false);
static ASKED: AtomicBool = AtomicBool::new(false);
/// Whether the program that started this one is gone, or wants it to stop.
static LEFT: AtomicBool = AtomicBool::new(false);
/// What is said to whoever asks for a stop.
static ENDING: Mutex<&str> = Mutex::new(CHECKPOINT);
static LISTENING: OnceLock<Result<(), String>> = OnceLock::new();

const CHECKPOINT: &str = "finishing this step and writing a checkpoint";

/// While it lives, the first signal asks for a stop and the second ends the program; otherwise the first one does.
pub struct Graceful(());

impl Graceful {
    /// Begins such a stretch of work, which ends with a checkpoint.
    pub fn begin() -> Result<Self> {
        Self::ending_with(CHECKPOINT)
    }

    /// [`Graceful::begin`] for work that ends otherwise: `what` is done first, such as "finishing this video".
    pub fn ending_with(what: &'static str) -> Result<Self> {
        let listening = LISTENING.get_or_init(|| listen().map_err(|error| error.to_string()));
        listening.clone().map_err(|error| anyhow!(error)).context("cannot listen for Ctrl-C")?;
        *ENDING.lock().unwrap_or_else(PoisonError::into_inner) = what;
        GRACEFUL.store(true, Ordering::SeqCst);
        Ok(Self(()))
    }

    /// Whether a stop was asked for.
    pub fn asked(&self) -> bool {
        ASKED.load(Ordering::SeqCst) || LEFT.load(Ordering::SeqCst)
    }
}

/// Has the closing of standard input count as a request to stop: the program that started this one holds the other end, and
/// lets go of it to stop it, or when it ends, however it ends.
pub fn stop_when_input_closes() -> Result<()> {
    let wait = || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        LEFT.store(true, Ordering::SeqCst);
        if !GRACEFUL.load(Ordering::SeqCst) {
            process::exit(i32::from(INTERRUPTED));
        }
    };
    thread::Builder::new().name("input".to_owned()).spawn(wait).map(drop).context("cannot wait for the end of input")
}

impl Drop for Graceful {
    fn drop(&mut self) {
        GRACEFUL.store(false, Ordering::SeqCst);
    }
}

/// Listens for the signals that were not ignored when the program began: `nohup` and shells that start a job in the
/// background ignore some, so that the job outlives its terminal.
fn listen() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !is_ignored(*signal)))?;
    let hear = move || signals.forever().for_each(|_| on_signal());
    thread::Builder::new().name("signals".to_owned()).spawn(hear).map(drop)
}

fn is_ignored(signal: i32) -> bool {
    // SAFETY: all bytes zero are a valid action; a null one asks and changes nothing, and the answer has room.
    unsafe {
        let mut now: libc::sigaction = mem::zeroed();
        libc::sigaction(signal, ptr::null(), &mut now) == 0 && now.sa_sigaction == libc::SIG_IGN
    }
}

fn on_signal() {
    if !GRACEFUL.load(Ordering::SeqCst) || ASKED.swap(true, Ordering::SeqCst) {
        // Files are replaced whole, so whatever is on the disk can be gone on from.
        process::exit(i32::from(INTERRUPTED));
    }
    let ending = *ENDING.lock().unwrap_or_else(PoisonError::into_inner);
    say(format_args!("\n{ending}; once more to end at once"));
}
