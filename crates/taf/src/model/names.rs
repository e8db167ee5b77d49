use burn::tensor::TensorData;

/// The name a parameter of [`super::Recognizer`] has in the published PyTorch code: torchvision's names under `base_model.`
/// and the classifier as `new_fc` (TSN, TSM and TAM repositories). `None` for what only exists here: the auxiliary branch.
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
        ["units", unit, "conv", "weight"] => Some(format!("conv{}.weight", unit.parse::<usize>().ok()? + 1)),
        ["units", unit, "norm", rest @ ..] => {
            Some(format!("bn{}.{}", unit.parse::<usize>().ok()? + 1, norm_leaf(rest)?))
        }
        ["downsample", "conv", "weight"] => Some("downsample.0.weight".into()),
        ["downsample", "norm", rest @ ..] => Some(format!("downsample.1.{}", norm_leaf(rest)?)),
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

/// Convolution weights from here (HWIO) to PyTorch (OIHW); other tensors have the same layout in both.
pub fn to_published_layout(data: TensorData) -> TensorData {
    permute4(data, [3, 2, 0, 1])
}

/// Convolution weights from PyTorch (OIHW) to here (HWIO); other tensors have the same layout in both.
pub fn from_published_layout(data: TensorData) -> TensorData {
    permute4(data, [2, 3, 1, 0])
}

fn permute4(data: TensorData, axes: [usize; 4]) -> TensorData {
    let Ok(dims) = <[usize; 4]>::try_from(data.shape().to_vec()) else { return data };
    let strides = [dims[1] * dims[2] * dims[3], dims[2] * dims[3], dims[3], 1];
    let (shape, strides) = (axes.map(|axis| dims[axis]), axes.map(|axis| strides[axis]));
    let values = data.as_slice::<f32>().expect("weights are f32");
    let mut permuted = Vec::with_capacity(values.len());
    for a in 0..shape[0] {
        for b in 0..shape[1] {
            for c in 0..shape[2] {
                let start = a * strides[0] + b * strides[1] + c * strides[2];
                permuted.extend((0..shape[3]).map(|d| values[start + d * strides[3]]));
            }
        }
    }
    TensorData::new(permuted, shape)
}
