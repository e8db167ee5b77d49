//! Layers that training leaves as they are.

use std::collections::{BTreeMap, BTreeSet};

use burn::module::{ModuleMapper, Param};
use burn::tensor::Tensor;

use super::TrainConfig;
use crate::model::{BatchNormTraining, Path, VideoModel, published, shapes};
use crate::setting::SettingError;

/// `model` without gradients to the layers that `train.freeze` names: their weights stay, and batch norms among them
/// normalise with their running statistics and keep them. Nothing is differentiated below the first layer that learns.
///
/// # Errors
/// If a name belongs to no layer, or nothing is left that learns.
pub fn freeze<M: VideoModel>(model: M, train: &TrainConfig) -> Result<M, SettingError> {
    let frozen = frozen(&model, train)?;
    Ok(if frozen.is_empty() { model } else { model.map(&mut Freezer { path: Path::default(), frozen }) })
}

/// The parameters that the layers hold, by their dotted names.
///
/// # Errors
/// As [`freeze`].
pub fn frozen<M: VideoModel>(model: &M, train: &TrainConfig) -> Result<BTreeSet<String>, SettingError> {
    if train.freeze.is_empty() {
        return Ok(BTreeSet::new());
    }
    let names = names(model);
    if let Some(unknown) = train.freeze.iter().find(|layer| !names.values().flatten().any(|name| lies_in(name, layer)))
    {
        let layers: BTreeSet<&str> = names.values().flatten().filter_map(|name| name.split('.').next()).collect();
        let layers = layers.into_iter().collect::<Vec<_>>().join(", ");
        let expected = format!("name layers of the network: {layers}, or what lies in them, as layer1.0 in layer1");
        return Err(SettingError::new("train.freeze", expected, format!("{unknown:?}")));
    }
    let is_frozen = |names: &[String]| names.iter().any(|name| train.freeze.iter().any(|layer| lies_in(name, layer)));
    let (frozen, others): (BTreeSet<String>, BTreeSet<String>) =
        names.keys().cloned().partition(|own| is_frozen(&names[own]));
    let learns = |name: &String| train.batch_norm == BatchNormTraining::Train || !is_of_norm(name);
    if !others.iter().any(learns) {
        return Err(SettingError::new("train.freeze", "leave a layer that learns", format!("{:?}", train.freeze)));
    }
    Ok(frozen)
}

fn is_of_norm(name: &str) -> bool {
    name.contains("norm.main.") || name.contains("norm.auxiliary.")
}

/// What every parameter may be called: its own name and the published one, and what lies in the trunk also without the
/// trunk's name. The auxiliary branch of a norm goes with the norm.
fn names<M: VideoModel>(model: &M) -> BTreeMap<String, Vec<String>> {
    let published: BTreeMap<_, _> = published(model).into_iter().map(|known| (known.own, known.weight)).collect();
    let parameters = shapes(model).into_keys().filter(|name| !name.contains(".running_"));
    let all = |own: String| {
        let weight = published.get(&own.replace("norm.auxiliary.", "norm.main."));
        let short = [own.strip_prefix("trunk."), weight.and_then(|weight| weight.part.trunk())];
        let known = [Some(own.as_str()), weight.map(|weight| weight.name.as_str())].into_iter().chain(short);
        let known = known.flatten().map(str::to_owned).collect();
        (own, known)
    };
    parameters.map(all).collect()
}

/// Whether the parameter is the layer's or that of one within.
fn lies_in(parameter: &str, layer: &str) -> bool {
    parameter.strip_prefix(layer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

struct Freezer {
    path: Path,
    frozen: BTreeSet<String>,
}

impl ModuleMapper for Freezer {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.frozen.contains(&self.path.name()) { param.set_require_grad(false) } else { param }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::{TrainConfig, freeze, frozen};
    use crate::model::{
        BatchNormTraining, MobileNetV2Config, Recognizer, RecognizerConfig, ResNetConfig, VideoModel, shapes,
    };

    fn network() -> Recognizer {
        RecognizerConfig::tsm(ResNetConfig::tiny(), 3).init(&Device::flex(), 0).with_auxiliary_norms()
    }

    fn layers(names: &[&str]) -> TrainConfig {
        TrainConfig { freeze: names.iter().map(ToString::to_string).collect(), ..TrainConfig::default() }
    }

    #[test]
    fn a_layer_is_known_by_its_own_and_by_its_published_name() {
        let found = |names: &[&str]| frozen(&network(), &layers(names)).unwrap();
        let under = |prefix: &str| {
            let names = shapes(&network()).into_keys();
            names.filter(|name| name.starts_with(prefix) && !name.contains("running")).collect()
        };
        for stem in [&["stem"][..], &["trunk.stem"], &["conv1", "bn1"], &["base_model.conv1", "base_model.bn1"]] {
            assert_eq!(found(stem), under("trunk.stem."), "{stem:?}");
        }
        for stage in ["layer1", "base_model.layer1", "stages.0", "trunk.stages.0.0", "layer1.0"] {
            assert_eq!(found(&[stage]), under("trunk.stages.0."), "{stage}");
        }
        assert_eq!(found(&["new_fc"]), under("head."));
        let mobile = RecognizerConfig::tsm(MobileNetV2Config { width: 8 }, 3).init(&Device::flex(), 0);
        assert_eq!(frozen(&mobile, &layers(&["features.0"])).unwrap(), frozen(&mobile, &layers(&["first"])).unwrap());
    }

    #[test]
    fn unknown_layers_and_all_layers_are_refused() {
        let refusal = |train: &TrainConfig| freeze(network(), train).unwrap_err().to_string();
        let unknown = refusal(&layers(&["layer1", "layer9"]));
        assert!(unknown.contains("train.freeze must name layers of the network: base_model, bn1, conv1, head, layer1"));
        assert!(unknown.ends_with("got \"layer9\""), "{unknown}");
        assert!(refusal(&layers(&["layer"])).contains("got \"layer\""), "a layer's name is taken whole");
        assert!(refusal(&layers(&["trunk", "head"])).contains("leave a layer that learns"));
        let convolutions = ["conv1", "layer1.0.conv1", "layer1.0.conv2"];
        let later =
            (2..5).flat_map(|stage| ["conv1", "conv2", "downsample.0"].map(|conv| format!("layer{stage}.0.{conv}")));
        let convolutions =
            convolutions.map(str::to_owned).into_iter().chain(later).chain(["head".to_owned()]).collect();
        let only_norms = TrainConfig { freeze: convolutions, ..TrainConfig::default() };
        assert!(freeze(network(), &only_norms).is_ok());
        let still = TrainConfig { batch_norm: BatchNormTraining::Frozen, ..only_norms };
        assert!(refusal(&still).contains("leave a layer that learns"));
    }
}
