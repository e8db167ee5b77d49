use std::time::Duration;

use taf_report::experiment::{CellName, CellResult};

/// How long cells take, learnt from those that are done.
#[derive(Debug, Default)]
pub struct Estimate {
    known: Vec<(CellName, f64)>,
}

impl Estimate {
    /// What some results tell.
    pub fn of<'a>(results: impl IntoIterator<Item = &'a CellResult>) -> Self {
        Self { known: results.into_iter().map(|result| (result.cell.clone(), result.seconds)).collect() }
    }

    /// A cell took so long.
    pub fn learn(&mut self, cell: &CellName, took: Duration) {
        self.known.push((cell.clone(), took.as_secs_f64()));
    }

    /// Seconds that a cell takes: the mean of those of the same data set, network and run, or else of the next alike; none
    /// where nothing is known.
    fn seconds(&self, cell: &CellName) -> Option<f64> {
        let is_start = |other: &CellName| (other.run == CellName::START) == (cell.run == CellName::START);
        let place = |other: &CellName| (&other.data, &other.model) == (&cell.data, &cell.model);
        self.mean(|other| place(other) && other.run == cell.run)
            .or_else(|| self.mean(|other| place(other) && is_start(other)))
            .or_else(|| self.mean(is_start))
            .or_else(|| self.mean(|_| true))
    }

    fn mean(&self, is_like: impl Fn(&CellName) -> bool) -> Option<f64> {
        let alike = self.known.iter().filter(|(cell, _)| is_like(cell)).map(|(_, seconds)| *seconds);
        let (sum, count) = alike.fold((0.0, 0.0), |(sum, count), seconds| (sum + seconds, count + 1.0));
        (count > 0.0).then(|| sum / count)
    }

    /// How long the rest takes, so many at a time; none where nothing is known.
    pub fn left<'a>(
        &self,
        waiting: impl Iterator<Item = &'a CellName>,
        running: impl Iterator<Item = (&'a CellName, Duration)>,
        jobs: usize,
    ) -> Option<Duration> {
        let waiting = waiting.map(|cell| self.seconds(cell)).sum::<Option<f64>>()?;
        let rest = running.map(|(cell, since)| Some((self.seconds(cell)? - since.as_secs_f64()).max(0.0)));
        let rest: Vec<f64> = rest.collect::<Option<_>>()?;
        let longest = rest.iter().copied().fold(0.0, f64::max);
        let seconds = ((waiting + rest.iter().sum::<f64>()) / jobs as f64).max(longest);
        Duration::try_from_secs_f64(seconds).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_expected_to_take_as_long_as_those_most_like_them() {
        let mut estimate = Estimate::default();
        let cell = |name: &str| name.parse::<CellName>().unwrap();
        let left = |estimate: &Estimate, name: &str| {
            estimate.left([cell(name)].iter(), std::iter::empty(), 1).map(|left| left.as_secs())
        };
        assert_eq!(left(&estimate, "d/m/seed0/plain"), None);
        for (name, seconds) in
            [("d/m/seed0/start", 90), ("d/m/seed0/plain", 10), ("d/m/seed0/taf", 30), ("e/m/seed0/taf", 50)]
        {
            estimate.learn(&cell(name), Duration::from_secs(seconds));
        }
        for (name, expected) in
            [("d/m/seed1/taf", 30), ("d/m/seed1/noise", 20), ("d/n/seed1/taf", 30), ("d/n/seed1/start", 90)]
        {
            assert_eq!(left(&estimate, name), Some(expected), "{name}");
        }
        let (waiting, running) = ([cell("d/m/seed1/taf"), cell("d/m/seed1/plain")], cell("d/m/seed1/start"));
        let left = estimate.left(waiting.iter(), [(&running, Duration::from_secs(70))].into_iter(), 2);
        assert_eq!(left, Some(Duration::from_secs(30)));
    }
}
