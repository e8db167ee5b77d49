use std::collections::BTreeMap;

use super::proto::{
    AttributeProto, DimensionProto, FLOAT, GraphProto, INT64, Length, NodeProto, TensorProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};

/// Length of an axis of an input or output: a number, or a name where it is left to the caller.
pub(super) enum Dim {
    Fixed(usize),
    Free(&'static str),
}

/// A setting of a node.
#[derive(Clone)]
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
    pub(super) fn input(&mut self, name: &str, dims: &[Dim]) {
        self.proto.input.push(value_info(name, dims));
    }

    /// Hands a value to the caller under another name.
    pub(super) fn output(&mut self, value: &str, name: &str, dims: &[Dim]) {
        for output in self.proto.node.iter_mut().flat_map(|node| &mut node.output) {
            if output == value {
                *output = name.to_owned();
            }
        }
        self.proto.output.push(value_info(name, dims));
    }

    /// The finished graph.
    pub(super) fn finish(self) -> GraphProto {
        self.proto
    }

    /// Adds an operator with one output, and says what that is called.
    pub(super) fn node(&mut self, op: &str, inputs: &[&str], settings: &[(&str, Setting)]) -> String {
        self.named_node(op, &op.to_lowercase(), inputs, settings)
    }

    /// [`Graph::node`] by another name than its operator's.
    pub(super) fn named_node(&mut self, op: &str, name: &str, inputs: &[&str], settings: &[(&str, Setting)]) -> String {
        let name = self.unique(name);
        self.proto.node.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: op.to_owned(),
            attribute: settings.iter().map(|(name, setting)| setting.attribute(name)).collect(),
        });
        name
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
