use super::{Network, Part, Published, mobilenet};

/// torchvision: flat, `fc.` on ResNets and `classifier.1.` on MobileNetV2.
pub(super) fn torchvision_part(key: &str) -> Option<Part> {
    let classifier = key.strip_prefix("fc.").or_else(|| key.strip_prefix("classifier.1."));
    if let Some(leaf) = classifier {
        return Some(Part::Classifier(leaf.to_owned()));
    }
    let first = key.split('.').next()?;
    match first {
        "features" | "conv1" | "bn1" | "layer1" | "layer2" | "layer3" | "layer4" => Some(Part::trunk(key)),
        _ => None,
    }
}

pub(super) fn torchvision_key(part: &Part, network: &Network) -> Option<String> {
    match part {
        Part::Trunk { name, .. } => Some(name.clone()),
        Part::Classifier(leaf) if network.mobile => Some(format!("classifier.1.{leaf}")),
        Part::Classifier(leaf) => Some(format!("fc.{leaf}")),
        Part::Neck(_) => None,
    }
}

/// TSM: the published names, with shifted convolutions wrapped as `.net`, and its own count of MobileNetV2's layers.
pub(super) fn tsm_part(key: &str) -> Option<Part> {
    let part = Published::Recognizer.part(key)?;
    let Part::Trunk { name, .. } = &part else { return Some(part) };
    let convolution = name.strip_suffix(".net.weight");
    let name = convolution.map_or_else(|| name.clone(), |convolution| format!("{convolution}.weight"));
    let name = if is_mobile(&name) { mobilenet::nested(&name)? } else { name };
    Some(Part::Trunk { name, shifted: Some(convolution.is_some()) })
}

pub(super) fn tsm_key(part: &Part, network: &Network) -> Option<String> {
    let Part::Trunk { name, .. } = part else { return Published::Recognizer.key(part) };
    let key = if is_mobile(name) { mobilenet::flat(name)? } else { name.clone() };
    let key = if network.shifts(name) { key.replace(".weight", ".net.weight") } else { key };
    Some(format!("base_model.{key}"))
}

fn is_mobile(name: &str) -> bool {
    name.starts_with("features.")
}

/// TAM: the published names, with each block but its temporal module wrapped as `.net`.
pub(super) fn tam_part(key: &str) -> Option<Part> {
    match Published::Recognizer.part(key)? {
        Part::Trunk { name, .. } => Some(Part::trunk(name.replacen(".net.", ".", 1))),
        part => Some(part),
    }
}

pub(super) fn tam_key(part: &Part) -> Option<String> {
    let Part::Trunk { name, .. } = part else { return Published::Recognizer.key(part) };
    let mut pieces = name.splitn(3, '.');
    let (stage, block, rest) = (pieces.next()?, pieces.next()?, pieces.next());
    let wrapped = match rest {
        Some(rest) if stage.starts_with("layer") && !rest.starts_with("tam.") => format!("{stage}.{block}.net.{rest}"),
        _ => name.clone(),
    };
    Some(format!("base_model.{wrapped}"))
}
