use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use taf_files::{create_folder, remove_unfinished};

use super::action::Action;
use super::{CLASSES, MovingShapes, render};
use crate::dataset::{Content, Manifest, Progress, Record};
use crate::{EncodeOptions, Error, Result, VideoWriter};

/// The speed of Something-Something.
const FRAMES_PER_SECOND: f64 = 12.0;
const MANIFEST_FILE: &str = "manifest.jsonl";

/// One file to be made.
struct Job<'a> {
    class: usize,
    split: &'a str,
    index: usize,
}

impl MovingShapes {
    /// Writes the first clips of every split as H.264 files, with a manifest, on all cores.
    ///
    /// `splits` holds names and numbers of clips *per class*. Clip `i` of a class in split `s` is `of_split(s).clip(class, i)`
    /// and lies at `root/class/s-i.mp4`. Clips that are each other backwards share their `group`. The manifest,
    /// `root/manifest.jsonl`, comes last.
    ///
    /// A generation that was killed is completed by running it again: files that are there are whole, and are kept if they
    /// were made with the same settings ([`Self::SETTINGS_FILE`]), else made anew. One process at a time may write into
    /// `root`.
    ///
    /// # Errors
    /// If a split is named twice or not in letters, digits, `-` and `_`, there are no clips, or a file cannot be written.
    pub fn write(&self, root: &Path, splits: &[(&str, usize)], progress: Progress) -> Result<Manifest> {
        let jobs = jobs(splits)?;
        refuse_other_list(root)?;
        create_folder(root)?;
        self.settings().keep_or_drop(root, &in_the_way(root, &jobs))?;
        for class in CLASSES {
            make_clean_folder(&root.join(class))?;
        }
        let done = AtomicUsize::new(0);
        let write = |job: &Job| {
            let record = job.write(&self.of_split(job.split), root);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, jobs.len());
            record
        };
        let records = jobs.par_iter().map(write).collect::<Result<_>>()?;
        let manifest = Manifest::new(root, CLASSES.map(str::to_owned).to_vec(), None, records)?;
        manifest.write(&root.join(MANIFEST_FILE))?;
        Ok(manifest)
    }
}

/// Clips of a class in one split: more than any data set has, and their list still fits in memory.
const MOST_CLIPS_PER_CLASS: usize = 100_000;

/// Every file, in the order of the manifest: splits as given, then classes, then numbers.
fn jobs<'a>(splits: &[(&'a str, usize)]) -> Result<Vec<Job<'a>>> {
    for (place, (name, _)) in splits.iter().enumerate() {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || !name.chars().all(plain) || splits[..place].iter().any(|(other, _)| other == name) {
            return Err(Error::setting("split", "a new name of letters, digits, - and _", format!("{name:?}")));
        }
    }
    if let Some((_, count)) = splits.iter().find(|(_, count)| *count > MOST_CLIPS_PER_CLASS) {
        return Err(Error::setting("clips per class", format!("at most {MOST_CLIPS_PER_CLASS}"), count));
    }
    let of_split = |&(split, count): &(&'a str, usize)| {
        (0..CLASSES.len()).flat_map(move |class| (0..count).map(move |index| Job { class, split, index }))
    };
    let jobs: Vec<_> = splits.iter().flat_map(of_split).collect();
    if jobs.is_empty() { Err(Error::setting("clips per class", "at least 1", 0)) } else { Ok(jobs) }
}

impl Job<'_> {
    fn path(&self) -> String {
        format!("{}/{}-{:05}.mp4", CLASSES[self.class], self.split, self.index)
    }

    fn write(&self, shapes: &MovingShapes, root: &Path) -> Result<Record> {
        let scene = shapes.scene(self.class, self.index);
        let path = root.join(self.path());
        // The writer renames when all is written, so a file of this name is a whole one.
        if !path.exists() {
            let options = EncodeOptions::default();
            let mut writer = VideoWriter::create(&path, shapes.size, shapes.size, FRAMES_PER_SECOND, &options)?;
            for place in 0..scene.frames {
                writer.push(&render::frame(&scene, place, [shapes.size; 2]))?;
            }
            writer.finish()?;
        }
        Ok(Record {
            path: self.path(),
            label: Some(self.class),
            split: self.split.to_owned(),
            frames: scene.frames,
            part: None,
            group: Some(self.group()),
            content: Some(Content::of(&path, None)?),
            damaged: false,
            shard: None,
        })
    }

    /// What the clip has in common with its reverse.
    fn group(&self) -> String {
        let (action, _) = Action::of_class(self.class);
        format!("{} {} {}", self.split, action.name(), self.index)
    }
}

/// Refuses a folder whose manifest lists videos that were not generated.
fn refuse_other_list(root: &Path) -> Result<()> {
    let manifest = root.join(MANIFEST_FILE);
    let settings = MovingShapes::SETTINGS_FILE;
    match manifest.exists() && !root.join(settings).exists() {
        true => Err(Error::content(&manifest, format!("no list, or one beside {settings}"), "a list of other videos")),
        false => Ok(()),
    }
}

/// What has to go where a folder holds clips of other settings: all that was generated, whatever its number.
fn in_the_way(root: &Path, jobs: &[Job]) -> Vec<PathBuf> {
    let clips: Vec<_> = match root.join(MovingShapes::SETTINGS_FILE).exists() {
        true => CLASSES.map(|class| root.join(class)).into(),
        false => jobs.iter().map(|job| root.join(job.path())).collect(),
    };
    [vec![root.join(MANIFEST_FILE)], clips].concat()
}

/// Makes the folder of a class, or sweeps out the unfinished files that a killed process left in it.
fn make_clean_folder(folder: &Path) -> Result<()> {
    create_folder(folder)?;
    Ok(remove_unfinished(folder)?)
}
