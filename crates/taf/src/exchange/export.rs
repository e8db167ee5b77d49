use taf_checkpoint::layout::{Layout, Weight};
use taf_checkpoint::{Tensor, to_safetensors};

use super::network::{network, tensors};
use crate::model::VideoModel;

/// Why a network cannot be written in a layout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The repository has no such network.
    #[error("expected a network that the {layout} layout can hold, found another; this one fits {}", .fitting.join(", "))]
    Foreign {
        /// What was asked for.
        layout: Layout,
        /// The layouts that hold the network.
        fitting: Vec<&'static str>,
    },
    /// The layout has no name for a weight.
    #[error("expected weights that the {layout} layout has names for, found {name}")]
    Nameless {
        /// What was asked for.
        layout: Layout,
        /// The weight.
        name: String,
    },
}

/// The bytes of a safetensors file with the weights of a network as a repository names them, such that PyTorch's
/// `load_state_dict(strict=True)` takes them: counters of the batch norms are written too, as 0. An auxiliary batch-norm
/// branch is left out, so nothing is added to the published network.
///
/// # Errors
/// If the repository has no such network.
pub fn export<M: VideoModel>(model: &M, layout: Layout) -> Result<Vec<u8>, ExportError> {
    let network = network(model);
    if !layout.holds(&network) {
        let fitting = Layout::ALL.into_iter().filter(|layout| layout.holds(&network)).map(Layout::name).collect();
        return Err(ExportError::Foreign { layout, fitting });
    }
    let renamed = |(weight, tensor): (&Weight, Tensor)| match layout.key(&weight.part, &network) {
        Some(name) => Ok(Tensor { name, ..tensor }),
        None => Err(ExportError::Nameless { layout, name: tensor.name }),
    };
    let tensors = network.weights().iter().zip(tensors(model)).map(renamed).collect::<Result<Vec<_>, _>>()?;
    Ok(to_safetensors(&tensors, &counters(&tensors)))
}

/// Beside every running mean PyTorch keeps how many batches it has seen.
fn counters(tensors: &[Tensor]) -> Vec<String> {
    let counter = |tensor: &Tensor| Some(format!("{}num_batches_tracked", tensor.name.strip_suffix("running_mean")?));
    tensors.iter().filter_map(counter).collect()
}
