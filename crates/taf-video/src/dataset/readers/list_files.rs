use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::super::path::{folder_of, plain};
use super::super::{FrameNames, Listing, ListingEntry};
use super::frame_list::FrameList;
use super::list::{Columns, Labels, Rows, Separator};
use super::pictures::names_in_first;
use super::splits::splits_of;
use super::{ReadOptions, SomethingOrder, class_names, something};
use crate::{Error, Result};

/// The videos of lists with a row for each.
pub(super) fn rows_of_files(
    files: &[PathBuf],
    options: &ReadOptions,
    columns: Columns,
    usual_separator: Separator,
) -> Result<Listing> {
    let lists = Lists::of(files, options)?;
    let separator = options.separator.unwrap_or(usual_separator);
    let rows = Rows { columns, separator, labels: &lists.labels, root: &lists.root, suffix: &options.suffix };
    let (mut entries, mut notes) =
        (Vec::new(), vec![format!("the values of a row have {} between them", separator.name())]);
    for (split, file) in &lists.files {
        let is_labelled = !options.unlabelled.contains(split);
        let of_file = rows.read(file, split, is_labelled)?;
        notes.extend(zeros(split, &of_file, &lists.labels).filter(|_| lists.files.len() > 1));
        entries.extend(of_file);
    }
    let names = match (&options.frame_names, columns.has_pictures()) {
        (_, false) => None,
        (Some(names), true) => Some(names.clone()),
        (None, true) => Some(names_of_first(&lists.root, &entries)?),
    };
    lists.listing(names, entries, notes)
}

/// The videos of lists with a row for each frame.
pub(super) fn frames_of_rows(files: &[PathBuf], options: &ReadOptions) -> Result<Listing> {
    refuse_options_of_rows(options)?;
    let lists = Lists::of(files, options)?;
    let labels_of = match &lists.labels {
        Labels::Of { names, .. } => something::labels_of(&options.labels, names)?,
        Labels::Numbers if options.labels.is_empty() => HashMap::new(),
        Labels::Numbers => {
            return Err(Error::setting("classes", "the file with the names of the classes, beside labels", "none"));
        }
    };
    let (mut entries, mut names) = (Vec::new(), options.frame_names.clone());
    for (split, file) in &lists.files {
        let list = FrameList::read(file, &lists.root, &lists.labels, &labels_of)?;
        let known = names.get_or_insert_with(|| list.names.clone());
        if *known != list.names {
            let FrameNames { template, first_index } = &list.names;
            let expected = format!("pictures called {} from {} on, as before", known.template, known.first_index);
            return Err(Error::content(file, expected, format!("{template} from {first_index} on")));
        }
        let is_labelled = !options.unlabelled.contains(split);
        if is_labelled && !options.labels.is_empty() && list.entries.iter().all(|entry| entry.label.is_none()) {
            let expected = format!("folders called like the videos of --labels (or --unlabelled {split})");
            return Err(Error::content(file, expected, format!("none, but {}", list.entries[0].path)));
        }
        let label = |entry: &ListingEntry| entry.label.clone().filter(|_| is_labelled);
        let of_split = |entry| ListingEntry { label: label(&entry), split: Some(split.clone()), ..entry };
        entries.extend(list.entries.into_iter().map(of_split));
    }
    lists.listing(names, entries, Vec::new())
}

/// What says how a row is read that stands for a whole video.
fn refuse_options_of_rows(options: &ReadOptions) -> Result<()> {
    let expected = "none, since the list has a row for each frame";
    match options.separator {
        Some(separator) => Err(Error::setting("separator", expected, separator.name())),
        None if !options.suffix.is_empty() => Err(Error::setting("suffix", expected, &options.suffix)),
        None => Ok(()),
    }
}

/// List files, and what holds for all of them.
struct Lists<'a> {
    files: Vec<(String, PathBuf)>,
    root: PathBuf,
    labels: Labels,
    /// The order of the labels where these are Something-Something's.
    order: Option<SomethingOrder>,
    options: &'a ReadOptions,
}

impl<'a> Lists<'a> {
    fn of(files: &[PathBuf], options: &'a ReadOptions) -> Result<Self> {
        let root = options.root.as_deref().map_or_else(|| folder_of(&files[0]), plain)?;
        let (labels, order) = match (&options.classes, options.label_order) {
            (None, order) => (Labels::Numbers, order),
            (Some(file), order) => {
                let names = class_names(file)?;
                let names = order.map_or_else(|| Ok(names.clone()), |order| order.arrange(&names))?;
                let order = SomethingOrder::of(&names);
                (Labels::Of { names, file: file.clone() }, order)
            }
        };
        let files = splits_of(files, &options.splits, |_| None)?;
        if let Some(other) = options.unlabelled.iter().find(|split| files.iter().all(|(known, _)| known != *split)) {
            let known: Vec<&str> = files.iter().map(|(split, _)| split.as_str()).collect();
            return Err(Error::setting("unlabelled", format!("among the splits {}", known.join(", ")), other));
        }
        Ok(Self { files, root, labels, order, options })
    }

    fn listing(self, names: Option<FrameNames>, entries: Vec<ListingEntry>, notes: Vec<String>) -> Result<Listing> {
        let Self { files, root, labels, order, options } = self;
        let splits = files.iter().map(|(split, file)| format!("{split} is {}", file.display()));
        let splits = splits.collect::<Vec<_>>().join(", ");
        let pictures = names.as_ref().filter(|_| options.frame_names.is_none());
        let pictures =
            pictures.map(|names| format!("pictures are called {}, from {} on", names.template, names.first_index));
        let mut listing = Listing::new(&root, names, entries, Vec::new())?;
        let label_set = label_set(&labels, order);
        listing = match (labels, order) {
            (Labels::Of { names, .. }, _) => listing.with_classes(names)?,
            (Labels::Numbers, None) => numbered(listing)?,
            (Labels::Numbers, Some(order)) => {
                let classes = (0..SomethingOrder::CLASSES).map(|class| class.to_string()).collect();
                listing.with_classes(classes)?.with_mirror_pairs(&order.mirror_pairs())
            }
        };
        if let Some(order) = order {
            listing =
                listing.with_note(format!("the order of the labels is {}; --label-order chooses", order.description()));
        }
        if let Some(name) = label_set {
            listing = listing.with_label_set(name);
        }
        let notes = [format!("the splits: {splits}")].into_iter().chain(pictures).chain(notes);
        Ok(notes.fold(listing, Listing::with_note))
    }
}

/// Which labels these are, where the order tells it: classes with names in the order of V2 may be those of V1 too.
fn label_set(labels: &Labels, order: Option<SomethingOrder>) -> Option<&'static str> {
    match (labels, order?) {
        (Labels::Numbers, order) => Some(order.label_set_of_numbers()),
        (Labels::Of { .. }, SomethingOrder::File) => Some("something-something-v1"),
        (Labels::Of { .. }, SomethingOrder::Sorted) => None,
    }
}

/// All numbers up to the largest are classes: a label id is its number, whether or not every class has a video.
fn numbered(listing: Listing) -> Result<Listing> {
    let largest = listing.classes().iter().filter_map(|class| class.parse::<usize>().ok()).max().unwrap_or(0);
    let note =
        "the classes have numbers and no names, so what a mirror exchanges is not known; --classes FILE names them";
    // Lists of both orders hold the same numbers, and nothing later could tell a network of one from videos of the other.
    let order = "the numbers may be those of either order of Something-Something's classes; --label-order says which, and keeps \
                 networks and videos of different orders apart";
    let order = (largest + 1 == SomethingOrder::CLASSES).then_some(order);
    let listing = listing.with_classes((0..=largest).map(|class| class.to_string()).collect())?.with_note(note);
    Ok(order.into_iter().fold(listing, Listing::with_note))
}

/// Of a list whose labels are all the first: so TSM writes lists whose labels are secret.
fn zeros<'a>(split: &'a str, entries: &[ListingEntry], labels: &Labels) -> impl Iterator<Item = String> + use<'a> {
    let first = match labels {
        Labels::Numbers => "0",
        Labels::Of { names, .. } => names.first().map_or("", String::as_str),
    };
    let all = entries.len() > 1 && entries.iter().all(|entry| entry.label.as_deref() == Some(first));
    let note =
        format!("every video of {split} has the label 0, as where labels are secret; then say --unlabelled {split}");
    all.then_some(note).into_iter()
}

fn names_of_first(root: &Path, entries: &[ListingEntry]) -> Result<FrameNames> {
    names_in_first(root, entries).ok_or_else(|| {
        let expected =
            format!("a folder {} with pictures to see how they are called, or --frames-template", entries[0].path);
        Error::content(root, expected, "none")
    })
}
