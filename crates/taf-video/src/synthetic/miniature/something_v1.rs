//! Something-Something V1: `20bn-something-something-v1/<id>/00001.jpg` and lists of `id;class`.

use super::sample::{List, Samples, Split, rows};
use super::store::Store;
use super::traits::Traits;
use crate::synthetic::role::Role;

/// In the order of the published list, which is not that of the alphabet. With a hand behind or ahead, pushing one way is
/// pulling the other way backwards.
const ROLES: [Role; 12] = [
    Role::pan("Turning the camera left while filming something", 0),
    Role::pan("Turning the camera right while filming something", 1),
    Role::plain("Moving something away from the camera", 5),
    Role::plain("Moving something up", 2),
    Role::plain("Moving something towards the camera", 4),
    Role::by_hand("Pushing something from left to right", 1, -1.0),
    Role::by_hand("Pushing something from right to left", 0, 1.0),
    Role::plain("Uncovering something", 8),
    Role::plain("Moving something down", 3),
    Role::by_hand("Pulling something from right to left", 0, -1.0),
    Role::plain("Covering something with something", 9),
    Role::by_hand("Pulling something from left to right", 1, 1.0),
];

pub(super) fn traits() -> Traits {
    Traits {
        name: "ssv1",
        roles: &ROLES,
        clips_folder: "20bn-something-something-v1",
        store: Store::Pictures,
        short_side: 100,
        frames: 24..=48,
        lists,
    }
}

fn lists(samples: &Samples) -> Vec<List> {
    lists_of("something-something-v1", samples)
}

/// The four lists of a data set of TwentyBN's that has them as CSV files: classes, labelled clips, ids alone.
pub(super) fn lists_of(name: &str, samples: &Samples) -> Vec<List> {
    let labelled = |split| rows(samples.of(split).map(|sample| format!("{};{}", sample.id, samples.class(sample))));
    let ids = rows(samples.of(Split::Test).map(|sample| sample.id.clone()));
    let list = |part: &str, text| (format!("{name}-{part}.csv"), text);
    vec![
        list("labels", rows(samples.classes().map(str::to_owned))),
        list("train", labelled(Split::Train)),
        list("validation", labelled(Split::Val)),
        list("test", ids),
    ]
}
