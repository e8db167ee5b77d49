//! Modules that programs put around a network or its parts, whose names then stand in the keys of its weights.

use std::collections::HashSet;

/// Those of PyTorch that stand for the module they hold, wherever that is: `torch.compile`, FSDP, activation checkpointing.
const STAND_INS: [&str; 3] = ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];
/// Deepest that a network lies in modules around it.
const DEEPEST: usize = 6;

/// Where a network's keys begin, one weight of each layout; what is in front of it is the modules around the trunk.
const FIRST_BLOCK: [&str; 4] = ["layer1.0.conv1.", "layer1.0.net.conv1.", "layer1.0.block.conv1.", "features.0.0."];
/// First blocks of mmaction2, which no other repository has.
const OF_CONV_MODULES: [&str; 2] = ["layer1.0.conv1.conv.", "layer1.0.block.conv1."];
/// First blocks of a trunk that stands in no module of its repository.
const OF_IMAGES: [&str; 2] = ["layer1.0.conv1.weight", "features.0.0."];
/// Modules beside or in a trunk that tell which repository made it.
const HEADS: [&str; 5] = ["new_fc.", "fc.", "classifier.1.", "cls_head.", "necks."];

/// A key without the stand-ins in it.
pub(crate) fn without_stand_ins(key: &str) -> String {
    key.split('.').filter(|part| !STAND_INS.contains(part)).collect::<Vec<_>>().join(".")
}

/// The stand-ins in these keys, each with a dot behind it.
pub(crate) fn stand_ins<'a>(keys: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
    let holds = |stand_in: &&str| keys.clone().any(|key| key.split('.').any(|part| part == *stand_in));
    STAND_INS.into_iter().filter(holds).map(|stand_in| format!("{stand_in}.")).collect()
}

/// What is in front of the keys of each network of a known layout, in the order of the file: `""` of one that stands for
/// itself, `module.` of `DataParallel`, `model.` of Lightning, `ema.`, and whatever else. The keys have no stand-ins.
pub(crate) fn prefixes(keys: &[String]) -> Vec<String> {
    let heads: HashSet<(&str, &str)> = keys.iter().filter_map(|key| parted(key, &HEADS)).collect();
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for key in keys {
        let front = parted(key, &FIRST_BLOCK).map(|(front, _)| front);
        let prefix = front.and_then(|front| outside(front, &key[front.len()..], &heads));
        if let Some(prefix) = prefix.filter(|prefix| seen.insert(*prefix)) {
            found.push(prefix.to_owned());
        }
    }
    found
}

/// What is in front of a network whose trunk is behind `front`: repositories put their trunks into modules of their own,
/// but an image network may stand in a module of that name too.
fn outside<'a>(front: &'a str, block: &str, heads: &HashSet<(&str, &str)>) -> Option<&'a str> {
    let begins = |starts: &[&str]| starts.iter().any(|start| block.starts_with(start));
    if let Some(outer) = without_module(front, "base_model.") {
        let of_images = heads.contains(&(front, "fc.")) || heads.contains(&(front, "classifier.1."));
        return Some(if of_images && !heads.contains(&(outer, "new_fc.")) { front } else { outer });
    }
    if let Some(outer) = without_module(front, "backbone.") {
        let has_head = ["cls_head.", "necks."].iter().any(|head| heads.contains(&(outer, *head)));
        return Some(if has_head || begins(&OF_CONV_MODULES) { outer } else { front });
    }
    begins(&OF_IMAGES).then_some(front)
}

fn without_module<'a>(front: &'a str, module: &str) -> Option<&'a str> {
    front.strip_suffix(module).filter(|outer| outer.is_empty() || outer.ends_with('.'))
}

/// What is in front of the first of `modules` in a key, and which it is.
fn parted<'a>(key: &'a str, modules: &[&'static str]) -> Option<(&'a str, &'static str)> {
    let inner = key.match_indices('.').map(|(at, _)| at + 1);
    std::iter::once(0).chain(inner).take(DEEPEST + 1).find_map(|at| {
        let module = modules.iter().find(|module| key[at..].starts_with(**module))?;
        Some((&key[..at], *module))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(keys: &[&str]) -> Vec<String> {
        prefixes(&keys.iter().map(|key| without_stand_ins(key)).collect::<Vec<_>>())
    }

    /// First block and head of every layout.
    const NETWORKS: [[&str; 2]; 9] = [
        ["layer1.0.conv1.weight", "fc.weight"],
        ["features.0.0.weight", "classifier.1.weight"],
        ["base_model.layer1.0.conv1.net.weight", "new_fc.weight"],
        ["base_model.features.0.0.weight", "new_fc.weight"],
        ["base_model.layer1.0.net.conv1.weight", "new_fc.weight"],
        ["base_model.layer1.0.conv1.weight", "new_fc.weight"],
        ["backbone.layer1.0.conv1.weight", "cls_head.fc_cls.weight"],
        ["backbone.layer1.0.conv1.conv.net.weight", "cls_head.fc_cls.weight"],
        ["backbone.layer1.0.block.conv1.conv.weight", "cls_head.fc_cls.weight"],
    ];

    #[test]
    fn whatever_is_in_front_of_a_network_of_any_layout_is_found() {
        let fronts =
            ["", "module.", "model.", "net.", "model.net.", "module.model.", "state_dict.model.", "my_backbone."];
        for network in NETWORKS {
            for front in fronts.into_iter().chain(["backbone.", "base_model."]) {
                let keys = network.map(|key| format!("{front}{key}"));
                assert_eq!(found(&keys.each_ref().map(String::as_str)), [front], "{keys:?}");
                let compiled = network.map(|key| format!("{front}_orig_mod.{key}"));
                assert_eq!(found(&compiled.each_ref().map(String::as_str)), [front], "{compiled:?}");
            }
        }
    }

    #[test]
    fn stand_ins_are_taken_out_wherever_they_are() {
        let key = "model._orig_mod.backbone._fsdp_wrapped_module.conv1.weight";
        assert_eq!(without_stand_ins(key), "model.backbone.conv1.weight");
        assert_eq!(stand_ins([key].into_iter()), ["_orig_mod.", "_fsdp_wrapped_module."]);
        assert_eq!(without_stand_ins("model.b_orig_mod.weight"), "model.b_orig_mod.weight");
    }

    #[test]
    fn an_image_network_without_a_head_stands_in_its_module() {
        assert_eq!(found(&["model.backbone.layer1.0.conv1.weight"]), ["model.backbone."]);
        assert_eq!(found(&["backbone.layer1.0.conv1.weight", "backbone.layer1.1.conv1.weight"]), ["backbone."]);
    }

    #[test]
    fn copies_of_a_network_are_several() {
        let keys = ["model.layer1.0.conv1.weight", "model.fc.bias", "ema.module.layer1.0.conv1.weight"];
        assert_eq!(found(&keys), ["model.", "ema.module."]);
        assert_eq!(found(&["base_model.layer1.0.conv1.weight", "ema.base_model.layer1.0.conv1.weight"]), ["", "ema."]);
    }

    #[test]
    fn networks_of_no_known_layout_are_not_found() {
        let paths = ["backbone.slow_path.layer1.0.conv1.conv.weight", "backbone.fast_path.layer1.0.conv1.conv.weight"];
        assert!(found(&paths).is_empty());
        assert!(found(&["a.b.c.d.e.f.g.layer1.0.conv1.weight", "loss.weight", "layer1.0.conv2.weight"]).is_empty());
    }
}
