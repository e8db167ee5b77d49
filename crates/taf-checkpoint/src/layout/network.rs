use std::collections::HashMap;

use super::Part;

/// A weight of a network in PyTorch's layout, as the network's own modules describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weight {
    /// The published name, for example `base_model.layer1.0.conv1.weight`.
    pub name: String,
    /// What it belongs to, by which layouts name it.
    pub part: Part,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Whether its rows are classes.
    pub classifier: bool,
    /// Whether a temporal shift goes in front of it.
    pub shifted: bool,
}

/// What layouts must know of a network: its weights.
#[derive(Clone, Debug)]
pub struct Network {
    weights: Vec<Weight>,
    places: HashMap<Part, usize>,
}

impl Network {
    /// The network of these weights.
    pub fn new(weights: Vec<Weight>) -> Self {
        let places = weights.iter().enumerate().map(|(place, weight)| (weight.part.clone(), place)).collect();
        Self { weights, places }
    }

    /// All its weights.
    pub fn weights(&self) -> &[Weight] {
        &self.weights
    }

    /// The weight that is this part.
    pub fn weight(&self, part: &Part) -> Option<&Weight> {
        self.places.get(part).map(|&place| &self.weights[place])
    }

    /// Whether a shift goes in front of this weight of the trunk.
    pub(super) fn shifts(&self, trunk_name: &str) -> bool {
        self.weight(&Part::Trunk(trunk_name.to_owned())).is_some_and(|weight| weight.shifted)
    }

    /// The blocks have TAM's temporal module.
    pub(super) fn is_adaptive(&self) -> bool {
        self.any_in_trunk(|name| name.contains(".tam."))
    }

    /// The trunk is MobileNetV2.
    pub(super) fn is_mobile(&self) -> bool {
        self.any_in_trunk(|name| name.starts_with("features."))
    }

    /// The trunk carries TPN's neck.
    pub(crate) fn has_pyramid(&self) -> bool {
        self.weights.iter().any(|weight| matches!(weight.part, Part::Neck(_)))
    }

    /// The shortcuts that project see the shifted input too.
    pub(crate) fn shifts_shortcuts(&self) -> bool {
        let shortcut =
            |weight: &Weight| weight.shifted && weight.part.trunk().is_some_and(|n| n.contains(".downsample."));
        self.weights.iter().any(shortcut)
    }

    /// Whether a name of the trunk is such a one.
    pub(super) fn any_in_trunk(&self, test: impl Fn(&str) -> bool) -> bool {
        self.weights.iter().filter_map(|weight| weight.part.trunk()).any(test)
    }
}
