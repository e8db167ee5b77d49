use serde::{Deserialize, Serialize};

use crate::metrics::groups::Weighted;
use crate::metrics::{Error, Groups, Result, Share};

/// What networks answer to clips that were crafted on each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransferMatrix {
    /// How sizes are measured: `linf` or `l2`, in pixel units of [0, 1].
    pub norm: String,
    /// The size of the perturbations.
    pub epsilon: f64,
    /// How many clips were crafted on each network.
    pub clips: usize,
    /// The networks, in the order of the rows and of their cells.
    pub networks: Vec<String>,
    /// Accuracy of each network on the clips as they are.
    pub natural: Vec<Share>,
    /// What was crafted on each network.
    pub rows: Vec<TransferRow>,
}

/// The clips that were crafted on one network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransferRow {
    /// The network.
    pub crafted_on: String,
    /// Accuracy of each network on them; the network's own is that of an attack that knows it.
    pub accuracy: Vec<Share>,
}

impl TransferMatrix {
    /// The shares behind single answers: `natural[network][clip]` and `crafted[crafted on][network][clip]` say whether an answer
    /// is right, `groups` is the group of every clip.
    ///
    /// # Errors
    /// If there is no clip or network, or lengths differ.
    pub fn new(
        norm: impl Into<String>,
        epsilon: f64,
        networks: Vec<String>,
        groups: &[String],
        natural: &[Vec<bool>],
        crafted: &[Vec<Vec<bool>>],
    ) -> Result<Self> {
        let (count, clips) = (networks.len(), groups.len());
        let fits = |rows: &[Vec<bool>]| rows.len() == count && rows.iter().all(|row| row.len() == clips);
        if count == 0 || clips == 0 || crafted.len() != count || !fits(natural) || !crafted.iter().all(|row| fits(row))
        {
            let expected = format!("an answer of each of {count} networks to each of {clips} clips of each");
            return Err(Error::predictions(expected, "other numbers of them, or none"));
        }
        let groups = Groups::new(groups.iter().map(String::as_str));
        let share = |right: &Vec<bool>| {
            Share::of(&groups.sums(right.iter().map(|&right| Some(Weighted::once(f64::from(u8::from(right)))))))
        };
        let row = |(crafted_on, row): (&String, &Vec<Vec<bool>>)| TransferRow {
            crafted_on: crafted_on.clone(),
            accuracy: row.iter().map(share).collect(),
        };
        Ok(Self {
            norm: norm.into(),
            epsilon,
            clips,
            natural: natural.iter().map(share).collect(),
            rows: networks.iter().zip(crafted).map(row).collect(),
            networks,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn a_row_is_what_was_crafted_on_a_network_and_a_cell_what_another_answers() {
        let natural = [vec![true, true], vec![true, false]];
        let crafted = [vec![vec![false, false], vec![true, false]], vec![vec![true, false], vec![false, false]]];
        let groups = names(&["g", "h"]);
        let matrix = TransferMatrix::new("l2", 0.5, names(&["a", "b"]), &groups, &natural, &crafted).unwrap();
        let values = |shares: &[Share]| shares.iter().map(|share| share.value).collect::<Vec<_>>();
        assert_eq!(values(&matrix.natural), [1.0, 0.5]);
        assert_eq!(matrix.rows[0].crafted_on, "a");
        assert_eq!(
            (values(&matrix.rows[0].accuracy), values(&matrix.rows[1].accuracy)),
            (vec![0.0, 0.5], vec![0.5, 0.0])
        );
        assert!(TransferMatrix::new("l2", 0.5, names(&["a"]), &groups, &natural, &crafted).is_err());
        assert!(TransferMatrix::new("l2", 0.5, vec![], &groups, &[], &[]).is_err());
    }
}
