use anyhow::Result;
use taf::evaluate::{Attack, TrialKey, Underway};

use super::attacked::Attacked;
use super::attended::{Attended, Attention};
use super::group::Group;

/// The trials of the networks of a group.
pub struct GroupTrials<'a> {
    pub group: &'a Group<'a>,
    key: TrialKey,
    pub attacked: Option<Attacked<'a>>,
    pub attended: Option<Attended<'a>>,
}

impl<'a> GroupTrials<'a> {
    /// Those that are asked for.
    pub fn new(group: &'a Group, attack: Option<&'a Attack>, attention: Option<&'a Attention>) -> Result<Self> {
        Ok(Self {
            group,
            key: group.key(),
            attacked: attack.map(|attack| Attacked::new(group, attack)).transpose()?,
            attended: attention.map(|attention| Attended::new(group, attention)).transpose()?,
        })
    }

    /// All of them, each with its file.
    pub fn underway(&mut self) -> Vec<Underway<'_>> {
        let Self { group, key, attacked, attended } = self;
        let attacks = attacked.iter_mut().flat_map(|attacked| attacked.underway(group, key));
        attacks.chain(attended.iter_mut().flat_map(|attended| attended.underway(group, key))).collect()
    }

    /// How many there are.
    pub fn count(&mut self) -> usize {
        self.underway().len()
    }
}
