use std::path::Path;

use super::annotations::KnownFiles;
use super::folder::DownloadedFolder;
use super::list::Separator;
use super::text::TextLines;
use super::{Format, diving48, frame_list, jester, something};
use crate::{Error, Result};

/// What a source is, where it is safe to say.
pub(super) fn detect(source: &Path) -> Result<Format> {
    if source.is_dir() {
        return Ok(of_folder(&DownloadedFolder::open(source)?));
    }
    let published: [(Format, &KnownFiles); 3] = [
        (Format::SomethingV1, &something::V1),
        (Format::SomethingV2, &something::V2),
        (Format::Jester, &jester::FILES),
    ];
    if let Some((format, _)) = published.into_iter().find(|(_, files)| files.have(source)) {
        return Ok(format);
    }
    if diving48::has(source) {
        return Ok(Format::Diving48);
    }
    of_rows(source)
}

fn of_folder(folder: &DownloadedFolder) -> Format {
    if something::V2.are_in(folder) {
        Format::SomethingV2
    } else if something::V1.are_in(folder) {
        Format::SomethingV1
    } else if jester::FILES.are_in(folder) {
        Format::Jester
    } else if diving48::is_in(folder) {
        Format::Diving48
    } else {
        Format::ClassFolders
    }
}

/// The format of a list, from its first row.
fn of_rows(list: &Path) -> Result<Format> {
    let row = first_row(list)?;
    let is_table =
        list.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv") || ending.eq_ignore_ascii_case("tsv"));
    let is_number = |value: Option<&&str>| value.is_some_and(|value| value.trim().parse::<usize>().is_ok());
    let numbers_after_first = |values: &[&str]| values[1..].iter().all(|value| is_number(Some(value)));
    let spaced: Vec<&str> = row.split_ascii_whitespace().collect();
    let tabbed: Vec<&str> = row.split('\t').collect();
    let commas: Vec<&str> = row.split(',').collect();
    match (tabbed.len(), spaced.len(), commas.len()) {
        _ if row == frame_list::HEADER => Ok(Format::SlowFast),
        (3, _, _) if numbers_after_first(&tabbed) => Ok(Format::Gst),
        (1, 3, _) if numbers_after_first(&spaced) => Ok(Format::Tsm),
        (1, 2, _) if numbers_after_first(&spaced) => Ok(Format::Mmaction2Videos),
        (1, _, 2) if numbers_after_first(&commas) => Ok(Format::UniFormer),
        _ if is_table => Ok(Format::Csv),
        _ => Err(no_list(list, &row)),
    }
}

fn first_row(list: &Path) -> Result<String> {
    match TextLines::open(list)?.next() {
        Some(row) => Ok(row?.1),
        None => Err(Error::content(list, "a list of videos", "an empty file")),
    }
}

pub(super) fn is_frame_list(list: &Path) -> Result<bool> {
    Ok(first_row(list)? == frame_list::HEADER)
}

pub(super) fn comma_or_spaces(list: &Path) -> Result<Separator> {
    Ok(if first_row(list)?.contains(',') { Separator::Character(',') } else { Separator::Spaces })
}

/// Characters of a row that a message shows.
const SHOWN: usize = 60;

fn no_list(list: &Path, row: &str) -> Error {
    let row: String = row.chars().take(SHOWN).collect();
    let expected = "a folder, a list that ends in .csv or .tsv and begins with a line such as path,label, or one whose rows tell \
                    its format (--format names it)";
    Error::content(list, expected, format!("{row:?} as its first line"))
}
