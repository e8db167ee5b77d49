use serde::{Deserialize, Serialize};

use super::rank::summary_of_ranks;
use super::{ClipAttention, rank_correlation};
use crate::metrics::{Result, Summary, effective_frames, total_variation};

/// How far attention to the same clips moved from one network to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttentionMove {
    /// How many clips were looked at.
    pub clips: usize,
    /// How many groups they fall into.
    pub groups: usize,
    /// The attention that lies on other frames: total variation, from 0 to 1.
    pub moved: Summary,
    /// Spearman's rank correlation of the frames, over the clips that have one; none where no clip has.
    pub rank_correlation: Option<Summary>,
    /// How many frames the attention of the first network is worth.
    pub effective_frames_before: Summary,
    /// How many that of the second is worth.
    pub effective_frames_after: Summary,
    /// How many more, clip by clip.
    pub effective_frames_gained: Summary,
    /// The clips, the one whose attention moved most first; of equals in their order.
    pub most_moved: Vec<MovedClip>,
}

/// How far attention to one clip moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MovedClip {
    /// The id of its video.
    pub id: String,
    /// Its place among the clips that were compared.
    pub place: usize,
    /// Total variation between the two.
    pub moved: f64,
    /// Attention of the first network.
    pub before: Vec<f32>,
    /// Attention of the second.
    pub after: Vec<f32>,
}

impl AttentionMove {
    /// Compares the attention of two networks to the same clips.
    ///
    /// # Errors
    /// If there is no clip, the clips differ, or a row is no distribution.
    pub fn new(before: &[ClipAttention], after: &[ClipAttention]) -> Result<Self> {
        ClipAttention::check_paired(before, after)?;
        let groups = ClipAttention::groups(before);
        let summary = |values: Vec<f64>| Summary::of(&values, &groups).expect("the lists were seen to hold a clip");
        let rows = || before.iter().zip(after).map(|(a, b)| (a.attention.as_slice(), b.attention.as_slice()));
        let ranks: Vec<Option<f64>> = rows().map(|(a, b)| rank_correlation(a, b)).collect();
        Ok(Self {
            clips: before.len(),
            groups: groups.count(),
            moved: summary(rows().map(|(a, b)| total_variation(a, b)).collect()),
            rank_correlation: summary_of_ranks(&ranks, &groups),
            effective_frames_before: summary(rows().map(|(a, _)| effective_frames(a)).collect()),
            effective_frames_after: summary(rows().map(|(_, b)| effective_frames(b)).collect()),
            effective_frames_gained: summary(rows().map(|(a, b)| effective_frames(b) - effective_frames(a)).collect()),
            most_moved: most_moved(before, after),
        })
    }
}

fn most_moved(before: &[ClipAttention], after: &[ClipAttention]) -> Vec<MovedClip> {
    let clip = |(place, (a, b)): (usize, (&ClipAttention, &ClipAttention))| MovedClip {
        id: a.id.clone(),
        place,
        moved: total_variation(&a.attention, &b.attention),
        before: a.attention.clone(),
        after: b.attention.clone(),
    };
    let mut clips: Vec<MovedClip> = before.iter().zip(after).enumerate().map(clip).collect();
    clips.sort_by(|a, b| b.moved.total_cmp(&a.moved));
    clips
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clips(rows: &[[f32; 2]]) -> Vec<ClipAttention> {
        let clip = |(place, row): (usize, &[f32; 2])| ClipAttention {
            id: place.to_string(),
            group: place.to_string(),
            attention: row.to_vec(),
        };
        rows.iter().enumerate().map(clip).collect()
    }

    #[test]
    fn the_clip_whose_attention_moved_most_comes_first() {
        let before = clips(&[[0.5, 0.5], [1.0, 0.0], [0.25, 0.75]]);
        let after = clips(&[[0.75, 0.25], [0.0, 1.0], [0.25, 0.75]]);
        let moved = AttentionMove::new(&before, &after).unwrap();
        assert_eq!(moved.most_moved.iter().map(|clip| clip.place).collect::<Vec<_>>(), [1, 0, 2]);
        assert_eq!(moved.most_moved[0].moved, 1.0);
        assert!((moved.moved.mean - 1.25 / 3.0).abs() < 1e-12);
        let ranks = moved.rank_correlation.unwrap();
        assert_eq!((ranks.min, ranks.max), (-1.0, 1.0));
        // One frame before and after, two before, and the same twice.
        let lost = effective_frames(&[0.75, 0.25]) - 2.0;
        assert!((moved.effective_frames_gained.mean - lost / 3.0).abs() < 1e-12);
    }

    #[test]
    fn attention_to_other_clips_is_not_compared() {
        let mut other = clips(&[[0.5, 0.5]]);
        other[0].id = "another".into();
        assert!(AttentionMove::new(&clips(&[[0.5, 0.5]]), &other).unwrap_err().to_string().contains("another"));
        assert!(AttentionMove::new(&[], &[]).is_err());
    }
}
