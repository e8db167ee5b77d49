//! Modules that programs put around a network or its parts, whose names then stand in the keys of its weights.

use crate::layout::Layout;
use crate::tensor::Tensor;

/// Those of PyTorch that stand for the module they hold, wherever that is: `torch.compile`, FSDP, activation checkpointing.
const STAND_INS: [&str; 3] = ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];
/// Deepest that a network lies in modules around it.
const DEEPEST: usize = 4;

/// Takes the names of wrappers out of all keys, and says which there were: stand-ins, and whatever else is in front of the
/// keys of a known layout, such as the `module.` of `DataParallel` and the `model.` of Lightning.
pub(crate) fn take_off(tensors: &mut [Tensor]) -> Vec<String> {
    let stand_ins = STAND_INS.into_iter().filter(|stand_in| any_holds(tensors, stand_in));
    let mut found: Vec<String> = stand_ins.map(|stand_in| format!("{stand_in}.")).collect();
    if !found.is_empty() {
        tensors.iter_mut().for_each(|tensor| tensor.name = without_stand_ins(&tensor.name));
    }
    if let Some(prefix) = prefix(tensors) {
        let inside = tensors.iter_mut().filter(|tensor| tensor.name.starts_with(&prefix));
        inside.for_each(|tensor| drop(tensor.name.drain(..prefix.len())));
        found.insert(0, prefix);
    }
    found
}

fn any_holds(tensors: &[Tensor], module: &str) -> bool {
    tensors.iter().any(|tensor| tensor.name.split('.').any(|part| part == module))
}

fn without_stand_ins(key: &str) -> String {
    key.split('.').filter(|part| !STAND_INS.contains(part)).collect::<Vec<_>>().join(".")
}

/// What is in front of the first weights of a layout; none where nothing is, or no layout has such weights.
fn prefix(tensors: &[Tensor]) -> Option<String> {
    let begins_layout = |key: &str| Layout::detect(std::iter::once(key)).is_some();
    let at_depth = |depth| tensors.iter().filter_map(move |tensor| parted(&tensor.name, depth));
    (0..=DEEPEST)
        .find_map(|depth| at_depth(depth).find(|(_, rest)| begins_layout(rest)))
        .map(|(prefix, _)| prefix.to_owned())
        .filter(|prefix| !prefix.is_empty())
}

/// A key behind its first `depth` parts, and these with the dot behind them.
fn parted(key: &str, depth: usize) -> Option<(&str, &str)> {
    let at = match depth.checked_sub(1) {
        None => 0,
        Some(dots) => key.match_indices('.').nth(dots)?.0 + 1,
    };
    Some(key.split_at(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys without wrappers, and what was taken off.
    fn unwrapped(keys: &[&str]) -> (Vec<String>, Vec<String>) {
        let tensor = |key: &&str| Tensor { name: (*key).to_owned(), shape: Vec::new(), values: vec![0.0] };
        let mut tensors: Vec<Tensor> = keys.iter().map(tensor).collect();
        let found = take_off(&mut tensors);
        (tensors.into_iter().map(|tensor| tensor.name).collect(), found)
    }

    #[test]
    fn what_training_programs_put_in_front_of_a_network_is_taken_off() {
        for (key, rest, wrappers) in [
            ("module.base_model.conv1.weight", "base_model.conv1.weight", &["module."][..]),
            ("model.base_model.conv1.weight", "base_model.conv1.weight", &["model."]),
            ("_orig_mod.layer1.0.conv1.weight", "layer1.0.conv1.weight", &["_orig_mod."]),
            ("module._orig_mod.layer1.0.conv1.weight", "layer1.0.conv1.weight", &["module.", "_orig_mod."]),
            ("model.net._orig_mod.features.0.0.weight", "features.0.0.weight", &["model.net.", "_orig_mod."]),
            ("base_model._orig_mod.conv1.weight", "base_model.conv1.weight", &["_orig_mod."]),
        ] {
            let (keys, found) = unwrapped(&[key]);
            assert_eq!((keys[0].as_str(), found), (rest, wrappers.iter().map(|name| (*name).to_owned()).collect()));
        }
    }

    #[test]
    fn weights_beside_the_network_keep_their_names() {
        let (keys, found) = unwrapped(&["loss.weight", "model.layer1.0.conv1.weight", "model.fc.bias"]);
        assert_eq!(keys, ["loss.weight", "layer1.0.conv1.weight", "fc.bias"]);
        assert_eq!(found, ["model."]);
    }

    #[test]
    fn keys_that_fit_a_layout_or_none_are_left_alone() {
        for keys in
            [["base_model.conv1.weight", "model.layer1.0.conv1.weight"], ["model.a.weight", "model.b_orig_mod.weight"]]
        {
            assert_eq!(unwrapped(&keys), (keys.map(str::to_owned).to_vec(), Vec::new()));
        }
    }
}
