use std::collections::{BTreeMap, HashMap};

use rand::seq::SliceRandom;

use super::ListingEntry;
use crate::{Error, Result, Seed};

/// A random division into `train`, `val` and `test`, of the same proportions in every class as far as whole groups allow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomSplit {
    /// Share of the videos for `val`, 0 to below 1.
    pub val: f64,
    /// Share of the videos for `test`, 0 to below 1. The rest is `train`, and must not be nothing.
    pub test: f64,
    /// The same seed and videos give the same division.
    pub seed: Seed,
}

impl Default for RandomSplit {
    /// A fifth for `val`, nothing for `test`, seed 0.
    fn default() -> Self {
        Self { val: 0.2, test: 0.0, seed: Seed::new(0) }
    }
}

/// Videos that must stay together, and how many of each class they are: only the classes they have are named, since most
/// units are one video and data sets have hundreds of classes.
struct Unit {
    entries: Vec<usize>,
    per_class: Vec<(usize, usize)>,
}

impl RandomSplit {
    const NAMES: [&str; 3] = ["train", "val", "test"];

    /// The split of each entry. Entries of one group get one split.
    ///
    /// # Errors
    /// If the shares are out of range.
    pub(super) fn assign(&self, entries: &[&ListingEntry], classes: &[String]) -> Result<Vec<&'static str>> {
        let shares = self.shares()?;
        let labels = labels_of(entries, classes);
        let mut units = units(entries, &labels);
        units.shuffle(&mut self.seed.with("split").rng());
        // Large units first: the small ones then even out what the large ones left uneven. The sort keeps the random order.
        units.sort_by_key(|unit| std::cmp::Reverse(unit.entries.len()));
        let mut missing = wanted(&labels, classes.len() + 1, shares);
        let mut names = vec![Self::NAMES[0]; entries.len()];
        for unit in units {
            let chosen = neediest(&missing, &unit);
            for &(class, count) in &unit.per_class {
                missing[chosen][class] -= count as f64;
            }
            for entry in unit.entries {
                names[entry] = Self::NAMES[chosen];
            }
        }
        Ok(names)
    }

    fn shares(&self) -> Result<[f64; 3]> {
        for (name, share) in [("val", self.val), ("test", self.test)] {
            if !(0.0..1.0).contains(&share) {
                return Err(Error::setting(name, "a share from 0 to below 1", share));
            }
        }
        let train = 1.0 - self.val - self.test;
        if train <= 0.0 {
            return Err(Error::setting("val + test", "below 1", self.val + self.test));
        }
        Ok([train, self.val, self.test])
    }
}

/// Every group, and every entry without group, once; in an order that depends on nothing but the entries.
fn units(entries: &[&ListingEntry], labels: &[usize]) -> Vec<Unit> {
    let mut grouped = BTreeMap::<&str, Vec<usize>>::new();
    let mut members = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        match &entry.group {
            Some(group) => grouped.entry(group).or_default().push(index),
            None => members.push(vec![index]),
        }
    }
    members.extend(grouped.into_values());
    members.into_iter().map(|members| Unit::new(members, labels)).collect()
}

impl Unit {
    fn new(entries: Vec<usize>, labels: &[usize]) -> Self {
        let mut counts = BTreeMap::new();
        entries.iter().for_each(|&entry| *counts.entry(labels[entry]).or_insert(0) += 1);
        Self { entries, per_class: counts.into_iter().collect() }
    }
}

/// The place of each entry's class; entries without label are a class of their own, after the others.
fn labels_of(entries: &[&ListingEntry], classes: &[String]) -> Vec<usize> {
    let places: HashMap<_, _> = classes.iter().enumerate().map(|(place, class)| (class, place)).collect();
    let place = |entry: &&ListingEntry| entry.label.as_ref().map_or(classes.len(), |label| places[label]);
    entries.iter().map(place).collect()
}

/// How many videos of each class each split should have, `[split][class]`; not whole numbers.
fn wanted(labels: &[usize], num_classes: usize, shares: [f64; 3]) -> [Vec<f64>; 3] {
    let mut counts = vec![0; num_classes];
    labels.iter().for_each(|&label| counts[label] += 1);
    shares.map(|share| counts.iter().map(|&count| f64::from(count) * share).collect())
}

/// The split that misses most of what the unit has; the earlier one where two miss the same.
fn neediest(missing: &[Vec<f64>; 3], unit: &Unit) -> usize {
    let need = |split: usize| -> f64 {
        unit.per_class.iter().map(|&(class, count)| count as f64 * missing[split][class]).sum()
    };
    (1..3).fold(0, |best, split| if need(split) > need(best) + 1e-9 { split } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(per_class: usize, group: impl Fn(usize) -> Option<String>) -> (Vec<ListingEntry>, Vec<String>) {
        let classes = vec!["down".to_owned(), "up".to_owned()];
        let entry = |label: &String, i| ListingEntry {
            path: format!("{label}/{i:03}.mp4"),
            label: Some(label.clone()),
            group: group(i),
            ..Default::default()
        };
        let entry = &entry;
        (classes.iter().flat_map(|label| (0..per_class).map(move |i| entry(label, i))).collect(), classes)
    }

    fn count(names: &[&str], name: &str) -> usize {
        names.iter().filter(|given| **given == name).count()
    }

    #[test]
    fn every_class_is_divided_in_the_same_proportions() {
        let (entries, classes) = entries(20, |_| None);
        let names = RandomSplit { val: 0.2, test: 0.1, ..Default::default() }
            .assign(&entries.iter().collect::<Vec<_>>(), &classes)
            .unwrap();
        for half in names.chunks(20) {
            assert_eq!([count(half, "train"), count(half, "val"), count(half, "test")], [14, 4, 2]);
        }
    }

    #[test]
    fn the_division_depends_on_the_seed_alone() {
        let (entries, classes) = entries(30, |_| None);
        let with = |seed| {
            RandomSplit { seed: Seed::new(seed), ..Default::default() }
                .assign(&entries.iter().collect::<Vec<_>>(), &classes)
                .unwrap()
        };
        assert_eq!(with(3), with(3));
        assert_ne!(with(3), with(4));
    }

    #[test]
    fn a_group_is_never_spread_over_splits() {
        let (entries, classes) = entries(30, |i| Some(format!("scene {}", i % 7)));
        for seed in 0..20 {
            let split = RandomSplit { val: 0.3, test: 0.1, seed: Seed::new(seed) };
            let names = split.assign(&entries.iter().collect::<Vec<_>>(), &classes).unwrap();
            let mut split_of_group = BTreeMap::new();
            for (entry, name) in entries.iter().zip(&names) {
                assert_eq!(split_of_group.entry(&entry.group).or_insert(name), &name);
            }
            let val = count(&names, "val");
            assert!((12..=26).contains(&val), "{val} of 60 videos for a share of 0.3 in groups of 8 or 10");
        }
    }

    /// Of a data set with many classes, 16 bytes a video are enough to say which it has.
    #[test]
    fn what_is_held_grows_with_the_videos_and_not_with_the_classes_times_the_videos() {
        let classes: Vec<String> = (0..2_000).map(|class| format!("class {class:04}")).collect();
        let entry = |place: usize| ListingEntry {
            path: format!("{place}"),
            label: Some(classes[place % classes.len()].clone()),
            group: place.is_multiple_of(10).then(|| format!("scene {}", place % 700)),
            ..Default::default()
        };
        let entries: Vec<_> = (0..40_000).map(entry).collect();
        let entries: Vec<_> = entries.iter().collect();
        let units = units(&entries, &labels_of(&entries, &classes));
        assert!(units.iter().map(|unit| unit.per_class.capacity()).sum::<usize>() <= 4 * entries.len());
        assert_eq!(
            units.iter().flat_map(|unit| &unit.per_class).map(|&(_, count)| count).sum::<usize>(),
            entries.len()
        );
    }

    #[test]
    fn a_share_out_of_range_is_refused_with_its_value() {
        let (entries, classes) = entries(4, |_| None);
        for (val, test) in [(-0.1, 0.0), (1.0, 0.0), (0.6, 0.5), (f64::NAN, 0.0)] {
            assert!(
                RandomSplit { val, test, ..Default::default() }
                    .assign(&entries.iter().collect::<Vec<_>>(), &classes)
                    .is_err(),
                "{val} {test}"
            );
        }
    }
}
