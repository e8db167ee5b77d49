use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::Path;

use prost::Message;
use taf_files::write_atomic;

use super::axes::{Axis, View};
use super::draft::{Draft, Held};
use super::error::{OnnxError, Result};
use super::filter::Constant;
use super::graph::Dim;
use super::layers::Walk;
use super::proto::{ModelProto, OperatorSetIdProto, StringStringEntryProto};
use crate::model::{ClipShape, MOST_FRAMES, VideoModel, published, state_dict, trace};
use crate::trace::{Graph, Operation, Origin, Step, ValueId};

/// Name of the graph's input: clips `[batch, time, 3, height, width]`, RGB in [0, 1].
pub const INPUT: &str = "clips";
/// Name of the graph's output: class scores before the softmax, `[batch, classes]`.
pub const OUTPUT: &str = "logits";

const IR_VERSION: i64 = 7;
const OPERATOR_SET: i64 = 13;
/// The most bytes a protocol buffer may have.
const MOST_BYTES: usize = i32::MAX as usize;
/// Pixels along a side: from what the trunks leave one place of, to what recipes take.
const SIDES: RangeInclusive<usize> = 32..=2048;
/// Lengths that stand for what the caller of the graph chooses. None is a power of two, and none divides another, so that
/// most networks that mix up their axes are noticed.
const BATCH: usize = 3;
const HEIGHT: usize = 32 * 5;
const WIDTH: usize = 32 * 7;

/// What the file says of the network beside the graph itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// The graph's name.
    pub name: String,
    /// Frames per clip, 1 to 512.
    pub frames: usize,
    /// Height and width of the clips, 32 to 2048 pixels; `None` leaves both to the caller.
    pub side: Option<usize>,
    /// Class names in label order, which the file carries as the metadata `classes`, a JSON list.
    pub classes: Vec<String>,
}

/// Makes the graph of `model` at inference.
///
/// # Errors
/// If its pass leaves the functions of [`ops`](crate::ops), or does what ONNX cannot say for clips of any number and size;
/// if the description contradicts itself or the model.
pub fn to_onnx<M: VideoModel>(model: &M, description: &Description) -> Result<ModelProto> {
    description.check(model.classes())?;
    let clips = description.clips();
    let pass = trace(model, clips)?;
    let mut draft = Draft::new(&description.name, uses(&pass));
    description.take_clips(&mut draft, &pass, clips);
    hold_known(&mut draft, &pass, model);
    write_steps(&mut draft, &pass)?;
    let logits = draft.view(pass.logits)?;
    let logits = draft.stored_as(&logits, &logits.axes)?;
    draft.graph.output(&logits, OUTPUT, &[Dim::Free("batch"), Dim::Fixed(model.classes())]);
    Ok(ModelProto {
        ir_version: IR_VERSION,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPERATOR_SET }],
        producer_name: "taf".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(draft.graph.finish()),
        metadata_props: description.metadata(),
    })
}

/// Writes [`to_onnx`]'s graph to a file, whole or not at all. Returns the bytes of the file.
///
/// # Errors
/// As [`to_onnx`]; if the file would exceed 2 GiB or cannot be written.
pub fn write_onnx<M: VideoModel>(path: &Path, model: &M, description: &Description) -> Result<usize> {
    let proto = to_onnx(model, description)?;
    let bytes = proto.encoded_len();
    if bytes > MOST_BYTES {
        return Err(OnnxError::TooLarge { bytes });
    }
    write_atomic(path, &proto.encode_to_vec())?;
    Ok(bytes)
}

/// How often each value of the pass is read.
fn uses(pass: &Graph) -> Vec<usize> {
    let mut uses = vec![0; pass.values.len()];
    pass.steps.iter().flat_map(|step| &step.inputs).for_each(|&input| uses[input] += 1);
    uses
}

fn hold_known<M: VideoModel>(draft: &mut Draft, pass: &Graph, model: &M) {
    let mut state = state_dict(model);
    let names: HashMap<String, String> =
        published(model).into_iter().map(|parameter| (parameter.own, parameter.weight.name)).collect();
    for (value, origin) in pass.values.iter().map(|value| &value.origin).enumerate() {
        if let Origin::Filled(number) = origin {
            let shape = pass.values[value].shape.clone();
            let values = vec![*number; shape.iter().product()];
            draft.hold(value, Held::Constant(Constant { name: "filled".into(), shape, values }));
        }
        if let Origin::Parameter(own) = origin {
            let data = state.remove(own).expect("the model has its own parameters");
            let name = names.get(own).unwrap_or(own).clone();
            let shape = data.shape().to_vec();
            let values = data.convert::<f32>().try_into_vec().expect("the values were made f32");
            draft.hold(value, Held::Constant(Constant { name, shape, values }));
        }
    }
}

/// Writes what the logits need. Two convolutions that read the same shifted images shift them once.
fn write_steps(draft: &mut Draft, pass: &Graph) -> Result<()> {
    let needed = pass.needed();
    let mut shifts: Vec<&Step> = Vec::new();
    for step in pass.steps.iter().filter(|step| step.outputs.iter().any(|&output| needed[output])) {
        let same = |other: &&&Step| other.operation == step.operation && other.inputs == step.inputs;
        let held = match shifts.iter().find(same) {
            Some(twin) => draft.held(twin.outputs[0]).clone(),
            None => write(draft, step, pass)?,
        };
        if matches!(step.operation, Operation::Shift { .. }) {
            shifts.push(step);
        }
        step.outputs.iter().for_each(|&output| draft.hold(output, held.clone()));
    }
    Ok(())
}

fn write(draft: &mut Draft, step: &Step, pass: &Graph) -> Result<Held> {
    let inputs = step.inputs.as_slice();
    let (x, shape) = (inputs[0], &pass.values[step.outputs[0]].shape);
    match &step.operation {
        Operation::Pixels(colors) => draft.pixels(x, *colors),
        Operation::Convolution { stride, padding, groups } => {
            let kernel = &pass.values[inputs[1]].shape;
            draft.convolution(x, inputs[1], &walks(kernel, stride, padding, shape), *groups)
        }
        Operation::NormMap { epsilon } => draft.norm_map(inputs, *epsilon),
        Operation::Affine => draft.affine(x, inputs[1]),
        Operation::Add => draft.both("Add", x, inputs[1]),
        Operation::Subtract => draft.both("Sub", x, inputs[1]),
        Operation::Multiply => draft.both("Mul", x, inputs[1]),
        Operation::Relu => draft.each("Relu", x),
        Operation::Sigmoid => draft.each("Sigmoid", x),
        Operation::ClampMax { ceiling } => draft.clamp_max(x, *ceiling),
        Operation::Softmax => draft.softmax(x),
        Operation::Shift { frames, fold } => draft.shift(x, *frames, *fold),
        Operation::Adaptive => draft.adaptive(x, inputs[1], inputs[2]),
        Operation::MaxPool { kernel, stride, padding } => draft.max_pool(x, &walks(kernel, stride, padding, shape)),
        Operation::Mean => draft.mean(x),
        Operation::Linear => draft.linear(x, inputs[1], inputs[2]),
        Operation::Reshape => draft.reshape_value(x, shape),
        Operation::Permute { axes } => draft.permute_value(x, axes),
        Operation::Concatenate { axis } => draft.concatenate(inputs, *axis, shape.len()),
        Operation::Slice { axis, start } => draft.slice_value(x, *axis, *start, shape[*axis]),
    }
}

/// What windows do along each axis of places; `result` is `[n, places.., channels]`.
fn walks(kernel: &[usize], stride: &[usize], padding: &[usize], result: &[usize]) -> Vec<Walk> {
    let walk = |axis: usize| Walk {
        kernel: kernel[axis],
        stride: stride[axis],
        padding: padding[axis],
        left: result[axis + 1],
    };
    (0..stride.len()).map(walk).collect()
}

impl Description {
    fn check(&self, classes: usize) -> Result<()> {
        within("frames", self.frames, 1..=MOST_FRAMES)?;
        self.side.map_or(Ok(()), |side| within("the clips' side", side, SIDES))?;
        if self.classes.len() == classes {
            return Ok(());
        }
        let expected = format!("name the classifier's {classes} classes");
        Err(OnnxError::Description { what: "class names", expected, found: self.classes.len().to_string() })
    }

    /// The clips of the pass that is followed.
    fn clips(&self) -> ClipShape {
        let (height, width) = self.side.map_or((HEIGHT, WIDTH), |side| (side, side));
        ClipShape { batch: BATCH, frames: self.frames, height, width }
    }

    fn take_clips(&self, draft: &mut Draft, pass: &Graph, clips: ClipShape) {
        let free = self.side.is_none();
        let side = |name| self.side.map_or(Dim::Free(name), Dim::Fixed);
        let dims = [Dim::Free("batch"), Dim::Fixed(self.frames), Dim::Fixed(3), side("height"), side("width")];
        draft.graph.input(INPUT, &dims);
        let lengths = [(BATCH, true), (self.frames, false), (3, false), (clips.height, free), (clips.width, free)];
        let axes: Vec<Axis> = lengths.map(|(length, free)| draft.pieces.axis(length, free)).into();
        let clips: ValueId = pass.clips;
        draft.hold(clips, Held::View(View { name: INPUT.to_owned(), stored: axes.clone(), axes }));
    }

    fn metadata(&self) -> Vec<StringStringEntryProto> {
        let entry = |key: &str, value: String| StringStringEntryProto { key: key.to_owned(), value };
        let classes = serde_json::to_string(&self.classes).expect("texts are JSON");
        vec![entry("model", self.name.clone()), entry("classes", classes), entry("frames", self.frames.to_string())]
    }
}

fn within(what: &'static str, value: usize, range: RangeInclusive<usize>) -> Result<()> {
    if range.contains(&value) {
        return Ok(());
    }
    let expected = format!("lie between {} and {}", range.start(), range.end());
    Err(OnnxError::Description { what, expected, found: value.to_string() })
}
