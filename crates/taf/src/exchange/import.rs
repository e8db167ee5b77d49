use std::collections::HashMap;

use burn::tensor::TensorData;
use taf_checkpoint::layout::{Network, Published};
use taf_checkpoint::{Allowed, Fitted, Misfit, Tensor, Wanted, fit, permute_rows};

use super::{LabelError, LabelOrder};
use crate::model::{
    ModelRecipe, Recognizer, StateDict, StateError, from_published_layout, load_state, published_name, state_dict,
    to_published_layout,
};

/// Why weights cannot be taken over.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// They do not fit the network.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// The classes are in no such order.
    #[error(transparent)]
    Labels(#[from] LabelError),
    /// The network is not what its names say.
    #[error(transparent)]
    State(#[from] StateError),
}

/// A network with the weights of a file.
#[derive(Debug)]
pub struct Imported {
    /// The network.
    pub model: Recognizer,
    /// How many weights and running statistics were taken over.
    pub matched: usize,
    /// What was found, and what became of the rest; the tensors themselves have moved into the network.
    pub fitted: Fitted,
}

/// Gives `model`, which `recipe` describes, the weights of a file. Those that the file may lack keep their values.
///
/// `order` says which class each row of the file's classifier is, and `classes` which each row of the model's is to be.
///
/// # Errors
/// If the weights do not fit, as [`fit`] says, or the order is of other classes.
pub fn import(
    model: Recognizer,
    recipe: &ModelRecipe,
    file: Vec<Tensor>,
    allowed: Allowed,
    (order, classes): (&LabelOrder, &[String]),
) -> Result<Imported, ImportError> {
    let state = state_dict(&model);
    let own = published(&state);
    let wanted: Vec<Wanted> =
        own.iter().map(|(_, tensor)| Wanted { name: tensor.name.clone(), shape: tensor.shape.clone() }).collect();
    let network = published_network(recipe, &model);
    let rows = order.rows(classes)?;
    let mut fitted = fit(file, &wanted, &network, allowed)?;
    let found: HashMap<String, Tensor> =
        fitted.tensors.drain(..).map(|tensor| (tensor.name.clone(), ordered(tensor, &rows))).collect();
    let matched = found.len();
    Ok(Imported { model: load_state(model, filled(state, own, found))?, matched, fitted })
}

/// What layouts must know of a network.
pub fn published_network(recipe: &ModelRecipe, model: &Recognizer) -> Network {
    let names: Vec<String> = state_dict(model).keys().filter_map(|name| published_name(name)).collect();
    Network::of(names.iter().map(String::as_str), recipe.shift_every())
}

/// The weights of a network as its repository names and lays them out, each with its name here. An auxiliary batch-norm
/// branch exists only here, and is left out.
pub(super) fn published(state: &StateDict) -> Vec<(String, Tensor)> {
    let tensor = |(name, data): (&String, &TensorData)| {
        let published = published_name(name)?;
        let data = to_published_layout(data.clone());
        let shape = data.shape().to_vec();
        let values = data.try_into_vec::<f32>().expect("weights are f32");
        Some((name.clone(), Tensor { name: published, shape, values }))
    };
    state.iter().filter_map(tensor).collect()
}

fn ordered(tensor: Tensor, rows: &[usize]) -> Tensor {
    if Published::is_classifier(&tensor.name) { permute_rows(&tensor, rows) } else { tensor }
}

fn filled(mut state: StateDict, own: Vec<(String, Tensor)>, mut found: HashMap<String, Tensor>) -> StateDict {
    for (name, published) in own {
        if let Some(Tensor { shape, values, .. }) = found.remove(&published.name) {
            state.insert(name, from_published_layout(TensorData::new(values, shape)));
        }
    }
    state
}
