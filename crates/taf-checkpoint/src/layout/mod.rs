//! How repositories name the weights of video models.
//!
//! A [`Layout`] takes keys apart into [`Part`]s (trunk, classifier, neck; named as torchvision and the TPN repository do)
//! and makes keys of them again. [`Published`] does the same for the names this project works with, so that any layout
//! translates into any other. No layout transposes anything: PyTorch's weights are `[out, in / groups, kernel...]`.

mod mmaction2;
mod mobilenet;
mod network;
mod repositories;

use std::fmt;
use std::str::FromStr;

pub use network::Network;

/// Which repository named the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// torchvision's ResNet and MobileNetV2: images, the usual start of every video model.
    Torchvision,
    /// mit-han-lab/temporal-shift-module, also for TSN.
    Tsm,
    /// liu-zhy/temporal-adaptive-module.
    Tam,
    /// chenxuluo/GST-video.
    Gst,
    /// decisionforce/TPN.
    Tpn,
    /// open-mmlab/mmaction2: TSN, TSM, TANet and TPN.
    Mmaction2,
}

/// A weight by what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Of the trunk, as torchvision names it, with `.tam.` and `Tconv` as their repositories do.
    Trunk {
        /// For example `layer1.0.conv1.weight`.
        name: String,
        /// Whether the layout says that a temporal shift goes in front of this convolution; none where it does not tell.
        shifted: Option<bool>,
    },
    /// Of the classifier: `weight` or `bias`.
    Classifier(String),
    /// Of TPN's neck, as its repository names it.
    Neck(String),
}

impl Part {
    pub(crate) fn trunk(name: impl Into<String>) -> Self {
        Self::Trunk { name: name.into(), shifted: None }
    }
}

impl Layout {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Torchvision, Self::Tsm, Self::Tam, Self::Gst, Self::Tpn, Self::Mmaction2];

    /// Which layout a file with these keys has; none where no layout has such keys.
    pub fn detect<'a>(keys: impl Iterator<Item = &'a str> + Clone) -> Option<Self> {
        let any = |test: &dyn Fn(&str) -> bool| keys.clone().any(test);
        let any_begins = |start: &str| any(&|key| key.starts_with(start));
        if any_begins("backbone.conv1.conv.") {
            Some(Self::Mmaction2)
        } else if any_begins("backbone.conv1.weight") {
            Some(Self::Tpn)
        } else if any_begins("base_model.") {
            let adaptive = any(&|key| key.contains(".tam."));
            let grouped = any(&|key| key.contains(".Tconv."));
            Some(if grouped {
                Self::Gst
            } else if adaptive {
                Self::Tam
            } else {
                Self::Tsm
            })
        } else if any_begins("layer1.0.conv1.") || any_begins("features.0.0.") {
            Some(Self::Torchvision)
        } else {
            None
        }
    }

    /// Whether the repository has such a network at all.
    pub fn holds(self, network: &Network) -> bool {
        let Network { adaptive, grouped, pyramid, mobile, .. } = *network;
        match self {
            Self::Torchvision | Self::Tsm => !adaptive && !grouped && !pyramid,
            Self::Tam => adaptive,
            Self::Gst => grouped,
            Self::Tpn => pyramid,
            Self::Mmaction2 => !grouped && !mobile,
        }
    }

    /// What a key names; none for keys that are not of this layout.
    pub fn part(self, key: &str) -> Option<Part> {
        match self {
            Self::Torchvision => repositories::torchvision_part(key),
            Self::Tsm => repositories::tsm_part(key),
            Self::Tam => repositories::tam_part(key),
            Self::Gst => Published::Recognizer.part(key),
            Self::Tpn => Published::Tpn.part(key),
            Self::Mmaction2 => mmaction2::part(key),
        }
    }

    /// The key of a part of a network this layout [holds](Self::holds); none where it has no such part. `network` says which layers are wrapped.
    pub fn key(self, part: &Part, network: &Network) -> Option<String> {
        match self {
            Self::Torchvision => repositories::torchvision_key(part, network),
            Self::Tsm => repositories::tsm_key(part, network),
            Self::Tam => repositories::tam_key(part),
            Self::Gst => Published::Recognizer.key(part),
            Self::Tpn => Published::Tpn.key(part),
            Self::Mmaction2 => mmaction2::key(part, network),
        }
    }

    /// As the command line and messages write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Torchvision => "torchvision",
            Self::Tsm => "tsm",
            Self::Tam => "tam",
            Self::Gst => "gst",
            Self::Tpn => "tpn",
            Self::Mmaction2 => "mmaction2",
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Layout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::ALL.into_iter().find(|layout| layout.name() == text).ok_or_else(|| format!("expected one of {}", names()))
    }
}

/// The names this project knows weights by: those of the published code for each family of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// TSN, TSM, GST and TAM: `base_model.` and `new_fc.`.
    Recognizer,
    /// TPN: `backbone.`, `necks.` and `cls_head.fc_cls.`.
    Tpn,
}

impl Published {
    /// Which of them names have; by their first.
    pub fn of(name: &str) -> Self {
        let tpn = ["backbone.", "necks.", "cls_head."].iter().any(|start| name.starts_with(start));
        if tpn { Self::Tpn } else { Self::Recognizer }
    }

    /// What a published name names.
    pub fn part(self, name: &str) -> Option<Part> {
        let (trunk, classifier) = self.prefixes();
        if let Some(name) = name.strip_prefix(trunk) {
            return Some(Part::trunk(name));
        }
        if let Some(leaf) = name.strip_prefix(classifier) {
            return Some(Part::Classifier(leaf.to_owned()));
        }
        let neck = name.strip_prefix("necks.").filter(|_| self == Self::Tpn);
        neck.map(|name| Part::Neck(name.to_owned()))
    }

    /// The published name of a part; none where this family has no such thing.
    pub fn key(self, part: &Part) -> Option<String> {
        let (trunk, classifier) = self.prefixes();
        match part {
            Part::Trunk { name, .. } => Some(format!("{trunk}{name}")),
            Part::Classifier(leaf) => Some(format!("{classifier}{leaf}")),
            Part::Neck(name) => (self == Self::Tpn).then(|| format!("necks.{name}")),
        }
    }

    /// Whether a published name belongs to a classifier, whose rows are classes: TPN trains a second one.
    pub fn is_classifier(name: &str) -> bool {
        ["new_fc.", "cls_head.fc_cls.", "necks.aux_head.fc."].iter().any(|start| name.starts_with(start))
    }

    fn prefixes(self) -> (&'static str, &'static str) {
        match self {
            Self::Recognizer => ("base_model.", "new_fc."),
            Self::Tpn => ("backbone.", "cls_head.fc_cls."),
        }
    }
}

#[cfg(test)]
mod tests;
