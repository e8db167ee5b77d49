use std::collections::HashMap;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::{Gradients, Tensor};

use crate::ops;

/// Gradients of a model's parameters, flattened, summed over several backward passes.
#[derive(Default)]
pub struct GradientSum(HashMap<ParamId, Tensor<1>>);

impl GradientSum {
    /// Adds the gradients of one backward pass.
    pub fn add<M: Module>(&mut self, model: &M, mut gradients: Gradients) {
        model.visit(&mut Collector { sum: self, gradients: &mut gradients });
    }

    /// Euclidean norm over all parameters.
    pub fn norm(&self) -> f64 {
        // Summed in a fixed order: the map's own order differs from process to process.
        let mut squares: Vec<f64> = self.0.values().map(|gradient| ops::sum_of_squares(gradient.clone())).collect();
        squares.sort_by(f64::total_cmp);
        squares.iter().sum::<f64>().sqrt()
    }

    /// Takes out the gradient of one parameter, if it has one.
    pub(super) fn take(&mut self, id: ParamId) -> Option<Tensor<1>> {
        self.0.remove(&id)
    }
}

struct Collector<'a> {
    sum: &'a mut GradientSum,
    gradients: &'a mut Gradients,
}

impl ModuleVisitor for Collector<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = param.val().grad_remove(self.gradients) else { return };
        let gradient = gradient.flatten::<1>(0, D - 1);
        let total = match self.sum.0.remove(&param.id) {
            Some(before) => ops::accumulate(before, gradient),
            None => gradient,
        };
        self.sum.0.insert(param.id, total);
    }
}
