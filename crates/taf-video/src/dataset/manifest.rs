use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use taf_files::write_atomic;

#[cfg(doc)]
use super::Content;
use super::classes::{class_fault, shortened};
use super::heading::Heading;
use super::part::PartOfVideo;
use super::path::{as_seen_from, folder_of, plain};
use super::{Fingerprint, FrameNames, Listing, Record, lines, portable};
use crate::cache::{CacheOrigin, CachedVideo, SamplePlace};
use crate::decode::count_packets;
use crate::hash::sha256_of;
use crate::{DecodeOptions, Error, FfmpegVideo, FrameFolder, Result, VideoSource};

/// A list of videos with their labels, each assigned to a split.
///
/// On disk it is a text file, one JSON object per line (JSON Lines). The first line is the header, the rest are records:
///
/// ```text
/// {"taf_manifest":1,"classes":["moving left","moving right"]}
/// {"path":"moving left/0001.mp4","label":"moving left","split":"train","frames":32}
/// {"path":"moving right/0001.mp4","label":"moving right","split":"val","frames":28,"group":"scene 4"}
/// ```
///
/// - `classes`: the label id of a class is its place here, from 0.
/// - `path`: relative to the folder of the manifest, or absolute; without `..`; each once, or once for each part.
/// - `label`: the name of a class; left out where nobody tells, as of the test split of Something-Something V2.
/// - `split`: any word; `train`, `val` and `test` are the usual ones.
/// - `frames`: how many frames there are, counted by decoding; at least 1.
/// - `start` and `end` (optional, together): the record is only this part of the video, from frame `start` (from 0) to the one
///   before frame `end`; `frames` is then `end` - `start`.
/// - `group` (optional): what the videos of one scene, person or recording share. Groups are not spread over splits, and
///   confidence intervals take whole groups as independent.
/// - `bytes` and `sha256` (optional, together): what lay at the path when the manifest was prepared, see [`Content`].
/// - `damaged` (optional): true where some of the video did not decode; `frames` counts what is left.
/// - `shard` (optional): where the pictures lie that were made of the video, see [`SamplePlace`]; `path` is then only its name.
///
/// Where the videos are folders of pictures, the header also says how the pictures are named, for example
/// `"frames_template":"{:05}.jpg","first_index":1` (the index is 1 where it is not given;
/// `{folder}` in the name stands for that of the folder).
///
/// Two more fields of the header are for published data sets: `"label_set":"diving48-v2"` says which labels these are, so
/// that results of different ones are not put together, and `"mirror_pairs":[["86","87"]]` which classes a left-right mirror
/// exchanges, where their names do not tell. `cache` says what videos were cached and how, see [`CacheOrigin`].
///
/// Unknown fields are refused. The order of the records is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    folder: PathBuf,
    heading: Heading,
    records: Vec<Record>,
}

/// Opens a video file, or a folder of pictures where `names` says how they are called.
pub(super) fn open_source(
    path: &Path,
    names: Option<&FrameNames>,
    known_frames: Option<usize>,
) -> Result<Box<dyn VideoSource>> {
    Ok(match names {
        Some(names) => Box::new(FrameFolder::open(path, &names.template_in(path), names.first_index)?),
        None => Box::new(FfmpegVideo::open(path, DecodeOptions { known_frames, ..Default::default() })?),
    })
}

impl Manifest {
    /// Wraps records whose paths are relative to `folder`.
    ///
    /// # Errors
    /// If a class is empty or listed twice, or a record has a label without class, no frames, an unfit or repeated path.
    pub fn new(
        folder: &Path,
        classes: Vec<String>,
        frame_names: Option<FrameNames>,
        records: Vec<Record>,
    ) -> Result<Self> {
        Self { folder: plain(folder)?, heading: Heading { classes, frame_names, ..Default::default() }, records }
            .verified()
    }

    /// The records that were made of the entries of a listing.
    pub(super) fn of_listing(listing: &Listing, records: Vec<Record>) -> Result<Self> {
        Self { folder: listing.root.clone(), heading: listing.heading.clone(), records }.verified()
    }

    fn verified(self) -> Result<Self> {
        let Self { folder, heading, records } = &self;
        if let Some((expected, found)) = heading.fault() {
            return Err(Error::content(folder, expected, found));
        }
        let mut videos = HashSet::new();
        for record in records {
            record.verify(folder, heading.classes.len())?;
            // As paths, "./a" and "a" are the same.
            if !videos.insert((folder.join(&record.path), record.part)) {
                return Err(Error::content(&folder.join(&record.path), "every path once", "it twice"));
            }
        }
        Ok(self)
    }

    /// The same list, of which it is known which labels these are: `diving48-v2`.
    ///
    /// # Errors
    /// If the name is empty.
    pub fn with_label_set(mut self, name: Option<String>) -> Result<Self> {
        self.heading.label_set = name;
        self.verified()
    }

    /// The same list, of which it is known what classes a left-right mirror exchanges besides those whose names tell it.
    ///
    /// # Errors
    /// If a name is no class, or a class has two partners.
    pub fn with_mirror_pairs(mut self, pairs: Vec<[String; 2]>) -> Result<Self> {
        self.heading.mirror_pairs = pairs;
        self.verified()
    }

    /// Reads a manifest file. The videos are not touched; [`check`](super::check) does that.
    ///
    /// # Errors
    /// If the file cannot be read, or at the first bad line, naming its number.
    pub fn read(path: &Path) -> Result<Self> {
        let parsed = lines::read(path)?;
        let records = parsed.records.into_iter().map(|(_, record)| record.map_err(|fault| fault.into_error(path)));
        let records = records.collect::<Result<_>>()?;
        Ok(Self { folder: folder_of(path)?, heading: parsed.heading, records })
    }

    /// Writes the manifest to a file, whole or not at all. Paths are made relative to the folder of the file; videos
    /// that lie outside it get absolute paths.
    ///
    /// # Errors
    /// If the file cannot be written, a path to a video is not UTF-8, or a line is too long to be read again.
    pub fn write(&self, path: &Path) -> Result<()> {
        let bytes = self.bytes_from(&folder_of(path)?)?;
        if let Some(fault) = lines::long_line(&bytes) {
            return Err(fault.into_error(path));
        }
        Ok(write_atomic(path, &bytes)?)
    }

    /// SHA-256 of the canonical bytes, in hexadecimal: the hash of the file that [`Manifest::write`] makes in this folder.
    pub fn hash(&self) -> String {
        self.hash_below(None)
    }

    /// [`Manifest::hash`] of the manifest with absolute paths as they start from [`Manifest::common_folder`]: the same wherever the
    /// videos lie.
    pub fn portable_hash(&self) -> String {
        self.hash_below(self.common_folder().as_deref())
    }

    /// The folder that all absolute paths have in common; none where all are relative to the manifest's.
    pub fn common_folder(&self) -> Option<PathBuf> {
        portable::common_folder(&self.records)
    }

    /// The id of a video for people to read: an absolute path as it starts from [`Manifest::common_folder`].
    pub fn short_id(&self, record: &Record) -> String {
        let (id, folder) = (record.id(), self.common_folder());
        folder.map_or(&*id, |folder| portable::path_below(&id, &folder)).to_owned()
    }

    /// The folder that relative paths start from; absolute.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The names of the classes, in the order of their label ids.
    pub fn classes(&self) -> &[String] {
        &self.heading.classes
    }

    /// Which labels these are, such as `diving48-v2`, where it is known. Results of different ones must not be compared.
    pub fn label_set(&self) -> Option<&str> {
        self.heading.label_set.as_deref()
    }

    /// Classes that a left-right mirror exchanges, besides those whose names tell it.
    pub fn mirror_pairs(&self) -> &[[String; 2]] {
        &self.heading.mirror_pairs
    }

    /// How pictures are named, if the videos are folders of pictures.
    pub fn frame_names(&self) -> Option<&FrameNames> {
        self.heading.frame_names.as_ref()
    }

    /// All records, in the order of the file.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The names of the splits, in the order of their first record.
    pub fn splits(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        self.records.iter().map(|record| record.split.as_str()).filter(|split| seen.insert(*split)).collect()
    }

    /// The records of one split, in the order of the file; at least one.
    ///
    /// # Errors
    /// If no record is in that split.
    pub fn split(&self, name: &str) -> Result<Vec<&Record>> {
        let records: Vec<_> = self.records.iter().filter(|record| record.split == name).collect();
        if records.is_empty() { Err(self.unknown_split(name)) } else { Ok(records) }
    }

    /// The manifest of only the named splits, in the order of the file.
    ///
    /// # Errors
    /// If no split is named, or one of them has no record.
    pub fn select_splits<S: AsRef<str>>(&self, names: &[S]) -> Result<Self> {
        let known = self.splits();
        if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_ref())) {
            return Err(self.unknown_split(unknown.as_ref()));
        }
        if names.is_empty() {
            return Err(Error::setting("split", "at least one split", "none"));
        }
        let chosen = |record: &&Record| names.iter().any(|name| name.as_ref() == record.split);
        Ok(Self { records: self.records.iter().filter(chosen).cloned().collect(), ..self.clone() })
    }

    /// The manifest of only the named classes. Their label ids become their places in `names`.
    ///
    /// # Errors
    /// If no class is named, one is named twice, or one is not in this manifest.
    pub fn select_classes<S: AsRef<str>>(&self, names: &[S]) -> Result<Self> {
        let classes: Vec<_> = names.iter().map(|name| name.as_ref().to_owned()).collect();
        if let Some((expected, found)) = class_fault(&classes) {
            return Err(Error::setting("classes", expected, found));
        }
        if let Some(unknown) = classes.iter().find(|class| !self.classes().contains(class)) {
            return Err(Error::setting("classes", format!("among {}", shortened(self.classes())), unknown));
        }
        self.labelled_by(&classes)
    }

    /// The videos without label, and those whose class is among `classes`, labelled by its place there. The list may lack
    /// some of `classes`, or have no video left.
    ///
    /// # Errors
    /// If `classes` names a class twice, or none.
    pub fn labelled_by(&self, classes: &[String]) -> Result<Self> {
        let places: HashMap<_, _> = classes.iter().enumerate().map(|(label, class)| (class, label)).collect();
        let new_labels: Vec<_> = self.classes().iter().map(|class| places.get(class).copied()).collect();
        let kept = self.records.iter().filter_map(|record| match record.label {
            Some(label) => Some(Record { label: Some(new_labels[label]?), ..record.clone() }),
            None => Some(record.clone()),
        });
        let heading = self.heading.of_classes(classes.to_vec());
        Self { records: kept.collect(), heading, folder: self.folder.clone() }.verified()
    }

    /// The videos that have a label.
    pub fn labelled(&self) -> Self {
        let records = self.records.iter().filter(|record| record.label.is_some()).cloned().collect();
        Self { records, ..self.clone() }
    }

    /// Where the video of a record lies; absolute, so that no name can be taken for the address of a network stream.
    pub fn path_of(&self, record: &Record) -> PathBuf {
        self.folder.join(&record.path)
    }

    /// The file that holds the pictures of a record: the video, or the shard it was cached in.
    pub fn file_of(&self, record: &Record) -> PathBuf {
        self.folder.join(record.shard.as_ref().map_or(&record.path, |place| &place.file))
    }

    /// What the videos were cached from, if they were.
    pub fn cache(&self) -> Option<&CacheOrigin> {
        self.heading.cache.as_ref()
    }

    /// The same videos with their pictures in shards whose paths start from `folder`. `places` has one for each record;
    /// `None` leaves the video out.
    pub(crate) fn in_shards(
        &self,
        folder: &Path,
        origin: CacheOrigin,
        places: Vec<Option<SamplePlace>>,
    ) -> Result<Self> {
        let in_place =
            |(record, place): (&Record, Option<SamplePlace>)| Some(Record { shard: Some(place?), ..record.clone() });
        let records = self.records.iter().zip(places).filter_map(in_place).collect();
        let heading = Heading { cache: Some(origin), frame_names: None, ..self.heading.clone() };
        Self { folder: plain(folder)?, heading, records }.verified()
    }

    /// Opens the video of a record. The recorded number of frames spares the decoder counting them, unless the record
    /// says that the video is damaged or the file contradicts it.
    ///
    /// # Errors
    /// If it is missing or is not a video.
    pub fn open(&self, record: &Record) -> Result<Box<dyn VideoSource>> {
        let file = self.file_of(record);
        if let Some(place) = &record.shard {
            return Ok(Box::new(CachedVideo::open(&file, place, &record.id())?));
        }
        let whole = open_source(&file, self.frame_names(), self.known_frames(record)?)?;
        Ok(match record.part {
            Some(part) => Box::new(PartOfVideo::new(whole, part)),
            None => whole,
        })
    }

    /// How many frames the file of a record has, where nothing has to be decoded to know it. Each clip of a part would
    /// cost the whole file otherwise.
    fn known_frames(&self, record: &Record) -> Result<Option<usize>> {
        match record.part {
            _ if record.damaged || self.frame_names().is_some() => Ok(None),
            Some(_) => count_packets(&self.path_of(record)),
            None => Ok(Some(record.frames)),
        }
    }

    /// What the files of a record look like today from outside. Together with [`Record::content`] it tells whether
    /// something that was computed from the video still holds.
    ///
    /// # Errors
    /// [`Error::Io`] if a file is missing.
    pub fn fingerprint(&self, record: &Record) -> Result<Fingerprint> {
        Fingerprint::of(&self.file_of(record), self.frame_names())
    }

    /// Whether an error met with the video of a record is the fault of this one video, so that another can take its
    /// place: it holds what it should not, or is gone or closed to us while the folder it lies in still holds files. Of
    /// a disk that is gone, and of an option out of range, every video will suffer.
    pub fn is_bad_video(&self, record: &Record, error: &Error) -> bool {
        match error {
            Error::Content { .. } => true,
            Error::Setting { .. } => false,
            Error::Io { source, .. } => {
                let of_one_file = matches!(source.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied);
                of_one_file && self.file_of(record).parent().is_some_and(holds_files)
            }
        }
    }

    /// The file of the same list in another folder, made line by line: the records of a large list need not be held twice.
    fn bytes_from(&self, folder: &Path) -> Result<Vec<u8>> {
        let videos = as_seen_from(folder, &self.folder);
        let mut bytes = lines::heading_line(&self.heading);
        for record in &self.records {
            bytes.extend(lines::record_line(&moved(record, &videos, folder)?, self.classes()));
        }
        Ok(bytes)
    }

    fn hash_below(&self, folder: Option<&Path>) -> String {
        let line = |record| lines::record_line(&portable::below(record, folder), self.classes());
        let lines = lines::heading_line(&self.heading).into_iter().chain(self.records.iter().flat_map(line));
        sha256_of(&lines.collect::<Vec<u8>>())
    }

    fn unknown_split(&self, name: &str) -> Error {
        let known = shortened(&self.splits());
        let remedy = "or prepare the data with a larger share for the split, or with a column that names the splits";
        Error::setting("split", format!("among {known}, the splits that have videos ({remedy})"), name)
    }
}

/// A record whose path starts from `videos`, as it is written in `folder`.
fn moved(record: &Record, videos: &Path, folder: &Path) -> Result<Record> {
    let mut moved = record.clone();
    let file = moved.shard.as_mut().map_or(&mut moved.path, |place| &mut place.file);
    let full = videos.join(&*file);
    let path = full.strip_prefix(folder).unwrap_or(&full);
    let path = path.to_str().ok_or_else(|| Error::content(path, "a UTF-8 path", "other bytes"))?;
    *file = path.to_owned();
    Ok(moved)
}

/// An empty folder is what a disk leaves that is no longer there.
fn holds_files(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some_and(|entry| entry.is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Part;
    use crate::{EncodeOptions, Frame, VideoWriter};

    #[test]
    fn a_part_is_read_without_decoding_the_rest_of_its_file() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("a.mp4");
        let mut writer = VideoWriter::create(&file, 32, 32, 12.0, &EncodeOptions::default()).unwrap();
        (0..120).for_each(|grey| writer.push(&Frame::filled(32, 32, [grey; 3])).unwrap());
        writer.finish().unwrap();
        let (split, part) = ("train".to_owned(), Some(Part { start: 60, end: 70 }));
        let record = Record { path: "a.mp4".into(), split, frames: 10, part, ..Default::default() };
        let manifest = Manifest::new(root.path(), vec!["up".into()], None, vec![record.clone()]).unwrap();
        let known_frames = manifest.known_frames(&record).unwrap();
        assert_eq!(known_frames, Some(120));
        let mut whole = FfmpegVideo::open(&file, DecodeOptions { known_frames, ..Default::default() }).unwrap();
        whole.read(&[62]).unwrap();
        assert!(whole.frames_decoded() <= 13, "{} frames", whole.frames_decoded());
        assert_eq!(manifest.known_frames(&Record { damaged: true, ..record }).unwrap(), None);
    }
}
