//! What a manifest says wherever its videos lie.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::Record;

/// The folder that the absolute paths of records have in common; none where all are relative.
pub(super) fn common_folder(records: &[Record]) -> Option<PathBuf> {
    let files = records.iter().flat_map(|record| [Some(&record.path), record.shard.as_ref().map(|place| &place.file)]);
    let mut absolute = files.flatten().map(Path::new).filter(|path| path.is_absolute());
    let first = absolute.next()?.parent()?.to_owned();
    Some(absolute.fold(first, |folder, path| {
        let shared = folder.ancestors().find(|folder| path.parent().is_some_and(|parent| parent.starts_with(folder)));
        shared.map_or_else(PathBuf::new, Path::to_owned)
    }))
}

/// A name that is a path, or begins with one, as it starts from `folder`; as it is where it does not lie there.
pub fn path_below<'n>(name: &'n str, folder: &Path) -> &'n str {
    let folder = folder.to_str().map(|folder| folder.trim_end_matches('/'));
    let below = folder.and_then(|folder| name.strip_prefix(folder)?.strip_prefix('/'));
    below.unwrap_or(name)
}

/// A record whose paths start from `folder` where they lie there.
pub(super) fn below<'r>(record: &'r Record, folder: Option<&Path>) -> Cow<'r, Record> {
    let Some(folder) = folder else { return Cow::Borrowed(record) };
    let mut record = record.clone();
    let group = record.group.iter_mut();
    for name in [&mut record.path].into_iter().chain(record.shard.as_mut().map(|place| &mut place.file)).chain(group) {
        *name = path_below(name, folder).to_owned();
    }
    Cow::Owned(record)
}
