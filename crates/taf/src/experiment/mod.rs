//! A grid of runs from one file: data sets, networks, methods and seeds.

mod file;
mod grid;
mod settings;

pub use file::{
    Candidate, DataEntry, EvaluationEntry, Experiment, ExperimentError, MethodEntry, ModelEntry, Seeds, StartEntry,
};
pub use grid::{Cell, Grid};
