//! Videos as JPEG pictures in tar files: what goes in comes out, and what is damaged is named.

mod numbered;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use numbered::{HEIGHT, WIDTH, number_of, numbered_frame, write_numbered};
use taf_video::EncodeOptions;
use taf_video::cache::{Cache, CacheOptions, Cached};
use taf_video::dataset::{CheckOptions, FrameNames, Manifest, Part, ProblemKind, Record, check};

/// Six videos of 5 to 10 frames, one without label; of the last only frames 3 to 6.
fn videos(folder: &Path) -> Manifest {
    let record = |number: usize| Record {
        path: format!("{number}.mp4"),
        label: (number != 2).then_some(number % 2),
        split: if number < 4 { "train".into() } else { "val".into() },
        frames: 5 + number,
        group: Some("scene".into()),
        ..Record::default()
    };
    let mut records: Vec<_> = (0..6).map(record).collect();
    for record in &records {
        write_numbered(&folder.join(&record.path), record.frames, &EncodeOptions::default());
    }
    records[5] = Record { frames: 4, part: Some(Part { start: 3, end: 7 }), ..records[5].clone() };
    Manifest::new(folder, vec!["up".into(), "down".into()], None, records).unwrap()
}

fn options() -> CacheOptions {
    CacheOptions { videos_per_shard: 4, ..CacheOptions::default() }
}

fn cached_with(manifest: &Manifest, folder: &Path, options: CacheOptions) -> taf_video::Result<Cached> {
    Cache::new(manifest, folder, options)?.write(&|_, _| {})
}

fn cached(manifest: &Manifest, folder: &Path) -> Manifest {
    cached_with(manifest, folder, options()).unwrap();
    Manifest::read(&folder.join("manifest.jsonl")).unwrap()
}

fn numbers(manifest: &Manifest, record: &Record) -> Vec<usize> {
    let mut video = manifest.open(record).unwrap();
    let frames = video.num_frames().unwrap();
    // Backwards and with a repeat: any order is fine.
    let indices: Vec<_> = (0..frames).rev().chain([0]).collect();
    video.read(&indices).unwrap().frames().iter().map(number_of).collect()
}

/// Every file of a cache with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let inside = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = inside(folder.join("shards")).chain([folder.join("manifest.jsonl")]);
    files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// The members of a tar file: name, where the contents begin, and the contents.
fn members(tar: &[u8]) -> Vec<(String, usize, Vec<u8>)> {
    let contents = |mut entry: tar::Entry<&[u8]>| {
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().to_str().unwrap().to_owned(), entry.raw_file_position() as usize, bytes)
    };
    tar::Archive::new(tar).entries().unwrap().map(|entry| contents(entry.unwrap())).collect()
}

#[test]
fn a_cache_lists_and_reads_the_same_videos() {
    let dir = tempfile::tempdir().unwrap();
    let originals = videos(dir.path());
    let cache = cached(&originals, &dir.path().join("cache"));
    assert_eq!(cache.cache().unwrap().source, originals.hash());
    assert_eq!(cache.classes(), originals.classes());
    for (original, record) in originals.records().iter().zip(cache.records()) {
        assert_eq!(Record { shard: None, ..record.clone() }, *original);
        assert_eq!(numbers(&cache, record), numbers(&originals, original), "{}", record.id());
        assert_eq!(cache.open(record).unwrap().info().fps, Some(25.0));
        cache.fingerprint(record).unwrap();
    }
    assert!(check(&dir.path().join("cache/manifest.jsonl"), &CheckOptions::default(), &|_, _| {}).unwrap().is_clean());
}

#[test]
fn folders_of_pictures_are_cached_like_videos() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("a")).unwrap();
    for number in 0..6 {
        let frame = numbered_frame(number);
        let picture = image::RgbImage::from_raw(WIDTH as u32, HEIGHT as u32, frame.into_data()).unwrap();
        picture.save(dir.path().join(format!("a/{:05}.png", number + 1))).unwrap();
    }
    let names = FrameNames { template: "{:05}.png".into(), first_index: 1 };
    let record = Record { path: "a".into(), label: Some(0), split: "val".into(), frames: 6, ..Record::default() };
    let originals = Manifest::new(dir.path(), vec!["up".into()], Some(names), vec![record]).unwrap();
    let cache = cached(&originals, &dir.path().join("cache"));
    assert_eq!((cache.frame_names(), numbers(&cache, &cache.records()[0])), (None, vec![5, 4, 3, 2, 1, 0, 0]));
}

#[test]
fn a_cache_can_be_moved_with_its_folder_and_its_list_written_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    cached(&videos(dir.path()), &dir.path().join("cache"));
    fs::rename(dir.path().join("cache"), dir.path().join("moved")).unwrap();
    let moved = Manifest::read(&dir.path().join("moved/manifest.jsonl")).unwrap();
    moved.select_splits(&["val"]).unwrap().write(&dir.path().join("val.jsonl")).unwrap();
    let part = Manifest::read(&dir.path().join("val.jsonl")).unwrap();
    assert_eq!(part.records()[1].path, "5.mp4", "the name stays");
    assert_eq!(numbers(&part, &part.records()[1]), [6, 5, 4, 3, 3]);
}

#[test]
fn pictures_are_made_smaller_and_never_larger() {
    let dir = tempfile::tempdir().unwrap();
    let originals = videos(dir.path());
    for (short_side, size) in [(24, (32, 24)), (1000, (WIDTH, HEIGHT))] {
        let folder = dir.path().join(short_side.to_string());
        let smaller = CacheOptions { short_side: Some(short_side), ..options() };
        let cache = cached_with(&originals, &folder, smaller).unwrap().manifest;
        let video = cache.open(&cache.records()[0]).unwrap();
        assert_eq!((video.info().width, video.info().height), size);
    }
}

#[test]
fn shards_hold_what_webdataset_expects_where_the_indices_say() {
    let dir = tempfile::tempdir().unwrap();
    cached(&videos(dir.path()), &dir.path().join("cache"));
    let tar = fs::read(dir.path().join("cache/shards/00001.tar")).unwrap();
    let members = members(&tar);
    let names: Vec<_> = members.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names[..3], ["00000004.json", "00000004.0000.jpg", "00000004.0001.jpg"]);
    assert_eq!(names[9..12], ["00000004.0008.jpg", "00000004.cls", "00000005.json"]);
    assert_eq!((members.len(), &members[10].2[..]), (17, &b"0"[..]));
    let index = fs::read_to_string(dir.path().join("cache/shards/00001.idx")).unwrap();
    let (head, lines) = index.split_once('\n').unwrap();
    assert_eq!(head, "v1.2 2");
    let words: Vec<_> = lines.split_whitespace().collect();
    for (words, (name, place, bytes)) in words.chunks(4).zip(&members) {
        assert_eq!(words[1..], [&place.to_string(), &bytes.len().to_string(), name]);
        assert!(name.ends_with(words[0]));
    }
    assert_eq!(words.len(), 4 * members.len());
}

#[test]
fn a_run_that_was_killed_goes_on_to_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let (originals, folder) = (videos(dir.path()), dir.path().join("cache"));
    cached(&originals, &folder);
    let whole = files(&folder);
    let lose: [&dyn Fn(); 4] = [
        &|| fs::remove_file(folder.join("manifest.jsonl")).unwrap(),
        &|| fs::remove_file(folder.join("shards/00001.jsonl")).unwrap(),
        &|| fs::write(folder.join("shards/00000.tar"), b"half").unwrap(),
        &|| fs::write(folder.join("shards/00000.jsonl"), b"{\"half").unwrap(),
    ];
    for lose in lose {
        lose();
        fs::write(folder.join("shards/.left.taf-unfinished"), b"half").unwrap();
        cached(&originals, &folder);
        assert!(files(&folder) == whole);
    }
    let left = Cache::new(&originals, &folder, options()).unwrap().estimate().unwrap();
    assert_eq!((left.videos, left.bytes), (0, 0));
}

#[test]
fn another_cache_in_the_folder_is_not_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let (originals, folder) = (videos(dir.path()), dir.path().join("cache"));
    cached(&originals, &folder);
    let whole = files(&folder);
    for other in [
        CacheOptions { quality: 50, ..options() },
        CacheOptions { short_side: Some(32), ..options() },
        CacheOptions { videos_per_shard: 3, ..options() },
    ] {
        let error = cached_with(&originals, &folder, other).unwrap_err().to_string();
        assert!(error.contains("expected the same cache as asked for") && error.contains("00000.jsonl"), "{error}");
    }
    let fewer = originals.select_splits(&["train"]).unwrap();
    assert!(cached_with(&fewer, &folder, options()).is_err());
    assert!(files(&folder) == whole);
}

#[test]
fn options_out_of_range_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let originals = videos(dir.path());
    for (wrong, name) in [
        (CacheOptions { quality: 0, ..options() }, "quality"),
        (CacheOptions { quality: 101, ..options() }, "quality"),
        (CacheOptions { short_side: Some(0), ..options() }, "short_side"),
        (CacheOptions { videos_per_shard: 0, ..options() }, "videos_per_shard"),
    ] {
        let error = cached_with(&originals, &dir.path().join("cache"), wrong).unwrap_err().to_string();
        assert!(error.starts_with(name), "{error}");
    }
}

#[test]
fn a_bad_video_stops_or_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let (originals, folder) = (videos(dir.path()), dir.path().join("cache"));
    fs::write(dir.path().join("1.mp4"), b"no video").unwrap();
    write_numbered(&dir.path().join("3.mp4"), 2, &EncodeOptions::default());
    let error = cached_with(&originals, &folder, options()).unwrap_err().to_string();
    assert!(error.ends_with("1.mp4") || error.ends_with("3.mp4"), "{error}");
    let keep_going = CacheOptions { keep_going: true, ..options() };
    let done = cached_with(&originals, &folder, keep_going).unwrap();
    let left_out: Vec<_> = done.left_out.iter().map(|video| video.path.as_str()).collect();
    assert_eq!((left_out, done.manifest.records().len()), (vec!["1.mp4", "3.mp4"], 4));
    assert!(done.left_out[1].reason.contains("8 frames as the manifest says, found 2"));
    assert!(cached_with(&originals, &folder, options()).is_err(), "what was left out is tried again");
}

/// What reading all of each video says, by the video's name.
fn complaints(manifest: &Manifest) -> Vec<(String, String)> {
    let read = |record: &Record| {
        let mut video = manifest.open(record)?;
        let frames = video.num_frames()?;
        video.read(&(0..frames).collect::<Vec<_>>())
    };
    let of_one = |record: &Record| Some((record.path.clone(), read(record).err()?.to_string()));
    manifest.records().iter().filter_map(of_one).collect()
}

#[test]
fn a_byte_that_changed_anywhere_in_a_sample_names_shard_and_video() {
    let dir = tempfile::tempdir().unwrap();
    let cache = cached(&videos(dir.path()), &dir.path().join("cache"));
    let (shard, place) = (dir.path().join("cache/shards/00000.tar"), cache.records()[1].shard.clone().unwrap());
    let bytes = fs::read(&shard).unwrap();
    let is_read: Vec<_> = members(&bytes).into_iter().filter(|(name, ..)| !name.ends_with(".cls")).collect();
    for at in (place.offset..place.offset + place.bytes).step_by(97) {
        let mut damaged = bytes.clone();
        damaged[at as usize] ^= 0x10;
        fs::write(&shard, damaged).unwrap();
        let complaints = complaints(&cache);
        // Names and padding between the pictures are of no interest.
        let matters = is_read.iter().any(|(_, start, bytes)| (*start..start + bytes.len()).contains(&(at as usize)));
        assert!(!matters || complaints.len() == 1, "byte {at}");
        for (video, complaint) in complaints {
            assert_eq!(video, "1.mp4", "byte {at}: {complaint}");
            assert!(complaint.contains("\"1.mp4\"") && complaint.ends_with("00000.tar"), "{complaint}");
        }
    }
}

#[test]
fn a_shard_that_is_cut_or_gone_is_named_with_each_video_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let cache = cached(&videos(dir.path()), &dir.path().join("cache"));
    let (shard, place) = (dir.path().join("cache/shards/00000.tar"), cache.records()[2].shard.clone().unwrap());
    let bytes = fs::read(&shard).unwrap();
    fs::write(&shard, &bytes[..place.offset as usize + 700]).unwrap();
    let cut: Vec<_> = complaints(&cache);
    assert_eq!(cut.iter().map(|(video, _)| video.as_str()).collect::<Vec<_>>(), ["2.mp4", "3.mp4"]);
    assert!(
        cut.iter().all(|(video, complaint)| complaint.contains(video) && complaint.contains("00000.tar")),
        "{cut:?}"
    );
    let report = check(&dir.path().join("cache/manifest.jsonl"), &CheckOptions::default(), &|_, _| {}).unwrap();
    let kinds: Vec<_> = report.problems.iter().map(|problem| (problem.kind, problem.line)).collect();
    assert_eq!(kinds, [(ProblemKind::Unreadable, Some(4)), (ProblemKind::Unreadable, Some(5))]);
    fs::remove_file(&shard).unwrap();
    let gone = complaints(&cache);
    assert_eq!(gone.len(), 4);
    assert!(gone.iter().all(|(video, complaint)| complaint.contains(&format!("the shard that holds {video:?}"))));
    let missing = cache.open(&cache.records()[0]).err().unwrap();
    assert!(cache.is_bad_video(&cache.records()[0], &missing));
}

#[test]
fn a_place_that_is_none_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let cache = cached(&videos(dir.path()), &dir.path().join("cache"));
    let record = &cache.records()[1];
    let place = record.shard.clone().unwrap();
    for (offset, bytes) in
        [(place.offset + 512, place.bytes - 512), (u64::MAX, 1), (0, u64::MAX), (place.offset, 511), (0, 0)]
    {
        let place = taf_video::cache::SamplePlace { offset, bytes, ..place.clone() };
        let record = Record { shard: Some(place), ..record.clone() };
        let error = cache.open(&record).err().unwrap().to_string();
        assert!(error.contains("\"1.mp4\"") && error.ends_with("00000.tar"), "{error}");
    }
    let text = fs::read_to_string(dir.path().join("cache/manifest.jsonl")).unwrap();
    let climbing = dir.path().join("cache/climbing.jsonl");
    fs::write(&climbing, text.replace("\"shards/", "\"../shards/")).unwrap();
    assert!(Manifest::read(&climbing).unwrap_err().to_string().contains("without \"..\""));
}

#[test]
fn a_folder_is_written_by_one_process_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let (originals, folder) = (videos(dir.path()), dir.path().join("cache"));
    fs::create_dir(&folder).unwrap();
    let lock = fs::File::create(folder.join(".lock")).unwrap();
    lock.try_lock().unwrap();
    let error = cached_with(&originals, &folder, options()).unwrap_err().to_string();
    assert!(error.contains("nobody else writes") && error.ends_with("cache"), "{error}");
    drop(lock);
    cached(&originals, &folder);
}

#[test]
fn what_a_cache_takes_is_told_before_it_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let (originals, folder) = (videos(dir.path()), dir.path().join("cache"));
    let cache = Cache::new(&originals, &folder, options()).unwrap();
    let estimate = cache.estimate().unwrap();
    assert!(!folder.exists(), "nothing is written");
    assert_eq!((estimate.videos, estimate.tried), (6, 6));
    estimate.check().unwrap();
    let written = cache.write(&|_, _| {}).unwrap().bytes;
    assert_eq!(estimate.bytes, written - 2 * 1024, "all were tried; each shard has an end");
    let mut short = estimate;
    short.free_bytes = Some(3);
    assert!(short.check().unwrap_err().to_string().contains("of free space, found 0 MB"));
}
