//! Makes a data set of as many videos as Something-Something has, to time `taf data prepare` and `taf data check` on: the
//! distributed form of V2 (WebM files) or V1 (folders of pictures), tiny clips, no two alike.
//!
//! ```text
//! cargo run --release -p taf-video --example many_videos -- many-v2 220000 ssv2
//! taf data prepare many-v2 --format something-v2 --fast --out many-v2.jsonl
//! ```

use std::error::Error;
use std::fs;
use std::path::Path;

use rayon::prelude::*;
use taf_video::Seed;
use taf_video::synthetic::{ClipsPerClass, Difficulty, Form, Miniature};

/// Of so many videos in a row all are in one split.
const BLOCK: usize = 96;

/// One block in eight is for validation.
fn is_validation(id: &usize) -> bool {
    (id / BLOCK).is_multiple_of(8)
}

/// Writes a video like another one, with a number that no other has.
type Extend = fn(&Path, &Path, usize) -> std::io::Result<()>;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [root, count, form] = &args[..] else { return Err("expected FOLDER COUNT ssv1|ssv2".into()) };
    let (root, count): (&Path, usize) = (Path::new(root), count.parse()?);
    let (form, extend): (Form, Extend) = match form.as_str() {
        "ssv2" => (Form::SomethingV2, copy_file),
        "ssv1" => (Form::SomethingV1, copy_folder),
        other => return Err(format!("expected ssv1 or ssv2, got {other}").into()),
    };
    let small = root.with_extension("small");
    let clips = ClipsPerClass { train: 8, val: 0, test: 0 };
    Miniature::new(form, Seed::new(0), Some(32), Some(8..=12), Difficulty::EASY)?.write(&small, clips, &|_, _| {})?;
    let folder = ["20bn-something-something-v1", "20bn-something-something-v2"][usize::from(form == Form::SomethingV2)];
    let mut models =
        fs::read_dir(small.join(folder))?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    models.sort();
    fs::create_dir_all(root.join(folder))?;
    let copy = |id: usize| {
        let model = &models[id % models.len()];
        let ending = model.extension().map_or(String::new(), |ending| format!(".{}", ending.to_string_lossy()));
        extend(model, &root.join(folder).join(format!("{id}{ending}")), id)
    };
    (1..=count).into_par_iter().try_for_each(copy)?;
    match form {
        Form::SomethingV2 => write_json_lists(&small, root, count)?,
        _ => write_csv_lists(&small, root, count)?,
    }
    Ok(())
}

/// With an element behind the end that players pass over and that holds the number.
fn copy_file(model: &Path, to: &Path, number: usize) -> std::io::Result<()> {
    let mut bytes = fs::read(model)?;
    bytes.extend([0xec, 0x84]);
    bytes.extend((number as u32).to_be_bytes());
    fs::write(to, bytes)
}

/// The first picture with a comment that holds the number, the others as links.
fn copy_folder(model: &Path, to: &Path, number: usize) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(model)? {
        let (from, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        if name != "00001.jpg" {
            fs::hard_link(from, to.join(name))?;
            continue;
        }
        let mut bytes = fs::read(from)?;
        let comment = [&[0xff, 0xfe, 0, 6][..], &(number as u32).to_be_bytes()].concat();
        bytes.splice(2..2, comment);
        fs::write(to.join(name), bytes)?;
    }
    Ok(())
}

fn write_json_lists(small: &Path, root: &Path, count: usize) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(root.join("labels"))?;
    fs::copy(small.join("labels/labels.json"), root.join("labels/labels.json"))?;
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&fs::read(small.join("labels/train.json"))?)?;
    let row = |id: usize| {
        let mut row = rows[id % rows.len()].clone();
        row["id"] = id.to_string().into();
        row.to_string()
    };
    let list = |ids: Vec<usize>| format!("[\n{}\n]\n", ids.into_iter().map(row).collect::<Vec<_>>().join(",\n"));
    let (val, train) = (1..=count).partition(is_validation);
    fs::write(root.join("labels/train.json"), list(train))?;
    Ok(fs::write(root.join("labels/validation.json"), list(val))?)
}

fn write_csv_lists(small: &Path, root: &Path, count: usize) -> Result<(), Box<dyn Error>> {
    let name = |part: &str| format!("something-something-v1-{part}.csv");
    let labels = fs::read_to_string(small.join(name("labels")))?;
    fs::write(root.join(name("labels")), &labels)?;
    let classes: Vec<_> = labels.lines().collect();
    let row = |id: usize| format!("{id};{}\n", classes[id / 3 % classes.len()]);
    let (val, train): (Vec<usize>, Vec<usize>) = (1..=count).partition(is_validation);
    fs::write(root.join(name("train")), train.into_iter().map(row).collect::<String>())?;
    Ok(fs::write(root.join(name("validation")), val.into_iter().map(row).collect::<String>())?)
}
