use super::FrameNames;
use super::classes::class_fault;
use crate::cache::CacheOrigin;
use crate::transform::LabelSwap;

/// What a manifest says of all its videos before it names the first one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Heading {
    /// The names of the classes, in the order of their label ids.
    pub classes: Vec<String>,
    /// Which labels these are, such as `diving48-v2`.
    pub label_set: Option<String>,
    /// Classes that a left-right mirror exchanges, where their names do not tell.
    pub mirror_pairs: Vec<[String; 2]>,
    /// How pictures are named, if the videos are folders of pictures.
    pub frame_names: Option<FrameNames>,
    /// What the pictures were cached from, if they were.
    pub cache: Option<CacheOrigin>,
}

impl Heading {
    /// What is wrong with it, as (expected, found).
    pub(super) fn fault(&self) -> Option<(String, String)> {
        if let Some((expected, found)) = class_fault(&self.classes) {
            return Some((expected.into(), found));
        }
        if let Some(error) = self.frame_names.as_ref().and_then(|names| names.check().err()) {
            return Some(("a template of the pictures' names that can be read".into(), error.to_string()));
        }
        match &self.label_set {
            Some(name) if name.trim().is_empty() => Some(("the name of a label set".into(), format!("{name:?}"))),
            _ => self.pair_fault(),
        }
    }

    fn pair_fault(&self) -> Option<(String, String)> {
        let unknown = self.mirror_pairs.iter().flatten().find(|name| !self.classes.contains(name));
        if let Some(name) = unknown {
            return Some(("mirror pairs of the classes".into(), format!("{name:?}")));
        }
        let fault = LabelSwap::from_names(&self.mirror_pairs, &self.classes).err()?;
        Some(("at most one partner in the mirror for every class".into(), fault.to_string()))
    }

    /// The same of other classes: pairs of which one is not among them are no pairs any more.
    pub(super) fn of_classes(&self, classes: Vec<String>) -> Self {
        let mut kept = self.clone();
        kept.mirror_pairs.retain(|pair| pair.iter().all(|name| classes.contains(name)));
        Self { classes, ..kept }
    }
}
