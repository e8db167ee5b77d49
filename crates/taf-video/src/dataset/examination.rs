use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::examined::{Examined, Way};
use super::ledger::Ledger;
use super::{Fingerprint, Progress};
use crate::{Error, Result};

/// Looks at videos; what was found out goes to a file meanwhile, if there is one, and need not be found out again.
pub(super) struct Examination<'a> {
    pub way: Way,
    ledger: Option<Ledger>,
    progress: Progress<'a>,
}

impl<'a> Examination<'a> {
    /// Begins, or goes on where an interrupted one ended that kept its work in the file `unfinished`.
    ///
    /// # Errors
    /// If that file cannot be used.
    pub(super) fn begin(way: Way, unfinished: Option<&Path>, progress: Progress<'a>) -> Result<Self> {
        let ledger = unfinished.map(|path| Ledger::open(path, &way)).transpose()?;
        Ok(Self { way, ledger, progress })
    }

    /// Looks at every video and hands what it found to `each`, on all cores; answers in the order of the videos. Parts of a
    /// file that follow each other are one look.
    ///
    /// # Errors
    /// If what was found cannot be kept, or an option is wrong for all videos alike.
    pub(super) fn all<V: Sync, T: Send>(
        &self,
        videos: &[V],
        path: impl Fn(&V) -> PathBuf + Sync,
        each: impl Fn(&V, std::result::Result<&Examined, &Error>) -> T + Sync,
    ) -> Result<Vec<T>> {
        let done = AtomicUsize::new(0);
        let files: Vec<&[V]> = videos.chunk_by(|a, b| path(a) == path(b)).collect();
        let look = |parts: &&[V]| match self.one(&path(&parts[0])) {
            Ok(examined) => {
                (self.progress)(done.fetch_add(parts.len(), Ordering::Relaxed) + parts.len(), videos.len());
                parts.iter().map(|video| Ok(each(video, examined.as_ref()))).collect()
            }
            Err(error) => vec![Err(error)],
        };
        files.par_iter().flat_map_iter(look).collect()
    }

    /// What is found, or what is wrong with the video; errors are those that are not the video's fault.
    fn one(&self, video: &Path) -> Result<Result<Examined>> {
        // Taken before the look, so that a file that changes meanwhile is looked at again.
        let fingerprint = self.ledger.as_ref().and_then(|_| Fingerprint::of(video, self.way.names.as_ref()).ok());
        let kept = self.ledger.as_ref().zip(fingerprint);
        if let Some(known) = kept.as_ref().and_then(|(ledger, fingerprint)| ledger.recall(video, fingerprint)) {
            return Ok(Ok(known));
        }
        match (Examined::of(video, &self.way), kept) {
            (Err(error @ Error::Setting { .. }), _) => Err(error),
            (Ok(examined), Some((ledger, fingerprint))) => {
                ledger.keep(video, fingerprint, &examined)?;
                Ok(Ok(examined))
            }
            (examined, _) => Ok(examined),
        }
    }
}
