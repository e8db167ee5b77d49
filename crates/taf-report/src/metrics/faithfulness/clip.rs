use serde::{Deserialize, Serialize};

use crate::metrics::{Error, Groups, Result};

/// How far a row's sum may lie from 1.
const SUM_TOLERANCE: f64 = 1e-3;

/// The temporal attention of a network to one clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClipAttention {
    /// The id of its video.
    pub id: String,
    /// The group its video belongs to; a video without one is its own.
    pub group: String,
    /// Per step in time, not negative, summing to 1.
    pub attention: Vec<f32>,
}

impl ClipAttention {
    /// The groups of clips.
    pub(super) fn groups(clips: &[Self]) -> Groups {
        Groups::new(clips.iter().map(|clip| clip.group.as_str()))
    }

    /// Refuses two lists that are not of the same clips in the same order, at least one, or hold rows that are none.
    pub(super) fn check_paired(first: &[Self], second: &[Self]) -> Result<()> {
        if first.is_empty() || first.len() != second.len() {
            return Err(Error::NotPaired(format!("attention to {} clips against {}", first.len(), second.len())));
        }
        if let Some((a, b)) = first.iter().zip(second).find(|(a, b)| (&a.id, &a.group) != (&b.id, &b.group)) {
            return Err(Error::NotPaired(format!("a clip is of {:?} for one and of {:?} for the other", a.id, b.id)));
        }
        for (clip, row) in [first, second].into_iter().flat_map(|list| list.iter().enumerate()) {
            row.check(clip)?;
        }
        Ok(())
    }

    fn check(&self, clip: usize) -> Result<()> {
        let sum: f64 = self.attention.iter().map(|&share| f64::from(share)).sum();
        if self.attention.iter().all(|share| (0.0..=1.0 + 1e-4).contains(share)) && (sum - 1.0).abs() <= SUM_TOLERANCE {
            return Ok(());
        }
        let (expected, found) = ("shares in [0, 1] that sum to 1".into(), format!("{:?}", self.attention));
        Err(Error::Attention { clip, expected, found })
    }
}
