//! Jester: `20bn-jester-v1/<id>/00001.jpg` and lists of `id;class`.

use super::sample::{List, Samples};
use super::something_v1;
use super::store::Store;
use super::traits::Traits;
use crate::synthetic::role::Role;

/// In the order of the published list.
const ROLES: [Role; 8] = [
    Role::plain("Swiping Left", 0),
    Role::plain("Swiping Right", 1),
    Role::plain("Swiping Down", 3),
    Role::plain("Swiping Up", 2),
    Role::plain("Pushing Hand Away", 5),
    Role::plain("Pulling Hand In", 4),
    Role::plain("Turning Hand Clockwise", 6),
    Role::plain("Turning Hand Counterclockwise", 7),
];

pub(super) fn traits() -> Traits {
    Traits {
        name: "jester",
        roles: &ROLES,
        clips_folder: "20bn-jester-v1",
        store: Store::Pictures,
        short_side: 100,
        frames: 30..=37,
        lists,
    }
}

fn lists(samples: &Samples) -> Vec<List> {
    something_v1::lists_of("jester-v1", samples)
}
