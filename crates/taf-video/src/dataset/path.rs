//! One spelling for each path, so that two spellings of one video are noticed and `..` means what it should.

use std::fs;
use std::path::{Component, Path, PathBuf, absolute};

use crate::{Error, Result};

/// A path from the root of the file system, without `.` and `..`.
///
/// Links stay as they are, but for one that `..` steps out of: what lies above it is what lies above the folder it leads
/// to.
pub(super) fn plain(path: &Path) -> Result<PathBuf> {
    let refused = |source| Error::io("open", path, source);
    let mut plain = PathBuf::new();
    for part in absolute(path).map_err(refused)?.components() {
        if part != Component::ParentDir {
            plain.push(part);
            continue;
        }
        if plain.is_symlink() {
            plain = fs::canonicalize(&plain).map_err(refused)?;
        }
        plain.pop();
    }
    Ok(plain)
}

/// The folder a file lies in, in its plain spelling.
pub(super) fn folder_of(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| Error::content(path, "the name of a file", "a folder"))?;
    let path = plain(&path.with_file_name("."))?.join(name);
    Ok(path.parent().unwrap_or(&path).to_owned())
}

/// `path`, or where links lead it: under `folder` if it lies there in either spelling.
pub(super) fn as_seen_from(folder: &Path, path: &Path) -> PathBuf {
    let through_links = || {
        let (real, real_folder) = (fs::canonicalize(path).ok()?, fs::canonicalize(folder).ok()?);
        Some(folder.join(real.strip_prefix(real_folder).ok()?))
    };
    if path.starts_with(folder) { path.to_owned() } else { through_links().unwrap_or_else(|| path.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_up_and_dots_leave_a_path() {
        let spelled = |path: &str| plain(Path::new(path)).unwrap();
        assert_eq!(spelled("/a/b/../c/./d//e"), Path::new("/a/c/d/e"));
        assert_eq!(spelled("/../a"), Path::new("/a"));
        assert_eq!(spelled("x/.."), std::env::current_dir().unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn a_step_up_out_of_a_link_leads_above_what_it_points_to() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("far/deep")).unwrap();
        std::os::unix::fs::symlink(root.join("far/deep"), root.join("link")).unwrap();
        assert_eq!(plain(&root.join("link/../x")).unwrap(), root.join("far/x"));
        assert_eq!(plain(&root.join("link/x")).unwrap(), root.join("link/x"));
    }

    #[test]
    fn a_file_lies_in_a_folder_however_it_is_reached() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(folder_of(Path::new("m.jsonl")).unwrap(), here);
        assert_eq!(folder_of(Path::new("x/../m.jsonl")).unwrap(), here);
        assert!(folder_of(Path::new("..")).is_err());
    }
}
