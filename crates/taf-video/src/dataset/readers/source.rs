use std::path::{Path, PathBuf};

use super::super::Listing;
use super::super::path::folder_of;
use super::detect::{comma_or_spaces, detect, is_frame_list};
use super::list::{Columns, Separator};
use super::list_files::{frames_of_rows, rows_of_files};
use super::{CsvColumns, Format, ReadOptions, class_folders, class_names, csv, diving48, jester, something};
use crate::{Error, Result};

/// Lists the videos of a folder, or of one or more files.
///
/// # Errors
/// If the source is not of the format, or an option is of no use with it; the file, the line, what was expected and what was
/// found are named.
pub fn read(sources: &[PathBuf], options: &ReadOptions) -> Result<Listing> {
    let Some(first) = sources.first() else { return Err(Error::setting("source", "a folder or a file", "none")) };
    for source in sources {
        source.metadata().map_err(|error| Error::io("open", source, error))?;
    }
    let format = options.format.map_or_else(|| detect(first), Ok)?;
    let listing = match format {
        Format::ClassFolders | Format::Csv => table_or_folders(format, sources, options)?,
        Format::SomethingV1 => something::v1(sources, options)?,
        Format::SomethingV2 => something::v2(sources, options)?,
        Format::Diving48 => diving48::diving48(sources, options)?,
        Format::Jester => jester::jester(sources, options)?,
        Format::SlowFast if is_frame_list(first)? => frames_of_rows(sources, options)?,
        Format::SlowFast | Format::Mmaction2Videos => {
            rows_of_files(sources, options, Columns::LabelAlone, Separator::Spaces)?
        }
        Format::UniFormer => rows_of_files(sources, options, Columns::LabelAlone, comma_or_spaces(first)?)?,
        Format::Tsm | Format::Mmaction2Frames => {
            rows_of_files(sources, options, Columns::FramesLabel, Separator::Spaces)?
        }
        Format::Gst => rows_of_files(sources, options, Columns::FramesLabel, Separator::Character('\t'))?,
        Format::Mmaction2Offset => rows_of_files(sources, options, Columns::OffsetFramesLabel, Separator::Spaces)?,
    };
    let listing = match &options.label_set {
        Some(name) => listing.with_label_set(name),
        None => listing,
    };
    let is_told = options.format.is_none() && !matches!(format, Format::ClassFolders | Format::Csv);
    let note = || format!("read as {format}: {}; --format chooses another", format.description());
    Ok(if is_told { listing.with_note(note()) } else { listing })
}

fn table_or_folders(format: Format, sources: &[PathBuf], options: &ReadOptions) -> Result<Listing> {
    let [source] = sources else {
        return Err(several_sources(format, sources, options.format.is_none()));
    };
    let unused = [
        ("splits", !options.splits.is_empty()),
        ("unlabelled", !options.unlabelled.is_empty()),
        ("label order", options.label_order.is_some()),
        ("labels", !options.labels.is_empty()),
    ];
    if let Some((name, _)) = unused.into_iter().find(|(_, is_given)| *is_given) {
        return Err(Error::setting(name, format!("left out where the format is {format}"), "a value"));
    }
    let names = options.frame_names.clone();
    let listing = match format {
        Format::ClassFolders => class_folders(source, names)?,
        _ => {
            let folder = options.root.clone().map_or_else(|| folder_of(source), Ok)?;
            csv(source, &folder, &columns(source, options)?, names)?
        }
    };
    match &options.classes {
        Some(file) => listing.with_classes(class_names(file)?),
        None => Ok(listing),
    }
}

fn several_sources(format: Format, sources: &[PathBuf], is_guessed: bool) -> Error {
    let guess = if is_guessed { " (guessed from the first; --format NAME chooses)" } else { "" };
    let names: Vec<String> = sources.iter().map(|source| source.display().to_string()).collect();
    Error::setting("source", format!("one, where the format is {format}{guess}"), names.join(", "))
}

fn columns(source: &Path, options: &ReadOptions) -> Result<CsvColumns> {
    let is_tabbed = source.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("tsv"));
    let delimiter = match options.separator {
        None if is_tabbed => b'\t',
        None => b',',
        Some(Separator::Character(between)) if between.is_ascii() => between as u8,
        Some(other) => return Err(Error::setting("separator", "one ASCII character in a CSV file", other.name())),
    };
    Ok(CsvColumns { suffix: options.suffix.clone(), delimiter, ..CsvColumns::default() })
}
