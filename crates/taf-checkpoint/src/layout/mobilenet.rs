//! MobileNetV2 in torchvision and in the TSM repository: the same network, its blocks' layers counted differently.
//!
//! torchvision groups convolution, norm and ReLU6: `conv.0.0`, `conv.0.1`, ... and leaves the last convolution and norm
//! alone. TSM's blocks are flat, `conv.0` to `conv.7`. The first block has no expansion, and so one group less.

const FIRST: &str = "1";

/// torchvision's name as TSM's.
pub(super) fn flat(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('.').collect();
    let number = |text: &str| text.parse::<usize>().ok();
    match parts.as_slice() {
        ["features", block, "conv", group, layer, leaf] => {
            Some(format!("features.{block}.conv.{}.{leaf}", 3 * number(group)? + number(layer)?))
        }
        ["features", block, "conv", layer, leaf] => {
            Some(format!("features.{block}.conv.{}.{leaf}", number(layer)? + 2 * groups(block)))
        }
        ["features", _, _, _] => Some(name.to_owned()),
        _ => None,
    }
}

/// TSM's name as torchvision's.
pub(super) fn nested(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('.').collect();
    match parts.as_slice() {
        ["features", block, "conv", layer, leaf] => {
            let (groups, layer) = (groups(block), layer.parse::<usize>().ok()?);
            let grouped = layer < 3 * groups;
            let place = if grouped {
                format!("{}.{}", layer / 3, layer % 3)
            } else {
                layer.checked_sub(2 * groups)?.to_string()
            };
            Some(format!("features.{block}.conv.{place}.{leaf}"))
        }
        ["features", _, _, _] => Some(name.to_owned()),
        _ => None,
    }
}

/// Groups of convolution, norm and ReLU6 in a block.
fn groups(block: &str) -> usize {
    if block == FIRST { 1 } else { 2 }
}
