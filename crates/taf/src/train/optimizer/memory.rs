use std::collections::{BTreeMap, HashMap};

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use crate::model::{StateDict, shapes};

/// The velocity of each weight.
pub(super) const VELOCITY: &str = "velocity";
/// The running mean of each weight's gradients.
pub(super) const MEAN: &str = "mean";
/// The running mean of their squares.
pub(super) const SQUARE: &str = "square";
/// How many steps a parameter has taken: one number of it.
pub(super) const STEPS: &str = "steps";

/// What any optimiser remembers of each parameter from step to step.
const PARTS: [&str; 4] = [VELOCITY, MEAN, SQUARE, STEPS];

/// Whether a tensor of a checkpoint is something that an optimiser remembers.
pub(in crate::train) fn is_memory(name: &str) -> bool {
    name.split_once('.').is_some_and(|(part, _)| PARTS.contains(&part))
}

/// What an optimiser remembers; nothing of a parameter that never had a gradient.
#[derive(Default)]
pub(super) struct Memory {
    /// One value for each weight, by `part.parameter`.
    values: HashMap<String, Tensor<1>>,
    /// [`STEPS`] by parameter.
    steps: BTreeMap<String, u64>,
}

impl Memory {
    /// What is remembered of a parameter's weights; zeros in the shape of `gradient` before its first step.
    pub fn take(&mut self, part: &str, parameter: &str, gradient: &Tensor<1>) -> Tensor<1> {
        self.values.remove(&format!("{part}.{parameter}")).unwrap_or_else(|| gradient.zeros_like())
    }

    pub fn put(&mut self, part: &str, parameter: &str, values: Tensor<1>) {
        self.values.insert(format!("{part}.{parameter}"), values);
    }

    /// Counts another step of a parameter, from 1.
    pub fn count(&mut self, parameter: &str) -> u64 {
        let steps = self.steps.entry(parameter.to_owned()).or_default();
        *steps += 1;
        *steps
    }

    /// All of it, by names such as `velocity.<parameter>`.
    pub fn state(&self) -> StateDict {
        let values = self.values.iter().map(|(name, values)| (name.clone(), values.to_data()));
        // Exact up to 16 million steps, as PyTorch's, which keeps them so too.
        let number = |steps: u64| TensorData::new(vec![steps as f32], [1]);
        let steps = self.steps.iter().map(|(parameter, &steps)| (format!("{STEPS}.{parameter}"), number(steps)));
        values.chain(steps).collect()
    }

    /// What an optimiser that remembers `parts` of the parameters of `model` has kept as `state`.
    ///
    /// # Errors
    /// Says which tensor belongs to no parameter or to another optimiser, or has another length.
    pub fn of_state<M: Module>(state: StateDict, parts: &[&str], model: &M, device: &Device) -> Result<Self, String> {
        let (shapes, mut memory) = (shapes(model), Self::default());
        for (name, data) in state {
            let found = name.split_once('.').filter(|(part, _)| parts.contains(part));
            let known = found.and_then(|(part, parameter)| Some((part, parameter, shapes.get(parameter)?)));
            let length = known.map(|(part, _, shape)| if part == STEPS { 1 } else { shape.iter().product::<usize>() });
            match known.filter(|_| data.shape().to_vec().as_slice() == length.as_slice()) {
                None => return Err(format!("{name} of shape {:?}", data.shape().to_vec())),
                Some((STEPS, parameter, _)) => {
                    let steps = data.iter::<f32>().next().unwrap_or_default() as u64;
                    memory.steps.insert(parameter.to_owned(), steps);
                }
                Some(_) => {
                    memory.values.insert(name, Tensor::from_data(data, device));
                }
            }
        }
        Ok(memory)
    }
}
