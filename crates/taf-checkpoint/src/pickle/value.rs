use crate::error::{Fault, Result};

/// The place of a value in its [`Pickle`].
pub(crate) type Id = u32;

/// What a pickle describes.
#[derive(Debug)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Text(String),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// Something Python would import: `module.name`.
    Class(String),
    /// Something Python would get by calling `class`; `items` are those set on it afterwards.
    Call {
        class: Id,
        args: Id,
        items: Vec<(Id, Id)>,
    },
    /// Something that lies outside the pickle: what a persistent id stands for.
    Outside(Id),
    /// Floats, bytes, sets, and numbers and texts too long to matter here.
    Other(&'static str),
}

/// How much a pickle may hold: some hundred times what the largest published checkpoints do.
const MOST_VALUES: usize = 2_000_000;
const MOST_LINKS: usize = 6_000_000;
const MOST_TEXT: usize = 64 << 20;
/// Bytes in the name of a weight, a storage or a class. Values may share a name, and what is made of them must not copy
/// much of it each time.
const LONGEST_NAME: usize = 512;

/// A pickle's values and the one it stands for.
#[derive(Debug)]
pub(crate) struct Pickle {
    values: Vec<Value>,
    links: usize,
    text: usize,
    pub(crate) root: Id,
}

impl Pickle {
    pub(crate) fn new() -> Self {
        Self { values: Vec::new(), links: 0, text: 0, root: 0 }
    }

    pub(crate) fn add(&mut self, value: Value) -> Result<Id> {
        self.count_links(match &value {
            Value::Tuple(parts) | Value::List(parts) => parts.len(),
            Value::Dict(pairs) => 2 * pairs.len(),
            _ => 0,
        })?;
        if let Value::Text(text) | Value::Class(text) = &value {
            self.text += text.len();
        }
        if self.values.len() >= MOST_VALUES || self.text > MOST_TEXT {
            return Err(too_much());
        }
        self.values.push(value);
        Ok((self.values.len() - 1) as Id)
    }

    /// Notes that so many values are referred to once more.
    pub(crate) fn count_links(&mut self, more: usize) -> Result<()> {
        self.links += more;
        if self.links > MOST_LINKS { Err(too_much()) } else { Ok(()) }
    }

    pub(crate) fn get(&self, id: Id) -> &Value {
        &self.values[id as usize]
    }

    pub(crate) fn get_mut(&mut self, id: Id) -> &mut Value {
        &mut self.values[id as usize]
    }

    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }

    pub(crate) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn tuple(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Tuple(parts) => Some(parts),
            _ => None,
        }
    }

    /// A number that counts something.
    pub(crate) fn count(&self, id: Id) -> Option<u64> {
        match self.get(id) {
            Value::Int(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// `module.name` of a class, or of what a call calls.
    pub(crate) fn class(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Class(name) => Some(name),
            _ => None,
        }
    }

    /// The entries of a dictionary of any kind.
    pub(crate) fn entries(&self, id: Id) -> Option<Vec<(Id, Id)>> {
        match self.get(id) {
            Value::Dict(pairs) => Some(pairs.clone()),
            Value::Call { class, args, items } if self.is_dict_class(*class) => {
                Some([self.given_pairs(*args), items.clone()].concat())
            }
            _ => None,
        }
    }

    /// The pairs in `OrderedDict([[key, value], ...])`, which is how Python 2 writes one.
    fn given_pairs(&self, args: Id) -> Vec<(Id, Id)> {
        let Some(&[list]) = self.tuple(args) else { return Vec::new() };
        let Value::List(pairs) = self.get(list) else { return Vec::new() };
        let pair = |&id: &Id| match self.get(id) {
            Value::List(parts) | Value::Tuple(parts) => {
                <[Id; 2]>::try_from(&parts[..]).ok().map(|[key, value]| (key, value))
            }
            _ => None,
        };
        pairs.iter().filter_map(pair).collect()
    }

    fn is_dict_class(&self, class: Id) -> bool {
        matches!(self.class(class), Some("collections.OrderedDict" | "collections.defaultdict" | "builtins.dict"))
    }

    /// What a value is, for messages.
    pub(crate) fn kind(&self, id: Id) -> String {
        match self.get(id) {
            Value::None => "None".into(),
            Value::Bool(_) => "a truth value".into(),
            Value::Int(_) => "a whole number".into(),
            Value::Text(_) => "a text".into(),
            Value::Tuple(_) => "a tuple".into(),
            Value::List(_) => "a list".into(),
            Value::Dict(_) => "a dictionary".into(),
            Value::Class(name) => format!("the class {name}"),
            Value::Call { class, .. } => format!("an object of {}", self.class(*class).unwrap_or("unknown make")),
            Value::Outside(_) => "a storage".into(),
            Value::Other(kind) => (*kind).into(),
        }
    }
}

/// The name of `what`, if it is of sane length.
pub(crate) fn name_of<'a>(what: &str, name: &'a str) -> Result<&'a str> {
    if name.len() > LONGEST_NAME {
        let expected = format!("the name of {what} in at most {LONGEST_NAME} bytes");
        return Err(Fault::content(expected, format!("one of {}", name.len())));
    }
    Ok(name)
}

fn too_much() -> Fault {
    let expected =
        format!("a pickle of at most {MOST_VALUES} values, {MOST_LINKS} links and {MOST_TEXT} bytes of text");
    Fault::content(expected, "more")
}
