use std::str::FromStr;

use taf_report::experiment::CellName;

/// A part of the grid.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    /// This machine's share.
    pub shard: Option<Shard>,
    /// What the names of cells hold.
    pub only: Vec<String>,
}

/// One of several machines, each of which takes every n-th data set, network and seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 1.
    number: usize,
    /// How many.
    of: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = || {
            let (number, of) = text.split_once('/')?;
            Some(Self { number: number.parse().ok()?, of: of.parse().ok()? })
        };
        parts()
            .filter(|shard| (1..=shard.of).contains(&shard.number))
            .ok_or_else(|| format!("expected I/N with I from 1 to N, such as 1/3, found {text:?}"))
    }
}

impl Chosen {
    /// The chosen ones of some cells, in their order. What starts from one run stays together.
    pub fn of<'a>(&self, cells: impl IntoIterator<Item = &'a CellName>) -> Vec<&'a CellName> {
        let mut groups: Vec<(&str, &str, u64)> = Vec::new();
        let mut chosen = Vec::new();
        for cell in cells {
            let group = (cell.data.as_str(), cell.model.as_str(), cell.seed);
            let number = groups.iter().position(|known| *known == group).unwrap_or(groups.len());
            if number == groups.len() {
                groups.push(group);
            }
            let is_mine = self.shard.is_none_or(|shard| number % shard.of == shard.number - 1);
            let name = cell.to_string();
            if is_mine && (self.only.is_empty() || self.only.iter().any(|pattern| matches(pattern, &name))) {
                chosen.push(cell);
            }
        }
        chosen
    }
}

/// Whether a name holds the parts between the stars, one after the other.
fn matches(pattern: &str, name: &str) -> bool {
    let mut rest = name;
    pattern.split('*').all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells() -> Vec<CellName> {
        let groups = ["d/a/seed0", "d/b/seed0", "d/a/seed1", "d/b/seed1"];
        let runs = ["start", "plain", "taf.x"];
        groups.iter().flat_map(|group| runs.map(|run| format!("{group}/{run}").parse().unwrap())).collect()
    }

    #[test]
    fn shards_share_the_grid_and_keep_starts_together() {
        let cells = cells();
        let mut all = Vec::new();
        for shard in ["1/3", "2/3", "3/3"] {
            let chosen = Chosen { shard: Some(shard.parse().unwrap()), ..Chosen::default() };
            let mine = chosen.of(&cells);
            assert_eq!(mine.len() % 3, 0, "{mine:?}");
            all.extend(mine);
        }
        all.sort();
        let mut expected: Vec<&CellName> = cells.iter().collect();
        expected.sort();
        assert_eq!(all, expected);
        for wrong in ["0/3", "4/3", "1", "a/b", "1/0"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn stars_stand_for_anything() {
        let cells = cells();
        let count = |pattern: &str| Chosen { only: vec![pattern.into()], ..Chosen::default() }.of(&cells).len();
        assert_eq!(
            [count("plain"), count("d/*/seed1/taf"), count("seed0/*x"), count("x*d"), count("*")],
            [4, 2, 2, 0, 12]
        );
    }
}
