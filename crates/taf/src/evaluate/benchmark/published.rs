/// A published result, in per cent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PublishedRow {
    /// The network.
    pub model: &'static str,
    /// What it was trained and tested on.
    pub data_set: PublishedSet,
    /// Top-1 on the videos as they are.
    pub clean: f64,
    /// Mean top-1 over corruptions and severities.
    pub mpc: f64,
    /// That as a share of the clean top-1.
    pub rpc: f64,
}

/// A data set of published results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedSet {
    /// Its name.
    pub name: &'static str,
    /// Which labels its videos have, as manifests say it.
    label_set: &'static str,
    /// How many classes.
    classes: usize,
}

impl PublishedSet {
    /// Whether videos with these labels are of the data set, as far as labels tell.
    pub fn is(&self, label_set: Option<&str>, classes: usize) -> bool {
        label_set == Some(self.label_set) && classes == self.classes
    }
}

const MINI_SSV2: PublishedSet = PublishedSet { name: "Mini-SSV2-C", label_set: "something-something-v2", classes: 87 };
const MINI_KINETICS: PublishedSet = PublishedSet { name: "Mini-Kinetics-C", label_set: "kinetics-400", classes: 200 };

const fn row(model: &'static str, data_set: PublishedSet, [clean, mpc, rpc]: [f64; 3]) -> PublishedRow {
    PublishedRow { model, data_set, clean, mpc, rpc }
}

/// The leaderboard of Yi et al., NeurIPS Datasets and Benchmarks 2021: clips of 32 frames, spread over the video.
pub const YI_2021_SSV2: &[PublishedRow] = &[
    row("TimeSformer", MINI_SSV2, [60.5, 49.7, 82.1]),
    row("I3D", MINI_SSV2, [58.5, 47.8, 81.7]),
    row("3D ResNet-50", MINI_SSV2, [57.4, 46.6, 81.2]),
    row("bLVNet-TAM", MINI_SSV2, [61.8, 45.7, 73.9]),
    row("3D ResNet-18", MINI_SSV2, [53.0, 42.6, 80.3]),
    row("X3D-M", MINI_SSV2, [49.9, 40.7, 81.6]),
    row("SlowFast", MINI_SSV2, [48.7, 38.4, 78.8]),
];

/// The same on the other of its data sets.
pub const YI_2021_KINETICS: &[PublishedRow] = &[
    row("TimeSformer", MINI_KINETICS, [82.2, 71.4, 86.9]),
    row("3D ResNet-50", MINI_KINETICS, [73.0, 59.2, 81.1]),
    row("I3D", MINI_KINETICS, [70.5, 57.7, 81.8]),
    row("SlowFast", MINI_KINETICS, [69.2, 54.3, 78.5]),
    row("bLVNet-TAM", MINI_KINETICS, [66.9, 50.8, 75.9]),
    row("X3D-M", MINI_KINETICS, [62.6, 48.6, 77.6]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_shares_are_those_of_the_published_accuracies() {
        for PublishedRow { model, clean, mpc, rpc, .. } in YI_2021_SSV2.iter().chain(YI_2021_KINETICS) {
            assert!((100.0 * mpc / clean - rpc).abs() < 0.15, "{model}: {}", 100.0 * mpc / clean);
        }
    }

    #[test]
    fn a_data_set_is_known_by_its_labels_and_their_number() {
        assert!(MINI_SSV2.is(Some("something-something-v2"), 87));
        assert!(!MINI_SSV2.is(Some("something-something-v2"), 174) && !MINI_SSV2.is(None, 87));
    }
}
