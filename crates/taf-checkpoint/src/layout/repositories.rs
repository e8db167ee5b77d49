use super::{Home, Key, Network, Part, mobilenet};

/// torchvision: flat, `fc.` on ResNets and `classifier.1.` on MobileNetV2.
pub(super) fn torchvision_part(key: &str) -> Option<Part> {
    let classifier = key.strip_prefix("fc.").or_else(|| key.strip_prefix("classifier.1."));
    if let Some(leaf) = classifier {
        return Some(Part::Classifier(leaf.to_owned()));
    }
    is_of_images(key).then(|| Part::Trunk(key.to_owned()))
}

/// Whether image networks have a weight of this name in their trunk: torchvision's, and Res2Net, whose blocks have lists of
/// convolutions.
pub(crate) fn is_of_images(name: &str) -> bool {
    let pieces: Vec<&str> = name.split('.').collect();
    let unit = |name: &str| ["conv", "bn"].iter().any(|kind| name.starts_with(kind));
    match pieces.as_slice() {
        ["conv1" | "bn1", _] | ["features", ..] => true,
        ["layer1" | "layer2" | "layer3" | "layer4", _, inner @ ..] => match inner {
            ["downsample", _, _] => true,
            [name, ..] => unit(name),
            [] => false,
        },
        _ => false,
    }
}

pub(super) fn torchvision_key(part: &Part, network: &Network) -> Option<String> {
    match part {
        Part::Trunk(name) => Some(name.clone()),
        Part::Classifier(leaf) if network.is_mobile() => Some(format!("classifier.1.{leaf}")),
        Part::Classifier(leaf) => Some(format!("fc.{leaf}")),
        Part::Neck(_) => None,
    }
}

/// TSM: the published names, with shifted convolutions wrapped as `.net`, and its own count of MobileNetV2's layers.
pub(super) fn read_tsm(key: &str) -> Option<Key> {
    let part = Home::TSN.part(key)?;
    let Part::Trunk(name) = part else { return Some(part.into()) };
    let convolution = name.strip_suffix(".net.weight");
    let shifted = Some(convolution.is_some());
    let name = convolution.map_or_else(|| name.clone(), |convolution| format!("{convolution}.weight"));
    let name = if is_mobile(&name) { mobilenet::nested(&name)? } else { name };
    Some(Key { part: Part::Trunk(name), shifted })
}

pub(super) fn tsm_key(part: &Part, network: &Network) -> Option<String> {
    let Part::Trunk(name) = part else { return Home::TSN.name(part) };
    let key = if is_mobile(name) { mobilenet::flat(name)? } else { name.clone() };
    let key = if network.shifts(name) { key.replace(".weight", ".net.weight") } else { key };
    Home::TSN.name(&Part::Trunk(key))
}

fn is_mobile(name: &str) -> bool {
    name.starts_with("features.")
}

/// TAM: the published names, with each block but its temporal module wrapped as `.net`.
pub(super) fn tam_part(key: &str) -> Option<Part> {
    match Home::TSN.part(key)? {
        Part::Trunk(name) => Some(Part::Trunk(name.replacen(".net.", ".", 1))),
        part => Some(part),
    }
}

pub(super) fn tam_key(part: &Part) -> Option<String> {
    let Part::Trunk(name) = part else { return Home::TSN.name(part) };
    let mut pieces = name.splitn(3, '.');
    let (stage, block, rest) = (pieces.next()?, pieces.next()?, pieces.next());
    let wrapped = match rest {
        Some(rest) if stage.starts_with("layer") && !rest.starts_with("tam.") => format!("{stage}.{block}.net.{rest}"),
        _ => name.clone(),
    };
    Home::TSN.name(&Part::Trunk(wrapped))
}
