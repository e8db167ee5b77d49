use std::fs;
use std::path::{Path, PathBuf};

use crate::folder::is_writable;
use crate::place::{folder_of, is_same_file, no_file, target};
use crate::{Error, Result};

/// Something a command writes, as its user named it.
#[derive(Clone, Debug)]
pub struct Output<'a> {
    option: &'static str,
    path: &'a Path,
    kind: Kind<'a>,
}

#[derive(Clone, Debug)]
enum Kind<'a> {
    /// With the endings a name may have, without the dot; any where there are none.
    File(&'a [&'a str]),
    /// With the files and folders in it that are removed first.
    Folder(Vec<PathBuf>),
}

impl<'a> Output<'a> {
    /// A file, which is replaced where it is there. Its name ends in one of `endings`, such as `png`.
    pub fn file(option: &'static str, path: &'a Path, endings: &'a [&'a str]) -> Self {
        Self { option, path, kind: Kind::File(endings) }
    }

    /// A folder to write in, which may be there.
    pub fn folder(option: &'static str, path: &'a Path) -> Self {
        Self { option, path, kind: Kind::Folder(Vec::new()) }
    }

    /// A folder to write in, from which these files and folders are removed first.
    pub fn emptied_folder(option: &'static str, path: &'a Path, removed: Vec<PathBuf>) -> Self {
        Self { option, path, kind: Kind::Folder(removed) }
    }
}

/// Something a command reads.
#[derive(Clone, Debug)]
pub enum Input {
    /// A file.
    File(PathBuf),
    /// A folder with all that lies in it.
    Folder(PathBuf),
}

impl Input {
    /// A file or a folder, whichever is there.
    pub fn at(path: &Path) -> Self {
        if path.is_dir() { Self::Folder(path.to_owned()) } else { Self::File(path.to_owned()) }
    }

    fn path(&self) -> &Path {
        let (Self::File(path) | Self::Folder(path)) = self;
        path
    }
}

/// Decides, before any work is done, whether a command that reads `inputs` may write `outputs`.
///
/// An output file that is there is replaced, since its user named it. Refused is
/// * an output that is an input, lies in a folder that is read or holds one, through whatever links and `..`;
/// * two outputs that are one file;
/// * a device, a pipe, a socket, or a folder where a file is asked for;
/// * a name whose ending promises another kind of file;
/// * a place that cannot be written: no such folder, no permission, a write-protected file.
///
/// # Errors
/// [`Error::Refused`] or [`Error::Io`] for the first output that must not be written.
pub fn check_outputs(outputs: &[Output], inputs: &[Input]) -> Result<()> {
    for (index, output) in outputs.iter().enumerate() {
        let place = match &output.kind {
            Kind::File(endings) => output.file_place(endings)?,
            Kind::Folder(_) => output.folder_place()?,
        };
        inputs.iter().try_for_each(|input| output.refuse_input(&place, input))?;
        outputs[..index].iter().try_for_each(|other| output.refuse_same(&place, other))?;
    }
    Ok(())
}

impl Output<'_> {
    fn refused(&self, expected: impl Into<String>, found: impl Into<String>) -> Error {
        let (expected, found) = (expected.into(), found.into());
        Error::Refused { option: self.option, expected, found, path: self.path.to_owned() }
    }

    /// Where the file will lie, if one can be written there.
    fn file_place(&self, endings: &[&str]) -> Result<PathBuf> {
        let ending = self.path.extension().map(|ending| ending.to_string_lossy().into_owned());
        let fits = |ending: &String| endings.iter().any(|known| known.eq_ignore_ascii_case(ending));
        if !endings.is_empty() && !ending.as_ref().is_some_and(fits) {
            let found = ending.map_or("no ending".to_owned(), |ending| format!(".{ending}"));
            return Err(self.refused(format!("a name that ends in .{}", endings.join(" or .")), found));
        }
        if !folder_of(self.path).is_dir() {
            return Err(self.refused("a folder that exists to write in", "none"));
        }
        let place = target(self.path).map_err(Error::io("write", self.path))?;
        if let Ok(there) = fs::symlink_metadata(&place) {
            if let Some(found) = no_file(&there) {
                return Err(self.refused("a file or a free name", found));
            }
            if there.permissions().readonly() {
                return Err(self.refused("a file that may be replaced", "one that is write-protected"));
            }
        }
        is_writable(folder_of(&place)).map_err(Error::io("write", self.path))?;
        Ok(place)
    }

    /// Where the folder is or will be, if it can be written.
    fn folder_place(&self) -> Result<PathBuf> {
        let full = std::path::absolute(self.path).map_err(Error::io("write", self.path))?;
        let there = full.ancestors().find(|path| path.symlink_metadata().is_ok()).unwrap_or(Path::new("/"));
        if !there.is_dir() {
            return Err(self.refused("a folder or a free name", format!("{} in the way", there.display())));
        }
        is_writable(there).map_err(Error::io("write", self.path))?;
        let rest = full.strip_prefix(there).unwrap_or(Path::new(""));
        Ok(fs::canonicalize(there).map_err(Error::io("write", self.path))?.join(rest))
    }

    fn refuse_input(&self, place: &Path, input: &Input) -> Result<()> {
        let shown = input.path().display();
        if is_same_file(place, input.path()) {
            return Err(self.refused("another name than that of what is read", format!("{shown} itself")));
        }
        if let (Kind::File(_), Input::File(_)) = (&self.kind, input) {
            return Ok(()); // there may be very many of them
        }
        let Ok(read) = fs::canonicalize(input.path()) else { return Ok(()) };
        if matches!(input, Input::Folder(_)) && place.starts_with(&read) {
            return Err(self.refused("a place outside what is read", format!("one in {shown}")));
        }
        let Kind::Folder(removed) = &self.kind else { return Ok(()) };
        let holds = matches!(input, Input::Folder(_)) && read.starts_with(place);
        if holds || removed.iter().any(|path| is_or_holds(path, &read)) {
            return Err(self.refused("a folder that holds nothing that is read", format!("one with {shown} in it")));
        }
        Ok(())
    }

    fn refuse_same(&self, place: &Path, other: &Output) -> Result<()> {
        let its_place = target(other.path).ok();
        if its_place.as_deref() == Some(place) || is_same_file(place, other.path) {
            return Err(self.refused(format!("another file than that of {}", other.option), "the same"));
        }
        Ok(())
    }
}

/// Whether `read` is what `removed` names, or lies in it.
fn is_or_holds(removed: &Path, read: &Path) -> bool {
    is_same_file(removed, read) || fs::canonicalize(removed).is_ok_and(|removed| read.starts_with(removed))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with a run, videos and links to them.
    fn house() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["run/checkpoints", "videos/a"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        for name in ["clip.mp4", "run/recipe.toml", "run/checkpoints/best.safetensors", "videos/a/1.mp4", "old.png"] {
            fs::write(at(name), name).unwrap();
        }
        fs::hard_link(at("clip.mp4"), at("twin.mp4")).unwrap();
        #[cfg(unix)]
        for (leads_to, link) in
            [("clip.mp4", "link.mp4"), ("run", "link"), ("/dev/null", "null.png"), ("far.png", "near.png")]
        {
            std::os::unix::fs::symlink(leads_to, at(link)).unwrap();
        }
        folder
    }

    fn checked(folder: &Path, file: &str, endings: &[&str], inputs: &[&str]) -> std::result::Result<(), String> {
        let path = folder.join(file);
        let inputs: Vec<_> = inputs.iter().map(|name| Input::at(&folder.join(name))).collect();
        check_outputs(&[Output::file("--out", &path, endings)], &inputs).map_err(|error| error.to_string())
    }

    #[test]
    fn new_files_and_files_that_were_named_may_be_written() {
        let house = house();
        let inputs = ["clip.mp4", "run/recipe.toml", "run/checkpoints", "gone"];
        for name in ["new.png", "NEW.PNG", "old.png", "run/seen.png", "videos/a/seen.png"] {
            assert_eq!(checked(house.path(), name, &["png"], &inputs), Ok(()), "{name}");
        }
        assert_eq!(checked(house.path(), "clip.mp4", &[], &[]), Ok(()));
        assert_eq!(fs::read_dir(house.path()).unwrap().count(), house_names().len(), "nothing is left behind");
    }

    fn house_names() -> Vec<String> {
        let house = house();
        fs::read_dir(house.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn an_output_that_is_read_is_refused_by_whatever_name() {
        let house = house();
        let inputs = ["clip.mp4", "run/checkpoints"];
        for name in
            ["clip.mp4", "videos/../clip.mp4", "twin.mp4", "run/checkpoints/new.mp4", "run/checkpoints/../../clip.mp4"]
        {
            let error = checked(house.path(), name, &["mp4"], &inputs).unwrap_err();
            assert!(error.contains("is read, found") && error.ends_with(name), "{error}");
        }
    }

    #[test]
    fn endings_folders_and_missing_places_are_refused() {
        let house = house();
        let cases = [
            ("new.jpg", "a name that ends in .png or .gif, found .jpg"),
            ("new", "found no ending"),
            ("none/new.png", "a folder that exists"),
            ("old.png/new.png", "a folder that exists"),
        ];
        for (name, part) in cases {
            let error = checked(house.path(), name, &["png", "gif"], &[]).unwrap_err();
            assert!(error.contains(part) && error.contains("--out") && error.ends_with(name), "{error}");
        }
        assert!(checked(house.path(), "run", &[], &[]).unwrap_err().contains("found a folder"));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_to_what_they_lead_to() {
        let house = house();
        assert!(checked(house.path(), "link.mp4", &["mp4"], &["clip.mp4"]).is_err());
        assert!(checked(house.path(), "clip.mp4", &["mp4"], &["link.mp4"]).is_err());
        assert!(checked(house.path(), "link/checkpoints/x.mp4", &["mp4"], &["run/checkpoints"]).is_err());
        assert!(checked(house.path(), "null.png", &["png"], &[]).unwrap_err().contains("found a device"));
        assert_eq!(checked(house.path(), "near.png", &["png"], &[]), Ok(()));
    }

    #[cfg(unix)]
    #[test]
    fn a_write_protected_file_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let house = house();
        fs::set_permissions(house.path().join("old.png"), PermissionsExt::from_mode(0o444)).unwrap();
        assert!(checked(house.path(), "old.png", &["png"], &[]).unwrap_err().contains("write-protected"));
    }

    #[test]
    fn two_outputs_are_two_files() {
        let house = house();
        let (one, other) = (house.path().join("p.mp4"), house.path().join("videos/../p.mp4"));
        let outputs = [Output::file("--out", &one, &[]), Output::file("--difference", &other, &[])];
        let error = check_outputs(&outputs, &[]).unwrap_err().to_string();
        assert!(error.starts_with("--difference: expected another file than that of --out"), "{error}");
        let twins = [house.path().join("clip.mp4"), house.path().join("twin.mp4")];
        let outputs = [Output::file("--out", &twins[0], &[]), Output::file("--difference", &twins[1], &[])];
        assert!(check_outputs(&outputs, &[]).is_err());
    }

    #[test]
    fn a_folder_to_write_neither_is_nor_holds_nor_lies_in_what_is_read() {
        let house = house();
        let at = |name: &str| house.path().join(name);
        let read = [Input::Folder(at("run/checkpoints")), Input::File(at("clip.mp4"))];
        let check = |name: &str| check_outputs(&[Output::folder("--out", &at(name))], &read).map_err(|e| e.to_string());
        for name in ["run", "run/../run", "run/checkpoints", "run/checkpoints/new", "clip.mp4", "clip.mp4/new"] {
            check(name).unwrap_err();
        }
        #[cfg(unix)]
        check("link").unwrap_err();
        for name in ["new", "new/deeper", "videos"] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_folder_that_is_emptied_may_hold_what_is_read_only_where_it_stays() {
        let house = house();
        let at = |name: &str| house.path().join(name);
        let removed = vec![at("run/recipe.toml"), at("run/checkpoints")];
        let check = |read: &str| {
            check_outputs(&[Output::emptied_folder("--out", &at("run"), removed.clone())], &[Input::File(at(read))])
        };
        fs::write(at("run/manifest.jsonl"), "").unwrap();
        assert!(check("run/recipe.toml").is_err() && check("run/checkpoints/best.safetensors").is_err());
        assert!(check("run/manifest.jsonl").is_ok());
    }
}
