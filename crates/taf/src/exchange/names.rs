use burn::tensor::TensorData;
use taf_checkpoint::Tensor;

use crate::model::{
    StateDict, from_published_layout, from_published_tpn_layout, published_name, published_tpn_name,
    to_published_gst_layout, to_published_layout, to_published_tpn_layout,
};

/// Which repository's names and layouts the weights of a network have when they are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// TSN, TSM and their kin.
    Recognizer,
    /// GST, whose convolutions all have an axis for time.
    Gst,
    /// What carries a pyramid.
    Tpn,
}

impl Family {
    /// By the names of the parameters.
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a String> + Clone) -> Self {
        let grouped = |name: &String| published_name(name).is_some_and(|name| name.contains(".Tconv."));
        if names.clone().any(|name| name.starts_with("neck.")) {
            Self::Tpn
        } else if names.clone().any(grouped) {
            Self::Gst
        } else {
            Self::Recognizer
        }
    }

    /// The published name of a parameter; none for what exists only here.
    pub(super) fn name(self, name: &str) -> Option<String> {
        match self {
            Self::Recognizer | Self::Gst => published_name(name),
            Self::Tpn => published_tpn_name(name),
        }
    }

    /// The published array of a parameter.
    pub(super) fn publish(self, name: &str, data: &TensorData) -> Option<Tensor> {
        let published = self.name(name)?;
        let data = match self {
            Self::Recognizer => to_published_layout(data.clone()),
            Self::Gst => to_published_gst_layout(data.clone()),
            Self::Tpn => to_published_tpn_layout(name, data.clone()),
        };
        let shape = data.shape().to_vec();
        let values = data.try_into_vec::<f32>().expect("weights are f32");
        Some(Tensor { name: published, shape, values })
    }

    /// A published array as it lies here.
    pub(super) fn take(self, Tensor { shape, values, .. }: Tensor) -> TensorData {
        let data = TensorData::new(values, shape);
        match self {
            Self::Recognizer | Self::Gst => from_published_layout(data),
            Self::Tpn => from_published_tpn_layout(data),
        }
    }
}

/// The weights of a network as its repository names and lays them out, each with its name here. An auxiliary batch-norm
/// branch exists only here, and is left out.
pub(crate) fn published(state: &StateDict) -> Vec<(String, Tensor)> {
    let family = Family::of(state.keys());
    state.iter().filter_map(|(name, data)| Some((name.clone(), family.publish(name, data)?))).collect()
}
