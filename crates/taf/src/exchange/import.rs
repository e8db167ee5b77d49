use std::collections::HashMap;

use taf_checkpoint::layout::{Network, Published};
use taf_checkpoint::{Allowed, Matched, Mismatch, Tensor, Wanted, match_weights, permute_rows};

use super::names::{Family, published};
use super::{LabelError, LabelOrder};
use crate::model::{ModelRecipe, Recognizer, StateDict, StateError, Temporal, load_state, parameter_names, state_dict};

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
pub struct Imported {
    /// The network.
    pub model: Recognizer,
    /// How many weights and running statistics were taken over.
    pub count: usize,
    /// What was found, and what became of the rest; the tensors themselves have moved into the network.
    pub matched: Matched,
}

/// Gives `model`, which `recipe` describes, the weights of a file. Those that the file may lack keep their values.
///
/// `order` says which class each row of the file's classifier is, and `classes` which each row of the model's is to be.
///
/// # Errors
/// If the weights do not fit, as [`match_weights`] says, or the order is of other classes.
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
    let mut matched = match_weights(file, &wanted, &network, allowed)?;
    let found: HashMap<String, Tensor> =
        matched.tensors.drain(..).map(|tensor| (tensor.name.clone(), ordered(tensor, &rows))).collect();
    let count = found.len();
    Ok(Imported { model: load_state(model, filled(state, own, found))?, count, matched })
}

/// What layouts must know of a network.
pub fn published_network(recipe: &ModelRecipe, model: &Recognizer) -> Network {
    let own = parameter_names(model);
    let family = Family::of(own.iter());
    let names: Vec<String> = own.iter().filter_map(|name| family.name(name)).collect();
    // Neither classes nor frames change how the blocks shift.
    let temporal = recipe.config(1, 1).temporal;
    let shift_every = match temporal {
        Temporal::Shift { every, .. } => Some(every),
        Temporal::ShiftBlock { .. } => Some(1),
        _ => None,
    };
    let shifted_shortcuts = matches!(temporal, Temporal::ShiftBlock { .. });
    Network { shifted_shortcuts, ..Network::of(names.iter().map(String::as_str), shift_every) }
}

fn ordered(tensor: Tensor, rows: &[usize]) -> Tensor {
    if Published::is_classifier(&tensor.name) { permute_rows(&tensor, rows) } else { tensor }
}

fn filled(mut state: StateDict, own: Vec<(String, Tensor)>, mut found: HashMap<String, Tensor>) -> StateDict {
    let family = Family::of(state.keys());
    for (name, published) in own {
        if let Some(tensor) = found.remove(&published.name) {
            state.insert(name, family.take(tensor));
        }
    }
    state
}
