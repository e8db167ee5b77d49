//! MobileNetV2 in torchvision and in the TSM repository: the same network, its blocks' layers counted differently.
//!
//! TSM's blocks are flat: convolution, norm, ReLU6, again, convolution, norm at `conv.0` to `conv.7`. torchvision groups
//! convolution, norm and ReLU6: `conv.0.0`, `conv.0.1`, ... and leaves the last two alone. The first block has no expansion.

/// The block without expansion.
const FIRST: &str = "1";

/// torchvision's key as TSM's.
pub(super) fn from_torchvision(key: &str) -> Option<String> {
    let parts: Vec<&str> = key.split('.').collect();
    let number = |text: &str| text.parse::<usize>().ok();
    match parts.as_slice() {
        ["features", block, "conv", group, layer, leaf] => {
            Some(format!("features.{block}.conv.{}.{leaf}", 3 * number(group)? + number(layer)?))
        }
        ["features", block, "conv", layer, leaf] => {
            let groups = if *block == FIRST { 1 } else { 2 };
            Some(format!("features.{block}.conv.{}.{leaf}", number(layer)? + 2 * groups))
        }
        ["features", "0" | "18", _, _] => Some(key.to_owned()),
        _ => None,
    }
}

/// TSM's name as torchvision's key.
pub(super) fn to_torchvision(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('.').collect();
    match parts.as_slice() {
        ["features", block, "conv", layer, leaf] => {
            let (groups, layer) = (if *block == FIRST { 1 } else { 2 }, layer.parse::<usize>().ok()?);
            let place = if layer < 3 * groups {
                format!("{}.{}", layer / 3, layer % 3)
            } else {
                (layer - 2 * groups).to_string()
            };
            Some(format!("features.{block}.conv.{place}.{leaf}"))
        }
        ["features", "0" | "18", _, _] => Some(name.to_owned()),
        _ => None,
    }
}
