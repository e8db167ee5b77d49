//! How repositories name the weights of video models.
//!
//! A [`Layout`] takes keys apart into [`Part`]s (trunk, classifier, neck; named as torchvision and the TPN repository do)
//! and makes keys of them again, so that any layout translates into any other. What a layout must know of a network are
//! its weights, which come as data: a [`Network`]. No layout transposes anything: PyTorch's weights are
//! `[out, in / groups, kernel...]`.

mod home;
mod mmaction2;
mod mobilenet;
mod network;
mod repositories;

use std::fmt;
use std::str::FromStr;

pub use home::Home;
pub use network::{Network, Weight};
pub(crate) use repositories::is_of_images;

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
    /// Phoenix1327/tea-action-recognition.
    Tea,
    /// decisionforce/TPN.
    Tpn,
    /// open-mmlab/mmaction2: TSN, TSM, TANet and TPN.
    Mmaction2,
}

/// A weight by what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Of the trunk, as torchvision names it, with `.tam.`, `Tconv`, `.me.` and the like as their repositories do: `layer1.0.conv1.weight`.
    Trunk(String),
    /// Of the classifier: `weight` or `bias`.
    Classifier(String),
    /// Of TPN's neck, as its repository names it.
    Neck(String),
}

impl Part {
    /// The name in the trunk, if it is of the trunk.
    pub fn trunk(&self) -> Option<&str> {
        match self {
            Self::Trunk(name) => Some(name),
            _ => None,
        }
    }
}

/// What a key of a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The weight it names.
    pub part: Part,
    /// Whether it says that a temporal shift goes in front of this convolution; none where it does not tell.
    pub shifted: Option<bool>,
}

impl From<Part> for Key {
    fn from(part: Part) -> Self {
        Self { part, shifted: None }
    }
}

/// What the keys of a repository's own temporal module have in them, where it is not of another.
const MODULES: [(&str, Layout); 3] = [(".tam.", Layout::Tam), (".Tconv.", Layout::Gst), (".me.", Layout::Tea)];

impl Layout {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Torchvision, Self::Tsm, Self::Tam, Self::Gst, Self::Tea, Self::Tpn, Self::Mmaction2];

    /// Which layout a file with these keys has; none where no layout has such keys.
    pub fn detect<'a>(keys: impl Iterator<Item = &'a str> + Clone) -> Option<Self> {
        let any = |test: &dyn Fn(&str) -> bool| keys.clone().any(test);
        let any_begins = |start: &str| any(&|key| key.starts_with(start));
        if any_begins("backbone.conv1.conv.") {
            Some(Self::Mmaction2)
        } else if any_begins("backbone.conv1.weight") {
            Some(Self::Tpn)
        } else if any_begins("base_model.") {
            Some(Self::of_module(|module| any(&|key| key.contains(module))).unwrap_or(Self::Tsm))
        } else if any_begins("layer1.0.conv1.") || any_begins("features.0.0.") {
            Some(Self::Torchvision)
        } else {
            None
        }
    }

    /// The repository whose own module blocks have; none without such a module.
    fn of_module(has: impl Fn(&str) -> bool) -> Option<Self> {
        MODULES.into_iter().find(|(module, _)| has(module)).map(|(_, layout)| layout)
    }

    /// Whether the repository has such a network at all. TPN is two networks of the same weights: in its own repository the
    /// shortcuts that project see the shifted input, in mmaction2 they do not.
    pub fn holds(self, network: &Network) -> bool {
        let module = Self::of_module(|module| network.any_in_trunk(|name| name.contains(module)));
        match self {
            Self::Torchvision | Self::Tsm => module.is_none() && !network.has_pyramid(),
            Self::Tam | Self::Gst | Self::Tea => module == Some(self),
            Self::Tpn => network.has_pyramid() && network.shifts_shortcuts(),
            Self::Mmaction2 => {
                let known = module.is_none_or(|layout| layout == Self::Tam);
                known && !network.is_mobile() && !network.shifts_shortcuts()
            }
        }
    }

    /// The layout of the repository that the network was published in.
    pub fn own(network: &Network) -> Self {
        let own = [Self::Tsm, Self::Tam, Self::Gst, Self::Tea, Self::Tpn];
        own.into_iter().find(|layout| layout.holds(network)).unwrap_or(Self::Mmaction2)
    }

    /// What a key says; none for keys that are not of this layout.
    pub fn read(self, key: &str) -> Option<Key> {
        match self {
            Self::Torchvision => repositories::torchvision_part(key).map(Key::from),
            Self::Tsm => repositories::read_tsm(key),
            Self::Tam => repositories::tam_part(key).map(Key::from),
            Self::Gst | Self::Tea => Home::TSN.part(key).map(Key::from),
            Self::Tpn => Home::TPN.part(key).map(Key::from),
            Self::Mmaction2 => mmaction2::read(key),
        }
    }

    /// The key of a part of a network this layout [holds](Self::holds); none where it has no such part. `network` says which layers are wrapped.
    pub fn key(self, part: &Part, network: &Network) -> Option<String> {
        match self {
            Self::Torchvision => repositories::torchvision_key(part, network),
            Self::Tsm => repositories::tsm_key(part, network),
            Self::Tam => repositories::tam_key(part),
            Self::Gst | Self::Tea => Home::TSN.name(part),
            Self::Tpn => Home::TPN.name(part),
            Self::Mmaction2 => mmaction2::key(part, network),
        }
    }

    /// The names of all of them, in words.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// As the command line and messages write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Torchvision => "torchvision",
            Self::Tsm => "tsm",
            Self::Tam => "tam",
            Self::Gst => "gst",
            Self::Tea => "tea",
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
        let known = Self::ALL.into_iter().find(|layout| layout.name() == text);
        known.ok_or_else(|| format!("expected one of {}", Self::names()))
    }
}

#[cfg(test)]
mod tests;
