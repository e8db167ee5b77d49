use taf_report::metrics::Predictions;
use taf_video::corrupt::{Corruption, Family, Severity};

use super::{Benchmark, EvaluationError, Version};

/// Versions of the videos that are reported as one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suite {
    /// Name in tables.
    pub name: String,
    /// One sentence: what is done to the videos.
    pub description: String,
    /// What is evaluated; at least one, each once.
    pub versions: Vec<Version>,
}

/// Why there is no such suite.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownSuite {
    /// None has the name.
    #[error("suite must be {}, got {name:?}", Suite::names().join(", "))]
    Name {
        /// The name as given.
        name: String,
    },
    /// It has none of the severities.
    #[error("severities of suite {suite} must hold one of {}, got {severities:?}", own.join(", "))]
    Severities {
        /// The suite.
        suite: String,
        /// Those it has.
        own: Vec<String>,
        /// Those that were asked for.
        severities: Vec<u8>,
    },
}

const CLEAN: &str = "clean";
const TIME_SHIFTED: &str = "time-shifted";

/// What happens to a video whose beginning, end or transmission is not what training saw.
const TIME_SHIFTS: [Corruption; 5] = [
    Corruption::StartEarlier,
    Corruption::StartLater,
    Corruption::DroppedFrames,
    Corruption::FrozenFrames,
    Corruption::BlackFrames,
];

/// What the suite of a family evaluates where that is less than the family has: benchmarks bring further tables of the same
/// corruptions, and numbers under one name stay comparable.
const FAMILIES: [(Family, &[Corruption]); 4] = [
    (
        Family::Noise,
        &[Corruption::GaussianNoise, Corruption::ShotNoise, Corruption::ImpulseNoise, Corruption::SpeckleNoise],
    ),
    (Family::Blur, &[Corruption::GaussianBlur, Corruption::DefocusBlur, Corruption::MotionBlur, Corruption::ZoomBlur]),
    (
        Family::Digital,
        &[
            Corruption::Brightness,
            Corruption::Contrast,
            Corruption::Saturate,
            Corruption::JpegCompression,
            Corruption::Pixelate,
        ],
    ),
    (
        Family::Temporal,
        &[
            Corruption::StartEarlier,
            Corruption::StartLater,
            Corruption::DroppedFrames,
            Corruption::FrozenFrames,
            Corruption::BlackFrames,
            Corruption::Jumble,
            Corruption::Reverse,
        ],
    ),
];

impl Suite {
    /// The videos as they are.
    pub fn clean() -> Self {
        Self { name: CLEAN.into(), description: "the videos as they are".into(), versions: vec![Version::Clean] }
    }

    /// Started too early or too late, frames dropped, frozen or black.
    pub fn time_shifted(severities: &[Severity]) -> Self {
        let description = "clips that start too early or too late, or have dropped, frozen or black frames";
        Self::of(TIME_SHIFTED, description, &TIME_SHIFTS, severities)
    }

    /// The corruptions of one family; where it also has other tables of the same ones, those of ImageNet-C and our own.
    pub fn family(family: Family, severities: &[Severity]) -> Self {
        let chosen = FAMILIES.into_iter().find(|(named, _)| *named == family).map(|(_, chosen)| chosen.to_vec());
        let all = || Corruption::ALL.into_iter().filter(|corruption| corruption.family() == family).collect();
        let members: Vec<_> = chosen.unwrap_or_else(all);
        let description = members.iter().map(|corruption| corruption.name()).collect::<Vec<_>>().join(", ");
        Self::of(family.name(), &description, &members, severities)
    }

    /// One corruption at several severities.
    pub fn corruption(corruption: Corruption, severities: &[Severity]) -> Self {
        Self::of(corruption.name(), "one corruption", &[corruption], severities)
    }

    /// The suite of one of [`Self::names`]; a severity that comes twice counts once. A benchmark that has not all of them is asked
    /// at those it has, which its description names.
    ///
    /// # Errors
    /// If there is none of that name, or it has none of these severities.
    pub fn named(name: &str, severities: &[Severity]) -> Result<Self, UnknownSuite> {
        let family = Family::ALL.into_iter().find(|family| family.name() == name);
        let corruption = Corruption::ALL.into_iter().find(|corruption| corruption.name() == name);
        let benchmark = Self::benchmarks().into_iter().find(|benchmark| benchmark.name == name);
        let suite = match (name, family, corruption, &benchmark) {
            (CLEAN, ..) => Self::clean(),
            (TIME_SHIFTED, ..) => Self::time_shifted(severities),
            (_, Some(family), ..) => Self::family(family, severities),
            (_, _, Some(corruption), _) => Self::corruption(corruption, severities),
            (.., Some(benchmark)) => Self::benchmark(benchmark, severities),
            _ => return Err(UnknownSuite::Name { name: name.to_owned() }),
        };
        if !suite.versions.is_empty() {
            return Ok(suite);
        }
        let all = || Severity::ALL.map(|level| level.to_string()).to_vec();
        let own = benchmark.map_or_else(all, |benchmark| benchmark.levels());
        let severities = severities.iter().map(|severity| severity.get()).collect();
        Err(UnknownSuite::Severities { suite: suite.name, own, severities })
    }

    /// A benchmark of corrupted videos at those of some severities that it has: accuracy is its mPC where they are all of its own.
    fn benchmark(benchmark: &Benchmark, severities: &[Severity]) -> Self {
        let corruptions: Vec<Corruption> = benchmark.corruptions().collect();
        let levels = benchmark.levels();
        let own: Vec<Severity> =
            severities.iter().copied().filter(|level| levels.contains(&level.to_string())).collect();
        Self::of(benchmark.name, benchmark.summary, &corruptions, &own)
    }

    /// Benchmarks of corrupted videos whose names no other suite has.
    fn benchmarks() -> Vec<Benchmark> {
        let own = Self::own_names();
        let is_new = |benchmark: &Benchmark| benchmark.corruptions().next().is_some() && !own.contains(&benchmark.name);
        Benchmark::all().into_iter().filter(is_new).collect()
    }

    /// The names of all suites.
    pub fn names() -> Vec<&'static str> {
        let benchmarks = Self::benchmarks();
        Self::own_names().into_iter().chain(benchmarks.iter().map(|benchmark| benchmark.name)).collect()
    }

    fn own_names() -> Vec<&'static str> {
        let families = Family::ALL.into_iter().map(Family::name);
        [CLEAN, TIME_SHIFTED].into_iter().chain(families).chain(Corruption::ALL.map(Corruption::name)).collect()
    }

    /// What is reported where nothing else is asked for: clean, time-shifted, noise and blur.
    pub fn standard(severities: &[Severity]) -> Vec<Self> {
        vec![
            Self::clean(),
            Self::time_shifted(severities),
            Self::family(Family::Noise, severities),
            Self::family(Family::Blur, severities),
        ]
    }

    fn of(name: &str, description: &str, corruptions: &[Corruption], severities: &[Severity]) -> Self {
        let mut levels = severities.to_vec();
        levels.sort_unstable();
        levels.dedup();
        let at_each = |corruption: &Corruption| {
            let corruption = *corruption;
            levels.iter().map(move |&severity| Version::Corrupted(corruption, severity))
        };
        let named = levels.iter().map(|severity| severity.to_string()).collect::<Vec<_>>().join(", ");
        Self {
            name: name.into(),
            description: format!("{description}; severity {named} of 5"),
            versions: corruptions.iter().flat_map(at_each).collect(),
        }
    }

    /// The answers to the versions of this suite, in their order, put together: a sample is one video in one version.
    ///
    /// # Errors
    /// If answers of different networks are put together, or none.
    pub fn joined(&self, answers: impl IntoIterator<Item = Predictions>) -> Result<Predictions, EvaluationError> {
        Ok(Predictions::joined(self.versions.iter().map(Version::to_string).zip(answers))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_is_found_by_its_name() {
        for name in Suite::names() {
            assert_eq!(Suite::named(name, &Severity::ALL).unwrap().name, name);
        }
        let error = Suite::named("nois", &Severity::ALL).unwrap_err().to_string();
        assert!(error.contains("clean, time-shifted, noise") && error.ends_with("got \"nois\""), "{error}");
    }

    #[test]
    fn the_suite_of_a_family_holds_nothing_of_another() {
        for family in Family::ALL {
            let suite = Suite::family(family, &Severity::ALL);
            let of_family = |version: &Version| matches!(version, Version::Corrupted(c, _) if c.family() == family);
            assert!(!suite.versions.is_empty() && suite.versions.iter().all(of_family), "{}", family.name());
        }
        assert_eq!(Suite::family(Family::Noise, &Severity::ALL).versions.len(), 20);
        assert_eq!(Suite::family(Family::Blur, &Severity::ALL).versions.len(), 20);
    }

    #[test]
    fn the_suite_of_a_benchmark_asks_all_its_rows_at_the_severities_it_has() {
        let severities = [3, 5].map(|number| Severity::new(number).unwrap());
        for benchmark in Suite::benchmarks() {
            let suite = Suite::named(benchmark.name, &severities).unwrap();
            let levels = severities.into_iter().filter(|level| benchmark.levels().contains(&level.to_string())).count();
            assert_eq!(suite.versions.len(), benchmark.rows.len() * levels, "{}", benchmark.name);
        }
        assert!(Suite::named("thumos14-c", &severities).unwrap().description.ends_with("; severity 3 of 5"));
        let names = Suite::names();
        assert!(names.contains(&"mini-ssv2-c") && !names.contains(&"frames"), "{names:?}");
        assert_eq!(names.iter().filter(|name| **name == "temporal").count(), 1);
    }

    #[test]
    fn a_suite_that_has_none_of_the_severities_says_which_it_has() {
        let severities = [2, 4].map(|number| Severity::new(number).unwrap());
        let refused = |name, severities: &[Severity]| Suite::named(name, severities).unwrap_err().to_string();
        assert_eq!(refused("vitta", &severities), "severities of suite vitta must hold one of 5, got [2, 4]");
        assert_eq!(refused("noise", &[]), "severities of suite noise must hold one of 1, 2, 3, 4, 5, got []");
        assert_eq!(Suite::named("clean", &[]), Ok(Suite::clean()));
    }

    #[test]
    fn a_severity_that_is_asked_for_twice_is_evaluated_once() {
        let severity = |number| Severity::new(number).unwrap();
        let twice = Suite::corruption(Corruption::Jumble, &[severity(3), severity(1), severity(3)]);
        assert_eq!(twice, Suite::corruption(Corruption::Jumble, &[severity(1), severity(3)]));
        assert_eq!(twice.versions.len(), 2);
    }
}
