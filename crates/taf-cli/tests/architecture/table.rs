use std::collections::BTreeMap;

/// The rows of the house, by what stands in them.
pub struct Layers(BTreeMap<String, usize>);

impl Layers {
    /// Reads the first fenced block of a page: lines of a row's number and the names in it.
    pub fn of(page: &str) -> Self {
        let table = page.split("```").nth(1).expect("ARCHITECTURE.md begins with the table of layers");
        let mut rows = BTreeMap::new();
        for line in table.lines() {
            let mut words = line.split_whitespace();
            let Some(row) = words.next().and_then(|word| word.parse().ok()) else { continue };
            rows.extend(words.map(|name| (name.to_owned(), row)));
        }
        assert!(rows.len() > 10, "a table of rooms, found {rows:?}");
        Self(rows)
    }

    pub fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// What is wrong with `user` using `used`, if anything is.
    pub fn fault(&self, user: &str, used: &str) -> Option<String> {
        let (above, below) = (self.lowest(user), self.highest(used));
        (below >= above).then(|| format!("{user} (row {above}) uses {used} (row {below})"))
    }

    /// The row of a room; of a crate whose rooms stand in the table, the lowest of theirs.
    fn lowest(&self, name: &str) -> usize {
        self.rows_of(name).min().unwrap_or_else(|| panic!("{name} stands in the table of ARCHITECTURE.md"))
    }

    fn highest(&self, name: &str) -> usize {
        self.rows_of(name).max().unwrap_or_else(|| panic!("{name} stands in the table of ARCHITECTURE.md"))
    }

    fn rows_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = usize> {
        let inside = format!("{name}::");
        self.0.iter().filter(move |(other, _)| *other == name || other.starts_with(&inside)).map(|(_, row)| *row)
    }
}
