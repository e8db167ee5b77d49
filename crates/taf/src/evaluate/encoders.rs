use std::collections::{BTreeMap, BTreeSet};

use taf_video::corrupt::has_encoder;

use super::Version;

/// Versions of videos that this FFmpeg cannot make.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an FFmpeg with {}, found one without", said(.0))]
pub struct MissingEncoders(BTreeMap<&'static str, BTreeSet<&'static str>>);

fn said(missing: &BTreeMap<&str, BTreeSet<&str>>) -> String {
    let of_one = |(encoder, corruptions): (&&str, &BTreeSet<&str>)| {
        let corruptions: Vec<&str> = corruptions.iter().copied().collect();
        format!("{encoder}, for {}", corruptions.join(", "))
    };
    missing.iter().map(of_one).collect::<Vec<_>>().join("; ")
}

impl Version {
    /// Refuses versions whose streams need an encoder that this FFmpeg does not have.
    ///
    /// # Errors
    /// Names every such encoder with the corruptions that need it.
    pub fn check_encoders(versions: impl IntoIterator<Item = Self>) -> Result<(), MissingEncoders> {
        check(versions, has_encoder)
    }
}

fn check(versions: impl IntoIterator<Item = Version>, has: impl Fn(&str) -> bool) -> Result<(), MissingEncoders> {
    let mut missing: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for version in versions {
        let Version::Corrupted(corruption, _) = version else { continue };
        for encoder in corruption.encoders().into_iter().filter(|encoder| !has(encoder)) {
            missing.entry(encoder).or_default().insert(corruption.name());
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(MissingEncoders(missing)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Benchmark;

    fn versions(benchmark: &str) -> impl Iterator<Item = Version> {
        let benchmark = Benchmark::named(benchmark, &[]).unwrap();
        benchmark.conditions().map(|condition| condition.version()).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn a_missing_encoder_is_named_with_all_that_need_it() {
        let error = check(versions("mini-ssv2-c"), |encoder| encoder != "libx265").unwrap_err().to_string();
        let expected = "expected an FFmpeg with libx265, for frame_rate_ssv2c, h265_crf, found";
        assert!(error.starts_with(expected), "{error}");
        let none = check(versions("vitta"), |_| false).unwrap_err().to_string();
        assert!(none.contains("libx264, for") && none.contains("; libx265"), "{none}");
        assert_eq!(check(versions("imagenet-c"), |_| false), Ok(()));
        assert_eq!(Version::check_encoders(versions("mini-ssv2-c")), Ok(()));
    }
}
