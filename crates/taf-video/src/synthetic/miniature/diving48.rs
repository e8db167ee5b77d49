//! Diving48: `rgb/<recording>_<number>.mp4`, a vocabulary whose rows are the classes, and the second version of the lists.

use rand::RngExt;
use serde::Serialize;

use super::sample::{List, Sample, Samples, Split};
use super::store::{FileKind, Store};
use super::traits::Traits;
use crate::synthetic::role::Role;
use crate::{Seed, VideoCodec};

/// Forwards is clockwise. The words of a class are joined by `+` here; the vocabulary has them apart.
const ROLES: [Role; 6] = [
    Role::somersaults("Back+15som+NoTwis+PIKE", 7, 1.5),
    Role::somersaults("Back+25som+NoTwis+PIKE", 7, 2.5),
    Role::somersaults("Back+Dive+NoTwis+PIKE", 7, 0.5),
    Role::somersaults("Forward+15som+NoTwis+PIKE", 6, 1.5),
    Role::somersaults("Forward+25som+NoTwis+PIKE", 6, 2.5),
    Role::somersaults("Forward+Dive+NoTwis+PIKE", 6, 0.5),
];

/// A row of the lists.
#[derive(Serialize)]
struct Row<'a> {
    vid_name: &'a str,
    label: usize,
    start_frame: usize,
    end_frame: usize,
}

pub(super) fn traits() -> Traits {
    Traits {
        name: "diving48",
        roles: &ROLES,
        clips_folder: "rgb",
        store: Store::File(FileKind { codec: VideoCodec::H264, quality: 23, ending: "mp4", frames_per_second: 25.0 }),
        short_side: 256,
        frames: 40..=80,
        lists,
    }
}

fn lists(samples: &Samples) -> Vec<List> {
    let list = |name: &str, text| (format!("Diving48_{name}.json"), text);
    let vocabulary: Vec<Vec<&str>> = samples.classes().map(|class| class.split('+').collect()).collect();
    vec![
        list("vocab", pretty(&vocabulary)),
        list("V2_train", rows(samples.of(Split::Train))),
        list("V2_test", rows(samples.of(Split::Val))),
    ]
}

fn rows<'a>(samples: impl Iterator<Item = &'a Sample>) -> String {
    let row =
        |sample: &'a Sample| Row { vid_name: &sample.id, label: sample.role, start_frame: 0, end_frame: sample.frames };
    let mut rows: Vec<_> = samples.map(row).collect();
    rows.sort_by_key(|row| row.vid_name);
    pretty(&rows)
}

fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("strings and numbers are always JSON")
}

/// The name of a recording, eleven characters that may begin with a dash and sometimes do, and the number of the dive in it.
pub(super) fn id(recording: Seed, dash: bool, number: usize) -> String {
    const LETTERS: &[u8; 64] = b"-_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rng = recording.rng();
    let letter = |place: usize| if place == 0 && dash { 0 } else { rng.random_range(0..LETTERS.len()) };
    let name: String = (0..11).map(letter).map(|place| char::from(LETTERS[place])).collect();
    format!("{name}_{number:05}")
}
