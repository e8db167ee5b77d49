use std::collections::{BTreeMap, BTreeSet};

use crate::source::{ModulePath, SourceFile};

/// Doors a name may pass through before it is taken for a circle of doors.
const MOST_DOORS: usize = 16;

/// Files that use each other in a circle, as pairs of a user and what it uses.
pub fn of(files: &[SourceFile]) -> Vec<Vec<String>> {
    let by_module: BTreeMap<&ModulePath, usize> =
        files.iter().enumerate().map(|(at, file)| (&file.module, at)).collect();
    let arrows: Vec<BTreeSet<usize>> = (0..files.len())
        .map(|user| {
            let used = files[user].references.iter().filter_map(|path| home(files, &by_module, path, MOST_DOORS));
            used.filter(|used| *used != user && !is_own_room(&files[user], &files[*used])).collect()
        })
        .collect();
    let reach: Vec<BTreeSet<usize>> = (0..files.len()).map(|from| reached(&arrows, from)).collect();
    let mut circles: Vec<BTreeSet<usize>> = (0..files.len())
        .filter(|at| reach[*at].contains(at))
        .map(|at| reach[at].iter().copied().filter(|other| reach[*other].contains(&at)).collect())
        .collect();
    circles.sort();
    circles.dedup();
    circles.into_iter().map(|circle| ties(files, &arrows, &circle)).collect()
}

/// A room's door uses what stands in the room: that says where things are, and is no arrow.
fn is_own_room(user: &SourceFile, used: &SourceFile) -> bool {
    used.module.len() > user.module.len() && used.module.starts_with(&user.module)
}

/// The file a path leads to, through the doors it passes.
fn home(
    files: &[SourceFile],
    by_module: &BTreeMap<&ModulePath, usize>,
    path: &ModulePath,
    doors: usize,
) -> Option<usize> {
    let depth = (0..=path.len()).rev().find(|&depth| by_module.contains_key(&path[..depth].to_vec()))?;
    let at = by_module[&path[..depth].to_vec()];
    let Some(item) = path.get(depth) else { return Some(at) };
    match files[at].doors.get(item) {
        Some(behind) if doors > 0 => {
            let behind = behind.iter().chain(&path[depth + 1..]).cloned().collect();
            home(files, by_module, &behind, doors - 1)
        }
        _ => (depth > 0).then_some(at),
    }
}

fn reached(arrows: &[BTreeSet<usize>], from: usize) -> BTreeSet<usize> {
    let (mut seen, mut waiting) = (BTreeSet::new(), vec![from]);
    while let Some(at) = waiting.pop() {
        waiting.extend(arrows[at].iter().copied().filter(|next| seen.insert(*next)));
    }
    seen
}

fn ties(files: &[SourceFile], arrows: &[BTreeSet<usize>], circle: &BTreeSet<usize>) -> Vec<String> {
    let tie = |user: usize, used: usize| format!("{} uses {}", files[user].path.display(), files[used].path.display());
    let of_one =
        |&user: &usize| arrows[user].intersection(circle).map(move |&used| tie(user, used)).collect::<Vec<_>>();
    circle.iter().flat_map(of_one).collect()
}
