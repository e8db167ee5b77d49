use burn::tensor::Device;
use taf_video::corrupt::{Corruption, Family, Severity};

use super::{EvalError, Progress, predict};
use crate::data::Spoiled;
use crate::model::VideoModel;
use crate::recipe::Plan;
use taf_report::metrics::Predictions;

/// Spoiled versions of the validation videos that are reported as one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suite {
    /// Name in tables.
    pub name: String,
    /// One sentence: what is done to the videos.
    pub description: String,
    /// What is evaluated, `None` being the videos as they are; at least one.
    pub versions: Vec<Option<Spoiled>>,
}

/// What happens to a video whose beginning, end or transmission is not what training saw.
const TIME_SHIFTS: [Corruption; 5] = [
    Corruption::StartEarlier,
    Corruption::StartLater,
    Corruption::DroppedFrames,
    Corruption::FrozenFrames,
    Corruption::BlackFrames,
];

impl Suite {
    /// The videos as they are.
    pub fn clean() -> Self {
        Self { name: "clean".into(), description: "the validation clips as they are".into(), versions: vec![None] }
    }

    /// Started too early or too late, frames dropped, frozen or black.
    pub fn time_shifted(severities: &[Severity]) -> Self {
        let description = "clips that start too early or too late, or have dropped, frozen or black frames";
        Self::of("time-shifted", description, &TIME_SHIFTS, severities)
    }

    /// All corruptions of one family.
    pub fn family(family: Family, severities: &[Severity]) -> Self {
        let members: Vec<_> = Corruption::ALL.into_iter().filter(|corruption| corruption.family() == family).collect();
        let description = members.iter().map(|corruption| corruption.name()).collect::<Vec<_>>().join(", ");
        Self::of(family_name(family), &description, &members, severities)
    }

    /// One corruption at several severities.
    pub fn corruption(corruption: Corruption, severities: &[Severity]) -> Self {
        Self::of(corruption.name(), "one corruption", &[corruption], severities)
    }

    /// What the demonstration and `taf eval` show: clean, time-shifted, noise and blur.
    pub fn standard(severities: &[Severity]) -> Vec<Self> {
        vec![
            Self::clean(),
            Self::time_shifted(severities),
            Self::family(Family::Noise, severities),
            Self::family(Family::Blur, severities),
        ]
    }

    fn of(name: &str, description: &str, corruptions: &[Corruption], severities: &[Severity]) -> Self {
        let versions = corruptions
            .iter()
            .flat_map(|&corruption| severities.iter().map(move |&severity| Some((corruption, severity))));
        let levels = severities.iter().map(|severity| severity.to_string()).collect::<Vec<_>>().join(", ");
        Self {
            name: name.into(),
            description: format!("{description}; severity {levels} of 5"),
            versions: versions.collect(),
        }
    }
}

fn family_name(family: Family) -> &'static str {
    match family {
        Family::Noise => "noise",
        Family::Blur => "blur",
        Family::Digital => "digital",
        Family::Temporal => "temporal",
    }
}

/// Classifies every version of the validation videos. A sample is one video in one version; the versions of a video, and
/// the videos of a recorded group, belong to one group, so that intervals do not count them as independent.
///
/// # Errors
/// As [`predict`].
pub fn predict_suite<M: VideoModel>(
    model: &M,
    plan: &Plan,
    suite: &Suite,
    device: &Device,
    progress: Progress,
) -> Result<Predictions, EvalError> {
    let total = suite.versions.len() * plan.validation.records().len();
    let mut parts = Vec::with_capacity(suite.versions.len());
    for &version in &suite.versions {
        let before = parts.len() * plan.validation.records().len();
        let part = predict(model, plan, version, device, &mut |done, _| progress(before + done, total))?;
        let name = version.map_or("clean".to_owned(), |(corruption, severity)| format!("{corruption}:{severity}"));
        parts.push((name, part));
    }
    Ok(Predictions::joined(parts)?)
}
