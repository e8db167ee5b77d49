use std::collections::HashMap;
use std::path::Path;

use super::super::{FrameNames, ListingEntry};
use super::csv::path_from;
use super::list::Labels;
use super::pictures::PictureName;
use super::text::{TextLines, line_error};
use crate::{Error, Result};

/// The first line of SlowFast's lists of frames; the first name is theirs.
pub(super) const HEADER: &str = "original_vido_id video_id frame_id path labels";

/// The pictures of one video, as they are met row by row.
struct Run {
    first: usize,
    last: usize,
    count: usize,
    label: Option<String>,
    line: usize,
}

/// A list with a row for each frame: the videos it has, and how pictures are called.
pub(super) struct FrameList {
    pub entries: Vec<ListingEntry>,
    pub names: FrameNames,
}

impl FrameList {
    /// Reads a list whose paths start from `root`. The labels stand in its last column, or by the name of the video's
    /// folder in `labels_of`.
    pub(super) fn read(list: &Path, root: &Path, labels: &Labels, labels_of: &HashMap<String, String>) -> Result<Self> {
        let (mut runs, mut template) = (HashMap::<String, Run>::new(), None::<String>);
        for line in TextLines::open(list)?.skip(1) {
            let (line, row) = line?;
            let (folder, name, label) = picture(list, line, &row)?;
            let number = name.number;
            let known = template.get_or_insert_with(|| name.template.clone());
            if *known != name.template {
                return Err(line_error(list, line, format!("a picture called like {known}"), name.template));
            }
            let run = runs.entry(folder).or_insert(Run { first: number, last: number, count: 0, label: None, line });
            (run.first, run.last, run.count) = (run.first.min(number), run.last.max(number), run.count + 1);
            run.label = run.label.take().or(label);
        }
        let first_index = runs.values().map(|run| run.first).min();
        let (Some(template), Some(first_index)) = (template, first_index) else {
            return Err(Error::content(list, format!("rows of {HEADER}"), "none"));
        };
        let entries = runs.into_iter().map(|(folder, run)| {
            let label = label(list, &folder, &run, labels, labels_of)?;
            let frames = Some(run.frames(list, first_index)?);
            Ok(ListingEntry { path: path_from(root, &folder)?, label, frames, ..Default::default() })
        });
        let names = FrameNames { template, first_index };
        Ok(Self { entries: entries.collect::<Result<_>>()?, names })
    }
}

impl Run {
    fn frames(&self, list: &Path, first_index: usize) -> Result<usize> {
        let Self { first, last, count, line, .. } = *self;
        if first == first_index && last - first + 1 == count {
            return Ok(count);
        }
        let expected = format!("pictures from {first_index} on without gaps, each once");
        Err(line_error(list, line, expected, format!("{count} from {first} to {last}, the first")))
    }
}

/// Folder, name and label of a row.
fn picture(list: &Path, line: usize, row: &str) -> Result<(String, PictureName, Option<String>)> {
    let values: Vec<&str> = row.split_ascii_whitespace().collect();
    let [_, _, _, path, label] = values[..] else {
        return Err(line_error(list, line, format!("5 values ({HEADER})"), values.len()));
    };
    let parts = path.trim_matches('"').rsplit_once('/');
    let name = parts.and_then(|(folder, name)| Some((folder.to_owned(), PictureName::parse(name, own_name(folder))?)));
    let (folder, name) =
        name.ok_or_else(|| line_error(list, line, "a path folder/picture with a number", format!("{path:?}")))?;
    let label = label.trim_matches('"');
    Ok((folder, name, (!label.is_empty()).then(|| label.to_owned())))
}

/// The name of a video: that of its folder, wherever the folder lies.
fn own_name(folder: &str) -> &str {
    folder.rsplit('/').next().unwrap_or(folder)
}

fn label(
    list: &Path,
    folder: &str,
    run: &Run,
    labels: &Labels,
    labels_of: &HashMap<String, String>,
) -> Result<Option<String>> {
    match &run.label {
        Some(label) => labels.name(list, run.line, label).map(Some),
        None => Ok(labels_of.get(own_name(folder)).cloned()),
    }
}
