use taf_checkpoint::Tensor;
use taf_checkpoint::layout::Network;

use crate::model::{VideoModel, published, state_dict};

/// What layouts must know of a network: its weights, as its modules say them.
pub fn network<M: VideoModel>(model: &M) -> Network {
    Network::new(published(model).into_iter().map(|parameter| parameter.weight).collect())
}

/// The weights of a network as published code names and lays them out. An auxiliary batch-norm branch exists only here,
/// and is left out.
pub fn tensors<M: VideoModel>(model: &M) -> Vec<Tensor> {
    let mut state = state_dict(model);
    let tensor = |parameter: crate::model::PublishedParameter| {
        let data = parameter.publish(state.remove(&parameter.own).expect("the model has the parameter"));
        let shape = data.shape().to_vec();
        let values = data.try_into_vec::<f32>().expect("weights are f32");
        Tensor { name: parameter.weight.name, shape, values }
    };
    published(model).into_iter().map(tensor).collect()
}
