use burn::tensor::TensorData;

use super::mobilenet::STAGES;

/// The name a parameter of [`super::Recognizer`] has in the published PyTorch code: torchvision's names under `base_model.`
/// and the classifier as `new_fc` (TSN, TSM, TAM and GST repositories; wrappers such as TAM's `.net` left out). `None` for
/// what only exists here: the auxiliary branch.
pub fn published_name(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('.').collect();
    match parts.as_slice() {
        ["head", leaf] => Some(format!("new_fc.{leaf}")),
        ["trunk", rest @ ..] => {
            trunk_name(rest).or_else(|| mobilenet_name(rest)).map(|name| format!("base_model.{name}"))
        }
        _ => None,
    }
}

/// The name a parameter of a [`super::Recognizer`] with a pyramid has in the TPN repository's checkpoints; `None` for
/// what only exists here.
pub fn published_tpn_name(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('.').collect();
    match parts.as_slice() {
        ["head", leaf] => Some(format!("cls_head.fc_cls.{leaf}")),
        ["trunk", rest @ ..] => trunk_name(rest).map(|name| format!("backbone.{name}")),
        ["neck", rest @ ..] => neck_name(rest).map(|name| format!("necks.{name}")),
        _ => None,
    }
}

fn trunk_name(parts: &[&str]) -> Option<String> {
    match parts {
        ["stages", stage, block, rest @ ..] => {
            let stage: usize = stage.parse().ok()?;
            Some(format!("layer{}.{block}.{}", stage + 1, block_name(rest)?))
        }
        ["stem", "conv", "weight"] => Some("conv1.weight".into()),
        ["stem", "norm", rest @ ..] => Some(format!("bn1.{}", norm_leaf(rest)?)),
        _ => None,
    }
}

fn block_name(parts: &[&str]) -> Option<String> {
    match parts {
        ["units", _, "space"] => Some("conv2.weight".into()),
        ["units", _, "time"] => Some("Tconv.weight".into()),
        ["adaptive", branch, rest @ ..] => adaptive_name(branch, rest).map(|name| format!("tam.{name}")),
        ["units", unit, "conv", "weight"] => Some(format!("conv{}.weight", unit.parse::<usize>().ok()? + 1)),
        ["units", unit, "norm", rest @ ..] => {
            Some(format!("bn{}.{}", unit.parse::<usize>().ok()? + 1, norm_leaf(rest)?))
        }
        ["downsample", rest @ ..] => unit_name("downsample", "0", "1", rest),
        _ => None,
    }
}

fn mobilenet_name(parts: &[&str]) -> Option<String> {
    match parts {
        ["first", rest @ ..] => unit_name("features.0", "0", "1", rest),
        ["last", rest @ ..] => {
            let blocks: usize = STAGES.iter().map(|stage| stage.blocks).sum();
            unit_name(&format!("features.{}", blocks + 1), "0", "1", rest)
        }
        ["blocks", block, unit, rest @ ..] => {
            let block: usize = block.parse().ok()?;
            // The first block has as many channels inside as outside, and so nothing in front of its filter.
            let filter = usize::from(block > 0);
            let prefix = format!("features.{}.conv", block + 1);
            match *unit {
                "expand" => unit_name(&format!("{prefix}.0"), "0", "1", rest),
                "filter" => unit_name(&format!("{prefix}.{filter}"), "0", "1", rest),
                "project" => unit_name(&prefix, &(filter + 1).to_string(), &(filter + 2).to_string(), rest),
                _ => None,
            }
        }
        _ => None,
    }
}

fn neck_name(parts: &[&str]) -> Option<String> {
    match parts {
        ["spatial", rest @ ..] => unit_name("spatial_modulation.spatial_modulation.0.0", "conv", "bn", rest),
        ["temporal", level, "weight"] => Some(format!("temporal_modulation_ops.{level}.conv.weight")),
        ["upward", "weight"] => Some("downsampling_ops.0.conv.weight".into()),
        ["top_down", rest @ ..] => fusion_name("level_fusion_op2", rest),
        ["bottom_up", rest @ ..] => fusion_name("level_fusion_op", rest),
        ["pyramid", rest @ ..] => unit_name("pyramid_fusion_op", "0", "1", rest),
        ["auxiliary", "unit", rest @ ..] => unit_name("aux_head.convs", "conv", "bn", rest),
        ["auxiliary", "head", leaf] => Some(format!("aux_head.fc.{leaf}")),
        _ => None,
    }
}

fn fusion_name(prefix: &str, parts: &[&str]) -> Option<String> {
    match parts {
        ["levels", level, rest @ ..] => unit_name(&format!("{prefix}.ops.{level}"), "conv", "norm", rest),
        ["mix", rest @ ..] => unit_name(&format!("{prefix}.fusion_conv"), "0", "1", rest),
        _ => None,
    }
}

/// A convolution with its norm, which the published code calls `conv` and `norm` under `prefix`.
fn unit_name(prefix: &str, conv: &str, norm: &str, parts: &[&str]) -> Option<String> {
    match parts {
        ["conv", "weight"] => Some(format!("{prefix}.{conv}.weight")),
        ["norm", rest @ ..] => Some(format!("{prefix}.{norm}.{}", norm_leaf(rest)?)),
        _ => None,
    }
}

/// The two branches are PyTorch's sequences: layer 0, norm 1, ReLU 2, layer 3, and what bounds the result.
fn adaptive_name(branch: &str, parts: &[&str]) -> Option<String> {
    match (branch, parts) {
        ("kernel", ["hidden"]) => Some("G.0.weight".into()),
        ("kernel", ["norm", rest @ ..]) => Some(format!("G.1.{}", norm_leaf(rest)?)),
        ("kernel", ["out"]) => Some("G.3.weight".into()),
        ("gate", ["squeeze"]) => Some("L.0.weight".into()),
        ("gate", ["norm", rest @ ..]) => Some(format!("L.1.{}", norm_leaf(rest)?)),
        ("gate", ["expand"]) => Some("L.3.weight".into()),
        _ => None,
    }
}

fn norm_leaf(parts: &[&str]) -> Option<&'static str> {
    match parts {
        ["main", "gamma"] => Some("weight"),
        ["main", "beta"] => Some("bias"),
        ["main", "running_mean"] => Some("running_mean"),
        ["main", "running_var"] => Some("running_var"),
        _ => None,
    }
}

/// Convolution weights from here to PyTorch: HWIO to OIHW, over time DHWIO to OIDHW and KIO to OIK. Other tensors, those of
/// linear layers among them, have the same layout in both.
pub fn to_published_layout(data: TensorData) -> TensorData {
    match data.shape().len() {
        3 => permuted(data, &[2, 1, 0]),
        4 => permuted(data, &[3, 2, 0, 1]),
        5 => permuted(data, &[4, 3, 0, 1, 2]),
        _ => data,
    }
}

/// [`to_published_layout`] for GST, whose convolutions all have an axis for time, of 1 where they do not reach over it.
pub fn to_published_gst_layout(data: TensorData) -> TensorData {
    let data = to_published_layout(data);
    match *data.shape().as_slice() {
        [outputs, inputs, height, width] => reshaped(data, vec![outputs, inputs, 1, height, width]),
        _ => data,
    }
}

/// Convolution weights from PyTorch to here, the inverse of [`to_published_layout`] and of [`to_published_gst_layout`]:
/// an axis of 1 for time is left out.
pub fn from_published_layout(data: TensorData) -> TensorData {
    match *data.shape().as_slice() {
        [_, _, _] => permuted(data, &[2, 1, 0]),
        [_, _, _, _] => permuted(data, &[2, 3, 1, 0]),
        [outputs, inputs, 1, height, width] => {
            from_published_layout(reshaped(data, vec![outputs, inputs, height, width]))
        }
        [_, _, _, _, _] => permuted(data, &[2, 3, 4, 1, 0]),
        _ => data,
    }
}

/// As [`to_published_layout`] for the parameter `name` of a network with a pyramid: the TPN repository's neck has
/// three-dimensional convolutions, of which time or space is 1.
pub fn to_published_tpn_layout(name: &str, data: TensorData) -> TensorData {
    let data = to_published_layout(data);
    let Ok([to, from, height, width]) = <[usize; 4]>::try_from(data.shape().to_vec()) else { return data };
    if name.starts_with("neck.temporal.") || name.starts_with("neck.upward.") {
        reshaped(data, vec![to, from, height, width, 1])
    } else if name.starts_with("neck.") {
        reshaped(data, vec![to, from, 1, height, width])
    } else {
        data
    }
}

/// The reverse of [`to_published_tpn_layout`].
pub fn from_published_tpn_layout(data: TensorData) -> TensorData {
    match *data.shape().as_slice() {
        [to, from, frames, 1, 1] => from_published_layout(reshaped(data, vec![to, from, frames, 1])),
        _ => from_published_layout(data),
    }
}

fn reshaped(data: TensorData, shape: Vec<usize>) -> TensorData {
    TensorData::new(data.try_into_vec::<f32>().expect("weights are f32"), shape)
}

/// The axes in another order: axis `i` of the result is axis `axes[i]` of `data`.
fn permuted(data: TensorData, axes: &[usize]) -> TensorData {
    let dims = data.shape().to_vec();
    let strides: Vec<usize> = (0..dims.len()).map(|axis| dims[axis + 1..].iter().product()).collect();
    let values = data.as_slice::<f32>().expect("weights are f32");
    let mut places = vec![0];
    for &axis in axes {
        let (count, stride) = (dims[axis], strides[axis]);
        places = places.iter().flat_map(|start| (0..count).map(move |index| start + index * stride)).collect();
    }
    let shape: Vec<usize> = axes.iter().map(|&axis| dims[axis]).collect();
    TensorData::new(places.into_iter().map(|place| values[place]).collect::<Vec<f32>>(), shape)
}
