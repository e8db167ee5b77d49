use std::collections::{HashMap, HashSet};

use burn::tensor::TensorData;
use taf_checkpoint::{Allowed, Matched, Mismatch, Tensor, match_weights, permute_rows};

use super::network::network;
use super::{LabelError, LabelOrder};
use crate::model::{StateDict, StateError, VideoModel, load_state, published, state_dict};

/// Why weights cannot be taken over.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// They do not fit the network.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The classes are in no such order.
    #[error(transparent)]
    Labels(#[from] LabelError),
    /// The network is not what its names say.
    #[error(transparent)]
    State(#[from] StateError),
}

/// A network with the weights of a file.
#[derive(Debug)]
pub struct Imported<M> {
    /// The network.
    pub model: M,
    /// How many weights and running statistics were taken over.
    pub count: usize,
    /// Whether the classifier keeps its random first values.
    pub fresh_classifier: bool,
    /// What was found, and what became of the rest; the tensors themselves have moved into the network.
    pub matched: Matched,
}

/// Gives `model` the weights of a file. Those that the file may lack keep their values.
///
/// `order` says which class each row of the file's classifier is, and `classes` which each row of the model's is to be.
///
/// # Errors
/// If the weights do not fit, as [`match_weights`] says, or the order is of other classes.
pub fn import<M: VideoModel>(
    model: M,
    file: Vec<Tensor>,
    allowed: Allowed,
    (order, classes): (&LabelOrder, &[String]),
) -> Result<Imported<M>, ImportError> {
    let network = network(&model);
    let rows = order.rows(classes)?;
    let mut matched = match_weights(file, &network, allowed)?;
    let of_classes: HashSet<&str> =
        network.weights().iter().filter(|weight| weight.classifier).map(|weight| weight.name.as_str()).collect();
    let ordered = |tensor: Tensor| {
        if of_classes.contains(tensor.name.as_str()) { permute_rows(&tensor, &rows) } else { tensor }
    };
    let found: HashMap<String, Tensor> =
        matched.tensors.drain(..).map(|tensor| (tensor.name.clone(), ordered(tensor))).collect();
    let count = found.len();
    let fresh_classifier = matched.fresh.iter().any(|name| of_classes.contains(name.as_str()));
    let state = filled(&model, found);
    Ok(Imported { model: load_state(model, state)?, count, fresh_classifier, matched })
}

fn filled<M: VideoModel>(model: &M, mut found: HashMap<String, Tensor>) -> StateDict {
    let mut state = state_dict(model);
    for parameter in published(model) {
        if let Some(Tensor { shape, values, .. }) = found.remove(&parameter.weight.name) {
            let data = parameter.take(TensorData::new(values, shape));
            state.insert(parameter.own, data);
        }
    }
    state
}
