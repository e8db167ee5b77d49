//! From a manifest to training batches, where some videos are not what they should be.

use std::fs;
use std::path::Path;

use taf::data::{ClipSource, Loaded, OnBadVideo, Replaced};
use taf_video::dataset::Manifest;
use taf_video::synthetic::{Difficulty, MovingShapes};
use taf_video::transform::{TrainTransform, TrainTransformConfig};
use taf_video::{Error, Sampling, Seed};

/// Three videos of each of ten classes.
fn videos(folder: &Path) -> Manifest {
    let shapes = MovingShapes::new(Seed::new(1), 32, 8..=10, Difficulty::EASY).unwrap();
    shapes.write(folder, &[("train", 3)], &|_, _| {}).unwrap();
    Manifest::read(&folder.join("manifest.jsonl")).unwrap()
}

fn transform(classes: &[String]) -> TrainTransform {
    TrainTransformConfig { size: 16, ..Default::default() }.init(classes).unwrap()
}

/// One epoch in batches of 5.
fn epoch(manifest: &Manifest, on_bad_video: OnBadVideo, workers: usize) -> Vec<Result<Loaded, Error>> {
    let source = ClipSource::new(manifest.clone(), Sampling::segments(4), Seed::new(2)).on_bad_video(on_bad_video);
    source.train_batches(&transform(manifest.classes()), 0, 0, 5, workers).collect()
}

fn spoil(manifest: &Manifest, index: usize) {
    fs::write(manifest.path_of(&manifest.records()[index]), b"no video at all").unwrap();
}

#[test]
fn a_bad_video_is_replaced_by_another_of_its_class_for_any_number_of_workers() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = videos(folder.path());
    spoil(&manifest, 4);
    fs::remove_file(manifest.path_of(&manifest.records()[20])).unwrap();
    let drawn = |workers| {
        let loaded = epoch(&manifest, OnBadVideo::Replace, workers).into_iter().map(Result::unwrap);
        let parts = loaded.map(|loaded| {
            let samples = loaded.batch.samples.into_iter().map(|sample| (sample.id, sample.label, sample.clip));
            (samples.collect::<Vec<_>>(), loaded.replaced)
        });
        parts.collect::<Vec<_>>()
    };
    let one = drawn(1);
    assert_eq!(one, drawn(4));
    let replaced: Vec<&Replaced> = one.iter().flat_map(|(_, replaced)| replaced).collect();
    assert_eq!(replaced.len(), 2);
    for Replaced { path, by, reason } in replaced {
        let label = |path: &str| manifest.records().iter().find(|record| record.path == path).unwrap().label;
        assert!(label(path) == label(by) && path != by, "{path} by {by}");
        assert!(reason.contains(path.as_str()), "{reason}");
    }
    let counts = |label| one.iter().flat_map(|(samples, _)| samples).filter(|sample| sample.1 == label).count();
    assert!((0..10).all(|label| counts(label) == 3), "classes stay as frequent as they are");
}

#[test]
fn by_default_a_bad_video_ends_the_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = videos(folder.path());
    spoil(&manifest, 4);
    let batches = epoch(&manifest, OnBadVideo::Stop, 2);
    let (last, before) = batches.split_last().unwrap();
    assert!(before.iter().all(Result::is_ok) && batches.len() <= 6);
    let error = last.as_ref().unwrap_err().to_string();
    assert!(error.contains(&manifest.records()[4].path), "{error}");
}

#[test]
fn where_no_video_of_a_class_can_be_used_the_epoch_ends() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = videos(folder.path());
    (0..3).for_each(|index| spoil(&manifest, index));
    let batches = epoch(&manifest, OnBadVideo::Replace, 2);
    assert!(matches!(batches.last(), Some(Err(Error::Content { .. }))));
}

#[test]
fn a_folder_that_is_gone_is_no_matter_of_one_video() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = videos(folder.path());
    let videos = manifest.path_of(&manifest.records()[0]).parent().unwrap().to_owned();
    fs::remove_dir_all(&videos).unwrap();
    let batches = epoch(&manifest, OnBadVideo::Replace, 2);
    assert!(matches!(batches.last(), Some(Err(Error::Io { .. }))), "{:?}", batches.last());
}
