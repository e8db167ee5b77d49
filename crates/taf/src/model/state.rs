use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

/// Every weight and running statistic of a model by its dotted name, in name order.
pub type StateDict = BTreeMap<String, TensorData>;

/// Why a state does not fit a model. Nothing is loaded in that case.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The names differ.
    #[error("the weights do not fit this model: missing {missing:?}, not expected {unexpected:?}")]
    Names {
        /// Parameters of the model that the state lacks.
        missing: Vec<String>,
        /// Entries of the state that the model lacks.
        unexpected: Vec<String>,
    },
    /// A tensor has the wrong shape.
    #[error("expected {name} to have shape {expected:?}, found {found:?}")]
    Shape {
        /// The parameter.
        name: String,
        /// The model's shape.
        expected: Vec<usize>,
        /// The state's shape.
        found: Vec<usize>,
    },
}

/// Reads every parameter and running statistic out of `model`.
pub fn state_dict<M: Module>(model: &M) -> StateDict {
    let mut reader = Reader::default();
    model.visit(&mut reader);
    reader.state
}

/// Replaces every parameter and running statistic of `model` by those of `state`.
///
/// # Errors
/// If a name or a shape differs; the model is dropped unchanged then.
pub fn load_state<M: Module>(model: M, mut state: StateDict) -> Result<M, StateError> {
    let expected = shapes(&model);
    check_names(&expected, &state)?;
    for (name, expected) in expected {
        let found = state[&name].shape().to_vec();
        if expected != found {
            return Err(StateError::Shape { name, expected, found });
        }
    }
    Ok(model.map(&mut Writer { path: Path::default(), state: &mut state }))
}

/// The dotted names of every parameter and running statistic.
pub fn parameter_names<M: Module>(model: &M) -> Vec<String> {
    shapes(model).into_keys().collect()
}

/// The shape of every parameter and running statistic by its dotted name.
pub fn shapes<M: Module>(model: &M) -> BTreeMap<String, Vec<usize>> {
    let mut reader = ShapeReader::default();
    model.visit(&mut reader);
    reader.shapes
}

/// How many weights training changes: running statistics and the auxiliary branch are not counted.
pub fn num_parameters<M: Module>(model: &M) -> usize {
    shapes(model).iter().filter(|(name, _)| is_trained(name)).map(|(_, shape)| shape.iter().product::<usize>()).sum()
}

/// Whether training changes the parameter of this name of the main branch by gradients.
pub(super) fn is_trained(name: &str) -> bool {
    !name.contains(".running_") && !name.contains("norm.auxiliary.")
}

fn check_names(model: &BTreeMap<String, Vec<usize>>, state: &StateDict) -> Result<(), StateError> {
    let missing: Vec<_> = model.keys().filter(|name| !state.contains_key(*name)).cloned().collect();
    let unexpected: Vec<_> = state.keys().filter(|name| !model.contains_key(*name)).cloned().collect();
    if missing.is_empty() && unexpected.is_empty() { Ok(()) } else { Err(StateError::Names { missing, unexpected }) }
}

/// The dotted name of the parameter a module walk stands at.
#[derive(Default)]
pub(crate) struct Path(Vec<String>);

impl Path {
    /// The variant of an enum is no part of a name: it says what a module is, not where.
    pub(crate) fn enter(&mut self, name: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.0.push(name.to_owned());
        }
    }

    pub(crate) fn exit(&mut self, container: &str) {
        if !container.starts_with("Enum:") {
            self.0.pop();
        }
    }

    pub(crate) fn name(&self) -> String {
        self.0.join(".")
    }
}

#[derive(Default)]
struct Reader {
    path: Path,
    state: StateDict,
}

impl ModuleVisitor for Reader {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.state.insert(self.path.name(), param.val().into_data());
    }
}

#[derive(Default)]
struct ShapeReader {
    path: Path,
    shapes: BTreeMap<String, Vec<usize>>,
}

impl ModuleVisitor for ShapeReader {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.shapes.insert(self.path.name(), param.dims().to_vec());
    }
}

struct Writer<'a> {
    path: Path,
    state: &'a mut StateDict,
}

impl ModuleMapper for Writer<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.state.remove(&self.path.name()) {
            None => param,
            Some(data) => param.map(|old| {
                let tracked = old.is_require_grad();
                Tensor::from_data(data, &old.device()).set_require_grad(tracked)
            }),
        }
    }
}
