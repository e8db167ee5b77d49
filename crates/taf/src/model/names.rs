use burn::tensor::TensorData;

/// The name a parameter of [`super::Recognizer`] has in the published PyTorch code: torchvision's names under `base_model.`
/// and the classifier as `new_fc` (TSN, TSM, TAM and GST repositories; wrappers such as TAM's `.net` left out). `None` for what only exists here: the auxiliary branch.
pub fn published_name(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('.').collect();
    match parts.as_slice() {
        ["head", leaf] => Some(format!("new_fc.{leaf}")),
        ["trunk", rest @ ..] => trunk_name(rest).map(|name| format!("base_model.{name}")),
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
        ["downsample", "conv", "weight"] => Some("downsample.0.weight".into()),
        ["downsample", "norm", rest @ ..] => Some(format!("downsample.1.{}", norm_leaf(rest)?)),
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
