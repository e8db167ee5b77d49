use super::Part;

/// The prefixes that published code gives trunk, neck and classifier. What follows them is the same everywhere here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home {
    trunk: &'static str,
    classifier: &'static str,
    neck: Option<&'static str>,
}

impl Home {
    /// The TSN repository's, and with it those that build on it.
    pub const TSN: Self = Self { trunk: "base_model.", classifier: "new_fc.", neck: None };
    /// The TPN repository's.
    pub const TPN: Self = Self { trunk: "backbone.", classifier: "cls_head.fc_cls.", neck: Some("necks.") };

    /// The published name of a part; none for a neck where the code has none.
    pub fn name(self, part: &Part) -> Option<String> {
        let (prefix, rest) = match part {
            Part::Trunk(name) => (self.trunk, name),
            Part::Classifier(leaf) => (self.classifier, leaf),
            Part::Neck(name) => (self.neck?, name),
        };
        Some(format!("{prefix}{rest}"))
    }

    /// The part that a published name names.
    pub fn part(self, name: &str) -> Option<Part> {
        let rest = |prefix: &str| name.strip_prefix(prefix).map(str::to_owned);
        let neck = || self.neck.and_then(rest).map(Part::Neck);
        rest(self.trunk).map(Part::Trunk).or_else(|| rest(self.classifier).map(Part::Classifier)).or_else(neck)
    }
}
