use std::collections::{HashMap, HashSet};

use crate::error::{Fault, Result};
use crate::pickle::{Id, Pickle, Value, name_of};
use crate::storage::Place;
use crate::tensor::Number;

/// Where training programs put the weights in what they save, and copies of them: averages over steps, teachers.
const HOMES: [&str; 19] = [
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "module",
    "network",
    "net",
    "weights",
    "params",
    "checkpoint",
    "state_dict_ema",
    "ema_state_dict",
    "model_ema",
    "ema_model",
    "ema",
    "model_state_dict_ema",
    "params_ema",
    "teacher",
    "student",
];
/// Deepest that weights lie in such places.
const DEEPEST_HOME: usize = 3;
/// Most weights, or storages, of one file: the largest published checkpoints have some thousand.
pub(crate) const MOST_ENTRIES: usize = 100_000;
/// Deepest chain of wrappers around one tensor (a parameter around a tensor is two).
const MOST_WRAPPERS: usize = 4;

/// The tensors of a pickle and where their values are.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The key the state dictionary was found under; none where it is the whole pickle.
    pub(crate) home: Option<String>,
    pub(crate) places: Vec<(String, Place)>,
    /// Entries of the state dictionary that are no tensors: name and what they are.
    pub(crate) ignored: Vec<String>,
}

/// Finds the state dictionaries, at least one. Nothing else in the pickle is looked at, so optimiser state costs nothing.
pub(crate) fn find(pickle: &Pickle) -> Result<Vec<State>> {
    let mut search = Search { pickle, seen: HashSet::new(), found: Vec::new() };
    search.visit(pickle.root, None, 0)?;
    if search.found.is_empty() { Err(without_weights(pickle)) } else { Ok(search.found) }
}

/// A walk through the places where weights lie. A dictionary that is reached twice is one.
struct Search<'a> {
    pickle: &'a Pickle,
    seen: HashSet<Id>,
    found: Vec<State>,
}

impl Search<'_> {
    fn visit(&mut self, dictionary: Id, home: Option<String>, depth: usize) -> Result<()> {
        let entries = self.pickle.entries(dictionary).filter(|_| depth <= DEEPEST_HOME && self.seen.insert(dictionary));
        let Some(entries) = entries else { return Ok(()) };
        let before = self.found.len();
        for (key, value) in &entries {
            if let Some(inner) = self.pickle.text(*key).filter(|key| HOMES.contains(key)) {
                let home = home.as_ref().map_or(inner.to_owned(), |outer| format!("{outer}.{inner}"));
                self.visit(*value, Some(home), depth + 1)?;
            }
        }
        if self.found.len() == before {
            self.found.extend(collect(self.pickle, &entries, home)?);
        }
        Ok(())
    }
}

fn without_weights(pickle: &Pickle) -> Fault {
    let Some(entries) = pickle.entries(pickle.root) else {
        return Fault::content("a dictionary of weights (what model.state_dict() gives)", pickle.kind(pickle.root));
    };
    let keys: Vec<&str> = entries.iter().filter_map(|(key, _)| pickle.text(*key)).take(8).collect();
    Fault::content("weights", format!("none in a dictionary of {} entries {keys:?}", entries.len()))
}

/// The weights of a dictionary; none where it has none.
fn collect(pickle: &Pickle, entries: &[(Id, Id)], home: Option<String>) -> Result<Option<State>> {
    if entries.len() > MOST_ENTRIES {
        let expected = format!("a dictionary of at most {MOST_ENTRIES} weights");
        return Err(Fault::content(expected, format!("{} entries", entries.len())));
    }
    let mut state = State { home, ..State::default() };
    let mut names = HashSet::new();
    for &(key, value) in entries {
        let name = name_of("a weight", pickle.text(key).unwrap_or("an entry without a name"))?;
        match place(pickle, value, name)? {
            None => state.ignored.push(format!("{name} ({})", pickle.kind(value))),
            Some(_) if !names.insert(name) => {
                return Err(Fault::content("every name once", format!("{name} twice")));
            }
            Some(place) => state.places.push((name.to_owned(), place)),
        }
    }
    Ok((!state.places.is_empty()).then_some(state))
}

/// The place of a tensor; none for values of other kinds.
fn place(pickle: &Pickle, value: Id, name: &str) -> Result<Option<Place>> {
    let mut value = value;
    for _ in 0..MOST_WRAPPERS {
        let Value::Call { class, args, .. } = pickle.get(value) else { return Ok(None) };
        let args = pickle.tuple(*args).unwrap_or_default();
        match (pickle.class(*class), args) {
            (Some("torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state"), [inner, ..]) => {
                value = *inner;
            }
            (
                Some("torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2"),
                [storage, offset, shape, strides, ..],
            ) => {
                return tensor(pickle, [*storage, *offset, *shape, *strides], name).map(Some);
            }
            (Some(class), _) if class.starts_with("torch._utils._rebuild") || class.starts_with("torch._tensor.") => {
                let expected = format!("{name} to be a plain tensor");
                return Err(Fault::content(expected, format!("one that {class} would build")));
            }
            _ => return Ok(None),
        }
    }
    Ok(None)
}

fn tensor(pickle: &Pickle, [storage, offset, shape, strides]: [Id; 4], name: &str) -> Result<Place> {
    let broken = |what: &str| Fault::content(format!("{name} to have {what}"), "other values in their place");
    let counts = |id| pickle.tuple(id)?.iter().map(|&size| pickle.count(size)).collect::<Option<Vec<u64>>>();
    let storage = Storage::read(pickle, storage, name)?;
    let place = Place {
        offset: storage
            .first
            .checked_add(pickle.count(offset).ok_or_else(|| broken("an offset"))?)
            .ok_or_else(|| broken("an offset"))?,
        shape: counts(shape).ok_or_else(|| broken("a shape of whole numbers"))?,
        strides: counts(strides).ok_or_else(|| broken("strides of whole numbers"))?,
        number: storage.number,
        stored: storage.end,
        storage: storage.key.to_owned(),
    };
    place.check(name)?;
    Ok(place)
}

/// What a persistent id says of a storage.
struct Storage<'a> {
    key: &'a str,
    number: Number,
    /// Elements of it that may be used: all, or in very old files a view of some.
    first: u64,
    end: u64,
}

/// Bytes of an element of every storage a pickle names, for containers that hold them in a row.
pub(crate) fn sizes(pickle: &Pickle) -> Result<HashMap<&str, usize>> {
    let mut sizes = HashMap::new();
    for value in pickle.values() {
        let Value::Outside(id) = value else { continue };
        let Some(storage) = Storage::parse(pickle, *id)? else { continue };
        sizes.insert(storage.key, storage.number.size());
        if sizes.len() > MOST_ENTRIES {
            return Err(Fault::content(format!("at most {MOST_ENTRIES} storages"), "more"));
        }
    }
    Ok(sizes)
}

impl<'a> Storage<'a> {
    fn read(pickle: &'a Pickle, id: Id, name: &str) -> Result<Self> {
        let Value::Outside(id) = pickle.get(id) else {
            return Err(Fault::content(format!("{name} to have a storage"), pickle.kind(id)));
        };
        Self::parse(pickle, *id)?
            .ok_or_else(|| Fault::content(format!("{name} to name its storage, kind and size"), pickle.kind(*id)))
    }

    /// `("storage", class, key, device, elements)`, and in very old files a view `(key, offset, elements)` or None.
    fn parse(pickle: &'a Pickle, id: Id) -> Result<Option<Self>> {
        let Some([_, class, key, _, stored, rest @ ..]) = pickle.tuple(id) else { return Ok(None) };
        let (Some(class), Some(key), Some(stored)) = (pickle.class(*class), pickle.text(*key), pickle.count(*stored))
        else {
            return Ok(None);
        };
        let view = rest.first().and_then(|view| pickle.tuple(*view));
        let (first, end) = match view {
            Some([_, first, count]) => {
                let first = pickle.count(*first).unwrap_or(u64::MAX);
                (first, first.saturating_add(pickle.count(*count).unwrap_or(u64::MAX)).min(stored))
            }
            _ => (0, stored),
        };
        Ok(Some(Self { key: name_of("a storage", key)?, number: number(class)?, first, end }))
    }
}

fn number(class: &str) -> Result<Number> {
    Ok(match class.rsplit('.').next().unwrap_or(class) {
        "FloatStorage" => Number::F32,
        "HalfStorage" => Number::F16,
        "BFloat16Storage" => Number::Bf16,
        "DoubleStorage" => Number::F64,
        "LongStorage" => Number::I64,
        "IntStorage" => Number::I32,
        "ShortStorage" => Number::I16,
        "CharStorage" => Number::I8,
        "ByteStorage" | "BoolStorage" => Number::U8,
        _ => return Err(Fault::content("a storage of real numbers", class)),
    })
}
