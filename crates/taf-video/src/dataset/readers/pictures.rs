use std::fs;
use std::path::Path;

use super::super::{FrameNames, ListingEntry};

const PICTURE_ENDINGS: [&str; 3] = ["jpg", "jpeg", "png"];

/// What the name of a picture is made of.
pub(super) struct PictureName {
    /// With a place for the number, and for the name of the folder where that stands before it.
    pub template: String,
    /// The number.
    pub number: usize,
}

impl PictureName {
    /// Takes the last digits before the ending for the number; `None` where the name has none or is no picture's.
    pub(super) fn parse(name: &str, folder: &str) -> Option<Self> {
        let (stem, ending) = name.rsplit_once('.')?;
        let before = stem.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let digits = &stem[before.len()..];
        let is_picture = PICTURE_ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending));
        if !is_picture || before.contains(['{', '}']) {
            return None;
        }
        let number = digits.parse().ok()?;
        let hole = if digits.len() == 1 { "{}".to_owned() } else { format!("{{:0{}}}", digits.len()) };
        let before = match before.strip_prefix(folder) {
            Some(rest) if !folder.is_empty() && !rest.is_empty() => format!("{}{rest}", FrameNames::FOLDER),
            _ => before.to_owned(),
        };
        Some(Self { template: format!("{before}{hole}.{ending}"), number })
    }
}

/// Folders of pictures that are looked at until one is there.
const TRIED: usize = 100;

/// How the pictures of the first video that is there are named.
pub(super) fn names_in_first(root: &Path, entries: &[ListingEntry]) -> Option<FrameNames> {
    entries.iter().take(TRIED).find_map(|entry| names_in(&root.join(&entry.path)))
}

/// How the pictures of a folder are named, told from the one with the smallest number.
fn names_in(folder: &Path) -> Option<FrameNames> {
    let own = folder.file_name()?.to_str()?;
    let names = fs::read_dir(folder).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let first = names.filter_map(|name| PictureName::parse(&name, own)).min_by_key(|name| name.number)?;
    Some(FrameNames { template: first.template, first_index: first.number })
}
