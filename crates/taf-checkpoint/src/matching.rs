use std::collections::{HashMap, HashSet};

use crate::layout::{Layout, Network, Part, Published};
use crate::tensor::Tensor;

/// A weight of the network that is to be filled, by its published name and in PyTorch's layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// For example `base_model.layer1.0.conv1.weight`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// What may differ between the file and the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Start a new classifier; the file's is left out.
    pub new_classifier: bool,
    /// Take the weights that have a place in the network and leave out the others. Weights that the file lacks keep their
    /// random first values, and a network with temporal shifts may start from one without.
    pub partial: bool,
}

/// The weights of a file that a network takes, and what became of the rest.
#[derive(Clone, Debug, PartialEq)]
pub struct Matched {
    /// How the file names its weights.
    pub layout: Layout,
    /// The weights found, by their published names and in the network's shapes.
    pub tensors: Vec<Tensor>,
    /// Those of them that had another shape in the file.
    pub reshaped: Vec<Reshaped>,
    /// Weights of the network that the file does not hold, and that keep their first values.
    pub fresh: Vec<String>,
    /// Keys of the file that no weight of the network took.
    pub left: Vec<String>,
}

/// A weight that was brought into the network's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reshaped {
    /// Its published name.
    pub name: String,
    /// Its shape in the file.
    pub from: Vec<usize>,
    /// Its shape in the network.
    pub to: Vec<usize>,
    /// Whether only a part of it was taken.
    pub sliced: bool,
}

/// Why the weights of a file do not fit a network. Nothing is taken then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The keys are of no known layout.
    #[error("expected keys as torchvision, TSM, TAM, GST, TPN or mmaction2 name them, found {found:?}")]
    Unknown {
        /// Some of them.
        found: Vec<String>,
    },
    /// Two keys name one weight.
    #[error("expected every weight once, found {name} twice, the second time as {key}")]
    Twice {
        /// The published name.
        name: String,
        /// The later key.
        key: String,
    },
    /// The network and the file see time differently, which the shapes do not tell.
    #[error("{}", shifts_differ(*.file, .key))]
    Shifts {
        /// Whether the file has the shift.
        file: bool,
        /// Where it has or lacks it.
        key: String,
    },
    /// The shortcuts that project see time differently, which neither shapes nor keys tell.
    #[error(
        "expected a TPN of the same shortcuts, found one of {layout}, whose projections {} the shifted input; \
         --set model.shifted_shortcuts={shifted} makes the network the same",
        if *.shifted { "see" } else { "do not see" }
    )]
    Shortcuts {
        /// The layout of the file.
        layout: Layout,
        /// What its networks do.
        shifted: bool,
    },
    /// The classifier is of other classes.
    #[error("expected a classifier of {expected} classes, found {found} in {key}; --new-classifier starts a fresh one")]
    Classes {
        /// The network's.
        expected: usize,
        /// The file's.
        found: usize,
        /// Where.
        key: String,
    },
    /// A weight has another shape.
    #[error("expected {key} to have shape {expected:?}, found {found:?}{}", shape_hint(.key))]
    Shape {
        /// The key in the file.
        key: String,
        /// The network's shape.
        expected: Vec<usize>,
        /// The file's shape.
        found: Vec<usize>,
    },
    /// Weights are missing or left over.
    #[error(
        "expected the weights of the whole network and no others, found {} missing{} and {} left over{}; \
         --partial takes what fits",
        .missing.len(), some(.missing), .left.len(), some(.left)
    )]
    Parts {
        /// Published names the file lacks.
        missing: Vec<String>,
        /// Keys the network lacks.
        left: Vec<String>,
    },
    /// Nothing fits.
    #[error("expected weights of this network in the {layout} layout, found none; the file's keys begin {found:?}")]
    Nothing {
        /// The layout of the file.
        layout: Layout,
        /// Some keys.
        found: Vec<String>,
    },
}

fn shifts_differ(file: bool, key: &str) -> String {
    let (expected, found) = if file { ("no temporal shift", "one") } else { ("a temporal shift", "none") };
    let hint = if file { "import it as a model with shifts" } else { "--partial starts shifts from weights without" };
    format!("expected {expected} in front of {key}, found {found}; {hint}")
}

fn shape_hint(key: &str) -> &'static str {
    // TAM's kernel branch mixes the frames of a clip.
    if key.contains(".tam.G.") { "; TAM's weights belong to a number of frames: --frames" } else { "" }
}

fn some(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    match names.len() {
        0 => String::new(),
        n if n > SHOWN => format!(" ({}, ...)", shown.join(", ")),
        _ => format!(" ({})", shown.join(", ")),
    }
}

/// Finds the weights a network wants among those of a file, whatever layout it has.
///
/// From torchvision's weights, which are those of an image network, every video network starts: its temporal modules, its
/// neck and its classifier stay fresh, and for GST the convolutions get a time axis and those it splits are cut to their
/// first channels. Every other file must hold the whole network.
///
/// # Errors
/// If the layout is unknown, or anything differs that `allowed` does not allow.
pub fn match_weights(
    tensors: Vec<Tensor>,
    wanted: &[Wanted],
    network: &Network,
    allowed: Allowed,
) -> Result<Matched, Mismatch> {
    let layout = Layout::detect(tensors.iter().map(|tensor| tensor.name.as_str()));
    let layout = layout.ok_or_else(|| Mismatch::Unknown { found: first_keys(&tensors) })?;
    if layout == Layout::Tpn && network.pyramid && !network.shifted_shortcuts && !allowed.partial {
        return Err(Mismatch::Shortcuts { layout, shifted: true });
    }
    if layout == Layout::Mmaction2 && network.shifted_shortcuts && !allowed.partial {
        return Err(Mismatch::Shortcuts { layout, shifted: false });
    }
    let first = first_keys(&tensors);
    let mut matching = Matching {
        images: layout == Layout::Torchvision,
        shapes: wanted.iter().map(|wanted| (wanted.name.as_str(), wanted.shape.as_slice())).collect(),
        taken: HashSet::new(),
        matched: Matched { layout, tensors: Vec::new(), reshaped: Vec::new(), fresh: Vec::new(), left: Vec::new() },
        network,
        allowed,
    };
    let family = wanted.first().map_or(Published::Recognizer, |wanted| Published::of(&wanted.name));
    for tensor in tensors {
        matching.place(tensor, family)?;
    }
    if matching.matched.tensors.is_empty() {
        return Err(Mismatch::Nothing { layout, found: first });
    }
    matching.finish(wanted)
}

fn first_keys(tensors: &[Tensor]) -> Vec<String> {
    tensors.iter().take(4).map(|tensor| tensor.name.clone()).collect()
}

struct Matching<'a> {
    /// Whether the weights are an image network's, from which all start.
    images: bool,
    shapes: HashMap<&'a str, &'a [usize]>,
    taken: HashSet<String>,
    matched: Matched,
    network: &'a Network,
    allowed: Allowed,
}

impl Matching<'_> {
    fn place(&mut self, tensor: Tensor, family: Published) -> Result<(), Mismatch> {
        let part = self.matched.layout.part(&tensor.name);
        let name = part.as_ref().and_then(|part| family.key(part));
        let wanted = name.and_then(|name| self.shapes.get_key_value(name.as_str()));
        let Some((&name, &shape)) = wanted else {
            self.matched.left.push(tensor.name);
            return Ok(());
        };
        if let Some(part) = &part {
            self.check_shift(part, &tensor.name)?;
        }
        if !self.taken.insert(name.to_owned()) {
            return Err(Mismatch::Twice { name: name.to_owned(), key: tensor.name });
        }
        match self.shaped(tensor, name, shape)? {
            Some(tensor) => self.matched.tensors.push(tensor),
            None => drop(self.taken.remove(name)),
        }
        Ok(())
    }

    fn check_shift(&self, part: &Part, key: &str) -> Result<(), Mismatch> {
        match part {
            Part::Trunk { name, shifted: Some(file) }
                if *file != self.network.shifts(name) && !self.allowed.partial =>
            {
                Err(Mismatch::Shifts { file: *file, key: key.to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// The tensor by its published name and in the network's shape; none for a classifier that is to be fresh.
    fn shaped(&mut self, tensor: Tensor, name: &str, shape: &[usize]) -> Result<Option<Tensor>, Mismatch> {
        let Tensor { name: key, shape: found, values } = tensor;
        if Published::is_classifier(name) && (self.images || self.allowed.new_classifier) {
            self.matched.left.push(key);
            return Ok(None);
        }
        if Published::is_classifier(name) && found.first() != shape.first() {
            return Err(other_classes(key, &found, shape));
        }
        let values = if found == shape {
            values
        } else if self.images && with_time(&found) == *shape {
            self.note(name, found, shape, false);
            values
        } else if let Some(first) = self.first_channels(name, &found, shape, &values) {
            self.note(name, found, shape, true);
            first
        } else {
            return Err(Mismatch::Shape { key, expected: shape.to_vec(), found });
        };
        Ok(Some(Tensor { name: name.to_owned(), shape: shape.to_vec(), values }))
    }

    /// GST's rule: its spatial convolution sees and makes the first channels of the image network's.
    fn first_channels(&self, name: &str, found: &[usize], shape: &[usize], values: &[f32]) -> Option<Vec<f32>> {
        let spatial = self.images && name.ends_with(".conv2.weight");
        let (&[outs, ins, height, width], &[kept_outs, kept_ins, 1, h, w]) = (found, shape) else { return None };
        let inside = kept_outs <= outs && kept_ins <= ins && (h, w) == (height, width);
        let row = height * width;
        (spatial && inside).then(|| {
            let start = |out: usize| out * ins * row;
            (0..kept_outs).flat_map(|out| &values[start(out)..start(out) + kept_ins * row]).copied().collect()
        })
    }

    fn note(&mut self, name: &str, from: Vec<usize>, to: &[usize], sliced: bool) {
        self.matched.reshaped.push(Reshaped { name: name.to_owned(), from, to: to.to_vec(), sliced });
    }

    fn finish(self, wanted: &[Wanted]) -> Result<Matched, Mismatch> {
        let Self { mut matched, taken, images, allowed, .. } = self;
        matched.fresh =
            wanted.iter().map(|wanted| &wanted.name).filter(|name| !taken.contains(*name)).cloned().collect();
        let missing: Vec<String> =
            matched.fresh.iter().filter(|name| !may_be_fresh(name, images, allowed)).cloned().collect();
        let left: Vec<String> = matched.left.iter().filter(|key| !may_be_left(key, allowed)).cloned().collect();
        let left = if images { left.into_iter().filter(|key| !is_image_classifier(key)).collect() } else { left };
        if allowed.partial || (missing.is_empty() && left.is_empty()) {
            return Ok(matched);
        }
        Err(Mismatch::Parts { missing, left })
    }
}

fn other_classes(key: String, found: &[usize], shape: &[usize]) -> Mismatch {
    let count = |shape: &[usize]| shape.first().copied().unwrap_or(0);
    Mismatch::Classes { expected: count(shape), found: count(found), key }
}

/// A convolution over images as one over clips: `[out, in, 1, height, width]`.
fn with_time(shape: &[usize]) -> Vec<usize> {
    match shape {
        &[outs, ins, height, width] => vec![outs, ins, 1, height, width],
        _ => Vec::new(),
    }
}

fn may_be_fresh(name: &str, images: bool, allowed: Allowed) -> bool {
    let temporal = [".tam.", ".Tconv.", "necks."].iter().any(|part| name.contains(part));
    (images && (temporal || Published::is_classifier(name)))
        || (allowed.new_classifier && Published::is_classifier(name))
}

/// Numbers of mmaction2 that are no weights, and classifiers that were to be replaced.
fn may_be_left(key: &str, allowed: Allowed) -> bool {
    let classifier = ["new_fc.", "cls_head.fc_cls.", "necks.aux_head.fc.", "neck.aux_head.fc."];
    key.starts_with("data_preprocessor.")
        || (allowed.new_classifier && classifier.iter().any(|start| key.starts_with(start)))
}

fn is_image_classifier(key: &str) -> bool {
    key.starts_with("fc.") || key.starts_with("classifier.")
}
