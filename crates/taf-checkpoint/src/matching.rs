use std::collections::HashSet;

use crate::layout::{Key, Layout, Network, Part, Weight, is_of_images};
use crate::tensor::Tensor;

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
    #[error("expected keys of one of the layouts {}, found {found:?}", Layout::names())]
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
pub fn match_weights(tensors: Vec<Tensor>, network: &Network, allowed: Allowed) -> Result<Matched, Mismatch> {
    let layout = Layout::detect(tensors.iter().map(|tensor| tensor.name.as_str()));
    let layout = layout.ok_or_else(|| Mismatch::Unknown { found: first_keys(&tensors) })?;
    if layout == Layout::Tpn && network.has_pyramid() && !network.shifts_shortcuts() && !allowed.partial {
        return Err(Mismatch::Shortcuts { layout, shifted: true });
    }
    if layout == Layout::Mmaction2 && network.shifts_shortcuts() && !allowed.partial {
        return Err(Mismatch::Shortcuts { layout, shifted: false });
    }
    let first = first_keys(&tensors);
    let mut matching = Matching {
        images: layout == Layout::Torchvision,
        taken: HashSet::new(),
        replaced: HashSet::new(),
        matched: Matched { layout, tensors: Vec::new(), reshaped: Vec::new(), fresh: Vec::new(), left: Vec::new() },
        network,
        allowed,
    };
    for tensor in tensors {
        matching.place(tensor)?;
    }
    if matching.matched.tensors.is_empty() {
        return Err(Mismatch::Nothing { layout, found: first });
    }
    matching.finish()
}

fn first_keys(tensors: &[Tensor]) -> Vec<String> {
    tensors.iter().take(4).map(|tensor| tensor.name.clone()).collect()
}

struct Matching<'a> {
    /// Whether the weights are an image network's, from which all start.
    images: bool,
    /// Published names that have their weight.
    taken: HashSet<&'a str>,
    /// Keys of classifiers that give way to a fresh one.
    replaced: HashSet<String>,
    matched: Matched,
    network: &'a Network,
    allowed: Allowed,
}

impl Matching<'_> {
    fn place(&mut self, tensor: Tensor) -> Result<(), Mismatch> {
        let key = self.matched.layout.read(&tensor.name);
        let wanted = key.as_ref().and_then(|key| Some((key, self.network.weight(&key.part)?)));
        let Some((key, weight)) = wanted else {
            self.matched.left.push(tensor.name);
            return Ok(());
        };
        self.check_shift(key, weight, &tensor.name)?;
        let name = weight.name.as_str();
        if !self.taken.insert(name) {
            return Err(Mismatch::Twice { name: name.to_owned(), key: tensor.name });
        }
        match self.shaped(tensor, weight)? {
            Some(tensor) => self.matched.tensors.push(tensor),
            None => drop(self.taken.remove(name)),
        }
        Ok(())
    }

    fn check_shift(&self, found: &Key, weight: &Weight, key: &str) -> Result<(), Mismatch> {
        match found.shifted {
            Some(file) if file != weight.shifted && !self.allowed.partial => {
                Err(Mismatch::Shifts { file, key: key.to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// The tensor by its published name and in the network's shape; none for a classifier that is to be fresh.
    fn shaped(&mut self, tensor: Tensor, weight: &Weight) -> Result<Option<Tensor>, Mismatch> {
        let Tensor { name: key, shape: found, values } = tensor;
        let Weight { name, shape, .. } = weight;
        if weight.classifier && (self.images || self.allowed.new_classifier) {
            self.replaced.insert(key.clone());
            self.matched.left.push(key);
            return Ok(None);
        }
        if weight.classifier && found.first() != shape.first() {
            return Err(other_classes(key, &found, shape));
        }
        let values = if found == *shape {
            values
        } else if self.images && with_time(&found) == *shape {
            self.note(name, found, shape, false);
            values
        } else if let Some(first) = self.first_channels(name, &found, shape, &values) {
            self.note(name, found, shape, true);
            first
        } else {
            return Err(Mismatch::Shape { key, expected: shape.clone(), found });
        };
        Ok(Some(Tensor { name: name.clone(), shape: shape.clone(), values }))
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

    fn finish(self) -> Result<Matched, Mismatch> {
        let Self { mut matched, taken, replaced, images, allowed, network } = self;
        let mut missing = Vec::new();
        for weight in network.weights() {
            if taken.contains(weight.name.as_str()) {
                continue;
            }
            if !may_be_fresh(weight, images, allowed) {
                missing.push(weight.name.clone());
            }
            matched.fresh.push(weight.name.clone());
        }
        // Numbers of mmaction2 that are no weights, and classifiers that were to be replaced.
        let expected = |key: &str| key.starts_with("data_preprocessor.") || replaced.contains(key);
        let left: Vec<String> = matched.left.iter().filter(|key| !expected(key)).cloned().collect();
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

/// Classifiers that are to be fresh, and what an image network does not have.
fn may_be_fresh(weight: &Weight, images: bool, allowed: Allowed) -> bool {
    let of_images = match &weight.part {
        Part::Trunk(name) => is_of_images(name),
        Part::Classifier(_) | Part::Neck(_) => false,
    };
    (images && !of_images) || (allowed.new_classifier && weight.classifier)
}
