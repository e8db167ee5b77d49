use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use taf::evaluate::AnswerError;
use taf_video::dataset::{FrameNames, Manifest, VIDEO_ENDINGS};
use taf_video::{ForwardVideo, FrameFolder, PacedVideo, TimedFrames, USUAL_FPS, VideoSource, open_video};

use super::list;

/// A video that is to be classified.
#[derive(Clone)]
pub struct Found {
    /// What it is called in the answers.
    pub name: String,
    /// The name of its class, where something tells.
    pub label: Option<String>,
    /// Where it is.
    pub source: Source,
}

/// Where a video is, and how it is opened.
#[derive(Clone)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// A folder of pictures.
    Pictures(PathBuf, FrameNames),
    /// A record of a manifest, by its place.
    Listed(Arc<Manifest>, usize),
}

/// What is looked for where.
pub struct Searched<'a> {
    /// How pictures are named where videos are folders of them.
    pub pictures: Option<&'a FrameNames>,
    /// The splits of manifests; none for all.
    pub splits: &'a [String],
    /// The network's classes: a folder of such a name labels the videos in it.
    pub classes: &'a [String],
}

impl Found {
    /// Where the video lies.
    pub fn path(&self) -> PathBuf {
        match &self.source {
            Source::File(path) | Source::Pictures(path, _) => path.clone(),
            Source::Listed(manifest, place) => manifest.path_of(&manifest.records()[*place]),
        }
    }

    /// The video with this label, where a list has one.
    fn labelled(self, label: Option<String>) -> Self {
        Self { label: label.or(self.label), ..self }
    }

    /// Opens the video.
    pub fn open(&self) -> taf_video::Result<Box<dyn VideoSource>> {
        Ok(match &self.source {
            Source::File(path) => Box::new(open_video(path)?),
            Source::Pictures(path, names) => Box::new(FrameFolder::open(path, &names.template, names.first_index)?),
            Source::Listed(manifest, place) => manifest.open(&manifest.records()[*place])?,
        })
    }

    /// Its frames one after the other, with their times; so many a second where the video does not say.
    pub fn timed(&self, fps: Option<f64>, threads: usize) -> taf_video::Result<Box<dyn TimedFrames>> {
        if let Source::File(path) = &self.source {
            return Ok(Box::new(ForwardVideo::open(path, threads)?));
        }
        let video = self.open()?;
        let fps = fps.or(video.info().fps).unwrap_or(USUAL_FPS);
        Ok(Box::new(PacedVideo::new(video, fps)?))
    }

    /// Why it has no answer. What cannot be read names itself.
    pub fn fault(&self, error: &AnswerError) -> String {
        match error {
            AnswerError::Video(error) => error.to_string(),
            AnswerError::NotFinite { .. } => format!("{error}: {}", self.path().display()),
        }
    }
}

/// The videos that paths lead to, in their order: files, folders of any depth, lists. What is in a folder comes in the order
/// of the names.
pub fn find(paths: &[PathBuf], searched: &Searched) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for path in paths {
        let before = found.len();
        searched.add(path, &mut found)?;
        ensure!(found.len() > before, "expected videos, found none: {}", path.display());
    }
    Ok(found)
}

impl Searched<'_> {
    fn add(&self, path: &Path, found: &mut Vec<Found>) -> Result<()> {
        let about = fs::metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
        if about.is_dir() {
            return self.add_folder(path, &mut HashSet::new(), found);
        }
        match ending(path).as_str() {
            "jsonl" => self.add_manifest(path, found),
            "csv" | "tsv" | "txt" => {
                let listed = list::read(path)?;
                found.extend(listed.into_iter().map(|(video, label)| self.at(video).labelled(label)));
                Ok(())
            }
            _ if self.pictures.is_some() => {
                bail!("expected a folder of pictures or a list, found a file: {}", path.display())
            }
            _ => {
                found.push(self.at(path.to_owned()));
                Ok(())
            }
        }
    }

    /// A video, which the folder it lies in may label.
    fn at(&self, path: PathBuf) -> Found {
        let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        let label = folder.filter(|name| self.classes.iter().any(|class| class == name)).map(str::to_owned);
        let name = path.display().to_string();
        let source = match self.pictures {
            Some(names) => Source::Pictures(path, names.clone()),
            None => Source::File(path),
        };
        Found { name, label, source }
    }

    fn add_folder(&self, folder: &Path, seen: &mut HashSet<PathBuf>, found: &mut Vec<Found>) -> Result<()> {
        let cannot = || format!("cannot read folder {}", folder.display());
        // A link that leads back into its own folder is followed once.
        if !seen.insert(fs::canonicalize(folder).with_context(cannot)?) {
            return Ok(());
        }
        if self.pictures.is_some_and(|names| holds_pictures(folder, names)) {
            found.push(self.at(folder.to_owned()));
            return Ok(());
        }
        let entries = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
        let mut children: Vec<PathBuf> = entries.with_context(cannot)?;
        children.sort();
        for child in children.into_iter().filter(|child| !is_hidden(child)) {
            if child.is_dir() {
                self.add_folder(&child, seen, found)?;
            } else if self.pictures.is_none() && VIDEO_ENDINGS.contains(&ending(&child).as_str()) {
                found.push(self.at(child));
            }
        }
        Ok(())
    }

    fn add_manifest(&self, path: &Path, found: &mut Vec<Found>) -> Result<()> {
        let manifest = Manifest::read(path)?;
        let manifest = match self.splits {
            [] => manifest,
            splits => manifest.select_splits(splits).with_context(|| path.display().to_string())?,
        };
        let manifest = Arc::new(manifest);
        found.extend(manifest.records().iter().enumerate().map(|(place, record)| Found {
            name: record.id().into_owned(),
            label: record.label.map(|label| manifest.classes()[label].clone()),
            source: Source::Listed(manifest.clone(), place),
        }));
        Ok(())
    }
}

/// Whether the first picture is there.
fn holds_pictures(folder: &Path, names: &FrameNames) -> bool {
    FrameFolder::open(folder, &names.template, names.first_index).is_ok()
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// What follows the last dot, in lower case.
fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}
