use std::collections::BTreeMap;

use super::error::{OnnxError, Result};
use super::proto::{
    AttributeProto, DimensionProto, FLOAT, GraphProto, INT64, Length, NodeProto, TensorProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};
use super::weights::Filter;

/// A tensor the graph computes.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) name: String,
    /// Its channels, for convolutions to check.
    pub(super) channels: usize,
}

/// Length of an axis of an input or output: a number, or a name where it is left to the caller.
pub(super) enum Dim {
    Fixed(usize),
    Free(&'static str),
}

/// A setting of a node.
pub(super) enum Setting {
    Int(i64),
    Ints(Vec<i64>),
}

/// A graph under construction. Nodes are added in the order they are computed in.
#[derive(Default)]
pub(super) struct Graph {
    proto: GraphProto,
    uses: BTreeMap<String, usize>,
}

impl Graph {
    pub(super) fn new(name: &str) -> Self {
        Self { proto: GraphProto { name: name.to_owned(), ..GraphProto::default() }, ..Self::default() }
    }

    /// Something the caller gives.
    pub(super) fn input(&mut self, name: &str, dims: &[Dim], channels: usize) -> Value {
        self.proto.input.push(value_info(name, dims));
        Value { name: name.to_owned(), channels }
    }

    /// Hands `value` to the caller under another name.
    pub(super) fn output(&mut self, value: &Value, name: &str, dims: &[Dim]) {
        for output in self.proto.node.iter_mut().flat_map(|node| &mut node.output) {
            if *output == value.name {
                *output = name.to_owned();
            }
        }
        self.proto.output.push(value_info(name, dims));
    }

    /// The finished graph.
    pub(super) fn finish(self) -> GraphProto {
        self.proto
    }

    /// Adds an operator with one output of so many channels.
    pub(super) fn node(&mut self, op: &str, inputs: &[&str], settings: &[(&str, Setting)], channels: usize) -> Value {
        self.named_node(op, &op.to_lowercase(), inputs, settings, channels)
    }

    fn named_node(
        &mut self,
        op: &str,
        name: &str,
        inputs: &[&str],
        settings: &[(&str, Setting)],
        channels: usize,
    ) -> Value {
        let name = self.unique(name);
        self.proto.node.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: op.to_owned(),
            attribute: settings.iter().map(|(name, setting)| setting.attribute(name)).collect(),
        });
        Value { name, channels }
    }

    fn unique(&mut self, name: &str) -> String {
        let uses = self.uses.entry(name.to_owned()).or_default();
        *uses += 1;
        if *uses == 1 { name.to_owned() } else { format!("{name}.{uses}") }
    }

    /// A list of integers that shapes and slices read; equal lists are stored once.
    pub(super) fn integers(&mut self, values: &[i64]) -> String {
        let words: Vec<String> = values.iter().map(i64::to_string).collect();
        let name = format!("[{}]", words.join(","));
        if !self.uses.contains_key(&name) {
            let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            let (name, dims) = (self.unique(&name), vec![values.len() as i64]);
            self.proto.initializer.push(TensorProto { dims, data_type: INT64, name, raw_data });
        }
        name
    }

    /// A tensor of constants.
    pub(super) fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        let name = self.unique(name);
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let dims = shape.iter().map(|&dim| dim as i64).collect();
        self.proto.initializer.push(TensorProto { dims, data_type: FLOAT, name: name.clone(), raw_data });
        name
    }

    /// A single constant; equal names are stored once.
    pub(super) fn scalar(&mut self, name: &str, value: f32) -> String {
        if self.uses.contains_key(name) { name.to_owned() } else { self.floats(name, &[], &[value]) }
    }

    /// Convolution of images, volumes or rows, padded by half the kernel. Only height and width are strided.
    pub(super) fn conv(&mut self, x: &Value, filter: &Filter, stride: usize) -> Result<Value> {
        self.grouped_conv(x, filter, stride, 1)
    }

    /// [`Graph::conv`] whose channels only meet within their group.
    pub(super) fn grouped_conv(&mut self, x: &Value, filter: &Filter, stride: usize, groups: usize) -> Result<Value> {
        check_channels(x, filter, groups)?;
        let kernel = &filter.shape[2..];
        let spatial = |axis: usize| axis + 2 >= kernel.len();
        let strides = (0..kernel.len()).map(|axis| if spatial(axis) { stride as i64 } else { 1 });
        let padding = kernel.iter().chain(kernel).map(|&side| side as i64 / 2);
        let settings = [
            ("kernel_shape", Setting::Ints(kernel.iter().map(|&side| side as i64).collect())),
            ("strides", Setting::Ints(strides.collect())),
            ("pads", Setting::Ints(padding.collect())),
            ("group", Setting::Int(groups as i64)),
        ];
        let (weight, bias) = self.constants(filter);
        let inputs: Vec<&str> = [x.name.as_str(), &weight].into_iter().chain(bias.as_deref()).collect();
        Ok(self.named_node("Conv", &filter.name, &inputs, &settings, filter.channels_out()))
    }

    /// Linear layer of rows `[n, channels]`.
    pub(super) fn linear(&mut self, x: &Value, filter: &Filter) -> Result<Value> {
        check_channels(x, filter, 1)?;
        let (weight, bias) = self.constants(filter);
        let inputs: Vec<&str> = [x.name.as_str(), &weight].into_iter().chain(bias.as_deref()).collect();
        let settings = [("transB", Setting::Int(1))];
        Ok(self.named_node("Gemm", &filter.name, &inputs, &settings, filter.channels_out()))
    }

    fn constants(&mut self, filter: &Filter) -> (String, Option<String>) {
        let Filter { name, shape, weight, bias } = filter;
        let weight = self.floats(&format!("{name}.weight"), shape, weight);
        let bias = bias.as_ref().map(|bias| self.floats(&format!("{name}.bias"), &[bias.len()], bias));
        (weight, bias)
    }
}

fn check_channels(x: &Value, filter: &Filter, groups: usize) -> Result<()> {
    if filter.shape[1] * groups == x.channels && filter.shape[0].is_multiple_of(groups) {
        return Ok(());
    }
    let expected = format!("take {} channels in {groups} groups", x.channels);
    Err(OnnxError::Shape { name: format!("{}.weight", filter.name), expected, found: filter.shape.clone() })
}

fn value_info(name: &str, dims: &[Dim]) -> ValueInfoProto {
    let length = |dim: &Dim| match *dim {
        Dim::Fixed(length) => Length::Value(length as i64),
        Dim::Free(name) => Length::Param(name.to_owned()),
    };
    let dim = dims.iter().map(|dim| DimensionProto { value: Some(length(dim)) }).collect();
    let tensor_type = Some(TensorTypeProto { elem_type: FLOAT, shape: Some(TensorShapeProto { dim }) });
    ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type }) }
}

impl Setting {
    fn attribute(&self, name: &str) -> AttributeProto {
        let (r#type, i, ints) = match self {
            Self::Int(value) => (2, Some(*value), Vec::new()),
            Self::Ints(values) => (7, None, values.clone()),
        };
        AttributeProto { name: name.to_owned(), r#type, i, ints }
    }
}
