use rayon::prelude::*;
use sha2::{Digest, Sha256};
use taf_video::dataset::Manifest;

/// The files of a list of videos as they are now: another text means that one of them was written since, or is gone. Costs
/// one look at the file system per video file and a few per folder of pictures, several at a time; what is seen of such a
/// folder, [`Fingerprint`](taf_video::dataset::Fingerprint) says.
pub fn fingerprint(videos: &Manifest) -> String {
    let of_each = videos.records().par_iter().map(|record| videos.fingerprint(record));
    hash(&of_each.map(|known| known.map_or_else(|_| "gone".to_owned(), |known| known.to_string())).collect::<Vec<_>>())
}

/// SHA-256 of some lines, in hexadecimal.
pub(crate) fn hash(lines: &[impl AsRef<str>]) -> String {
    let mut hash = Sha256::new();
    lines.iter().for_each(|line| hash.update(format!("{}\n", line.as_ref())));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
