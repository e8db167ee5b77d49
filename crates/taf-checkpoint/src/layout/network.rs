/// What a layout must know of a network beyond its weights' names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// A temporal shift goes in front of the first convolution of every so many residual blocks; none without shifts.
    pub shift_every: Option<usize>,
    /// The blocks have TAM's temporal module.
    pub adaptive: bool,
    /// The blocks have GST's two groups of channels.
    pub grouped: bool,
    /// The trunk carries TPN's neck.
    pub pyramid: bool,
    /// The trunk is MobileNetV2.
    pub mobile: bool,
}

/// MobileNetV2's blocks with a shortcut: those that repeat the width of the one before.
const SHORTCUTS: [usize; 10] = [3, 5, 6, 8, 9, 10, 12, 13, 15, 16];

impl Network {
    /// The network whose weights have these published names.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>, shift_every: Option<usize>) -> Self {
        let empty = Self { shift_every, ..Self::default() };
        names.into_iter().fold(empty, |network, name| Self {
            adaptive: network.adaptive || name.contains(".tam."),
            grouped: network.grouped || name.contains(".Tconv."),
            pyramid: network.pyramid || name.starts_with("necks."),
            mobile: network.mobile || name.starts_with("base_model.features."),
            ..network
        })
    }

    /// Whether a shift goes in front of this weight of the trunk.
    pub fn shifts(&self, trunk_name: &str) -> bool {
        let Some(every) = self.shift_every else { return false };
        let parts: Vec<&str> = trunk_name.split('.').collect();
        let number = |text: &str| text.parse::<usize>().ok();
        match parts.as_slice() {
            [stage, block, "conv1", "weight"] if stage.starts_with("layer") => {
                number(block).is_some_and(|block| block % every.max(1) == 0)
            }
            // TSM shifts where a block has a shortcut to fall back on.
            ["features", block, "conv", "0", "0", "weight"] => {
                number(block).is_some_and(|block| SHORTCUTS.contains(&block))
            }
            _ => false,
        }
    }
}
