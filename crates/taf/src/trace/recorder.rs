use std::cell::RefCell;
use std::collections::HashMap;

use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;

use super::placeholder::{address, placeholder, primitive};
use super::{Graph, Operation, Origin, Step, TraceError, Value, ValueId};

thread_local! {
    static RECORDER: RefCell<Option<Recorder>> = const { RefCell::new(None) };
}

/// What this thread's pass has done so far.
#[derive(Default)]
struct Recorder {
    values: Vec<Value>,
    steps: Vec<Step>,
    /// The placeholders of the values; while they are kept no other tensor has their memory.
    kept: Vec<FlexTensor>,
    places: HashMap<usize, ValueId>,
    /// The first thing that went wrong.
    fault: Option<TraceError>,
}

/// A tensor that an operation reads.
pub(crate) struct Input {
    tensor: Option<FlexTensor>,
    shape: Vec<usize>,
}

/// `tensor` as the input of an operation to record.
pub(crate) fn input<const D: usize>(tensor: &Tensor<D>) -> Input {
    Input { tensor: primitive(tensor), shape: tensor.dims().to_vec() }
}

/// Whether this thread records: operations then call [`record`] instead of computing.
pub(crate) fn is_on() -> bool {
    RECORDER.with_borrow(Option::is_some)
}

/// Notes an operation, and answers with its result's placeholder.
pub(crate) fn record<const D: usize>(operation: Operation, inputs: &[Input], shape: [usize; D]) -> Tensor<D> {
    let result = placeholder(shape);
    with_recorder(|recorder| {
        let inputs = recorder.find_all(&operation, inputs);
        let outputs = vec![recorder.keep(&result, Origin::Made)];
        recorder.steps.push(Step { operation, inputs, outputs });
    });
    result
}

/// [`record`] of an operation with two results of `channels`.
pub(crate) fn record_map(operation: Operation, inputs: &[Input], channels: usize) -> [Tensor<1>; 2] {
    let results = [placeholder([channels]), placeholder([channels])];
    with_recorder(|recorder| {
        let inputs = recorder.find_all(&operation, inputs);
        let outputs = results.iter().map(|result| recorder.keep(result, Origin::Made)).collect();
        recorder.steps.push(Step { operation, inputs, outputs });
    });
    results
}

/// Answers with the placeholder of a tensor that is this number everywhere.
pub(crate) fn record_filled<const D: usize>(value: f32, shape: [usize; D]) -> Tensor<D> {
    let result = placeholder(shape);
    with_recorder(|recorder| {
        recorder.keep(&result, Origin::Filled(value));
    });
    result
}

/// Notes that an operation was asked for that has no place in a pass of inference.
pub(crate) fn refuse_batch_statistics(operation: &str) {
    with_recorder(|recorder| recorder.fail(TraceError::BatchStatistics { operation: operation.to_owned() }));
}

/// Notes that a linear layer met so many features, and not those that its weight has.
pub(crate) fn refuse_features(expected: usize, found: usize) {
    with_recorder(|recorder| recorder.fail(TraceError::Features { expected, found }));
}

/// Records what `pass` does with clips of this shape. `parameters` are the placeholders of a network's weights by name.
pub(crate) fn record_pass(
    shape: [usize; 5],
    parameters: Vec<(String, Input)>,
    pass: impl FnOnce(Tensor<5>) -> Tensor<2>,
) -> Result<Graph, TraceError> {
    let clips = placeholder(shape);
    let mut recorder = Recorder::default();
    let first = recorder.keep(&clips, Origin::Clips);
    for (name, Input { tensor, shape }) in parameters {
        if let Some(tensor) = tensor {
            recorder.keep_tensor(tensor, Value { shape, origin: Origin::Parameter(name) });
        }
    }
    let recording = Recording::start(recorder);
    let logits = input(&pass(clips));
    recording.finish(first, &logits)
}

/// Ends the recording also when the pass panics.
struct Recording {
    outer: Option<Recorder>,
}

impl Recording {
    fn start(recorder: Recorder) -> Self {
        Self { outer: RECORDER.replace(Some(recorder)) }
    }

    fn finish(self, clips: ValueId, logits: &Input) -> Result<Graph, TraceError> {
        let mut recorder = RECORDER.take().expect("it was started");
        let logits = recorder.find("the end of the pass", logits);
        match recorder.fault {
            Some(fault) => Err(fault),
            None => Ok(Graph { values: recorder.values, steps: recorder.steps, clips, logits }),
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        RECORDER.set(self.outer.take());
    }
}

fn with_recorder(note: impl FnOnce(&mut Recorder)) {
    RECORDER.with_borrow_mut(|recorder| note(recorder.as_mut().expect("a pass is recorded")));
}

impl Recorder {
    fn keep<const D: usize>(&mut self, tensor: &Tensor<D>, origin: Origin) -> ValueId {
        let shape = tensor.dims().to_vec();
        self.keep_tensor(primitive(tensor).expect("placeholders are of this device"), Value { shape, origin })
    }

    fn keep_tensor(&mut self, tensor: FlexTensor, value: Value) -> ValueId {
        self.places.insert(address(&tensor), self.values.len());
        self.kept.push(tensor);
        self.values.push(value);
        self.values.len() - 1
    }

    fn find_all(&mut self, operation: &Operation, inputs: &[Input]) -> Vec<ValueId> {
        let reader = operation.name();
        inputs.iter().map(|input| self.find(&reader, input)).collect()
    }

    /// The value that `input` is. What is none becomes a fault, and the clips stand for it.
    fn find(&mut self, reader: &str, input: &Input) -> ValueId {
        let (reader, shape) = (reader.to_owned(), input.shape.clone());
        let known = input.tensor.as_ref().and_then(|tensor| Some((tensor, *self.places.get(&address(tensor))?)));
        match known {
            None => self.fail(TraceError::Foreign { reader, shape }),
            Some((tensor, place)) if tensor.layout() != self.kept[place].layout() => {
                let made = self.values[place].shape.clone();
                self.fail(TraceError::Rearranged { reader, made, shape });
            }
            Some((_, place)) => return place,
        }
        0
    }

    fn fail(&mut self, fault: TraceError) {
        self.fault.get_or_insert(fault);
    }
}
