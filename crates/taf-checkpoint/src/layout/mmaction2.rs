//! mmaction2: every convolution and its norm are one `ConvModule`.

use super::{Key, Network, Part};

/// Pieces of TPN's neck by the names of mmaction2 and of the TPN repository. The first that fits is taken.
const NECK: [(&str, &str); 8] = [
    ("downsample_ops.", "downsampling_ops."),
    ("level_fusion_1.downsamples.", "level_fusion_op2.ops."),
    ("level_fusion_2.downsamples.", "level_fusion_op.ops."),
    ("level_fusion_1.", "level_fusion_op2."),
    ("level_fusion_2.", "level_fusion_op."),
    ("pyramid_fusion.", "pyramid_fusion_op."),
    ("aux_head.conv.", "aux_head.convs."),
    ("", ""),
];

pub(super) fn read(key: &str) -> Option<Key> {
    if let Some(leaf) = key.strip_prefix("cls_head.fc_cls.") {
        return Some(Part::Classifier(leaf.to_owned()).into());
    }
    if let Some(name) = key.strip_prefix("neck.") {
        return Some(Part::Neck(neck_name(name)?).into());
    }
    let name = key.strip_prefix("backbone.")?.replacen(".block.", ".", 1);
    let pieces: Vec<&str> = name.split('.').collect();
    let (name, shifted) = match pieces.as_slice() {
        [.., "tam", _, _, _] => return Some(Part::Trunk(name).into()),
        [block @ .., unit, "conv", "net", "weight"] => (format!("{}{unit}.weight", joined(block)), true),
        [block @ .., "downsample", "conv", leaf] => (format!("{}downsample.0.{leaf}", joined(block)), false),
        [block @ .., "downsample", "bn", leaf] => (format!("{}downsample.1.{leaf}", joined(block)), false),
        [block @ .., unit, "conv", leaf] => (format!("{}{unit}.{leaf}", joined(block)), false),
        [block @ .., unit, "bn", leaf] => (format!("{}bn{}.{leaf}", joined(block), unit.strip_prefix("conv")?), false),
        _ => return None,
    };
    Some(Key { part: Part::Trunk(name), shifted: Some(shifted) })
}

pub(super) fn key(part: &Part, network: &Network) -> Option<String> {
    match part {
        Part::Classifier(leaf) => Some(format!("cls_head.fc_cls.{leaf}")),
        Part::Neck(name) => Some(format!("neck.{}", neck_key(name)?)),
        Part::Trunk(name) => trunk_key(name, network),
    }
}

fn trunk_key(name: &str, network: &Network) -> Option<String> {
    let pieces: Vec<&str> = name.split('.').collect();
    let joined = |block: &[&str]| {
        if network.is_adaptive() && !block.is_empty() { joined(block) + "block." } else { joined(block) }
    };
    let net = if network.shifts(name) { "net." } else { "" };
    let inner = match pieces.as_slice() {
        [.., "tam", _, _, _] => name.to_owned(),
        [block @ .., "downsample", "0", leaf] => format!("{}downsample.conv.{leaf}", joined(block)),
        [block @ .., "downsample", "1", leaf] => format!("{}downsample.bn.{leaf}", joined(block)),
        [block @ .., unit, leaf] if unit.starts_with("bn") => {
            format!("{}conv{}.bn.{leaf}", joined(block), &unit["bn".len()..])
        }
        [block @ .., unit, leaf] if unit.starts_with("conv") => format!("{}{unit}.conv.{net}{leaf}", joined(block)),
        _ => return None,
    };
    Some(format!("backbone.{inner}"))
}

/// Pieces with a dot behind each.
fn joined(pieces: &[&str]) -> String {
    pieces.iter().map(|piece| format!("{piece}.")).collect()
}

/// A `ConvModule` is `conv` and `bn`; the TPN repository has a plain convolution, or a sequence, or other names.
fn neck_name(name: &str) -> Option<String> {
    let (theirs, ours) = NECK.iter().find(|(theirs, _)| name.starts_with(theirs))?;
    let rest = &name[theirs.len()..];
    Some(if ours.ends_with("ops.") || rest.starts_with("temporal_modulation_ops.") {
        // `0.conv.conv.weight` is `0.conv.weight`, `0.conv.bn.bias` is `0.norm.bias`.
        format!("{ours}{}", rest.replacen(".conv.conv.", ".conv.", 1).replacen(".conv.bn.", ".norm.", 1))
    } else if let Some(rest) = rest.strip_prefix("fusion_conv.") {
        format!("{ours}fusion_conv.{}", numbered(rest)?)
    } else if *theirs == "pyramid_fusion." {
        format!("{ours}{}", numbered(rest)?)
    } else {
        format!("{ours}{rest}")
    })
}

fn neck_key(name: &str) -> Option<String> {
    let (theirs, ours) = NECK.iter().find(|(_, ours)| name.starts_with(ours))?;
    let rest = &name[ours.len()..];
    Some(if ours.ends_with("ops.") || rest.starts_with("temporal_modulation_ops.") {
        format!("{theirs}{}", rest.replacen(".conv.", ".conv.conv.", 1).replacen(".norm.", ".conv.bn.", 1))
    } else if let Some(rest) = rest.strip_prefix("fusion_conv.") {
        format!("{theirs}fusion_conv.{}", named(rest)?)
    } else if *ours == "pyramid_fusion_op." {
        format!("{theirs}{}", named(rest)?)
    } else {
        format!("{theirs}{rest}")
    })
}

fn numbered(rest: &str) -> Option<String> {
    let (layer, leaf) = rest.split_once('.')?;
    Some(format!("{}.{leaf}", ["conv", "bn"].iter().position(|name| *name == layer)?))
}

fn named(rest: &str) -> Option<String> {
    let (layer, leaf) = rest.split_once('.')?;
    Some(format!("{}.{leaf}", ["conv", "bn"].get(layer.parse::<usize>().ok()?)?))
}
