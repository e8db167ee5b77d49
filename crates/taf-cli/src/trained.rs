//! What is typed to name a trained run, its weights, and the videos it is asked about.

use std::path::{Path, PathBuf};

use anyhow::Result;
use burn::tensor::Device;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use taf::evaluate::Protocol;
use taf::trained::{Asked, Trained, Weights};

/// Where networks are evaluated.
pub fn device() -> Device {
    Device::flex()
}

/// Where networks are trained.
pub fn autodiff_device() -> Device {
    Device::flex().autodiff()
}

/// Reads a run whose network is to answer.
pub fn open(run: &Path, weights: Weights) -> Result<Trained> {
    Ok(Trained::open(run, weights, &device())?)
}

/// A trained run, and which of its weights.
#[derive(Clone, Debug, Args)]
pub struct TrainedArgs {
    /// Folder of the run
    #[arg(long, value_name = "RUN")]
    pub run: PathBuf,
    #[command(flatten)]
    pub weights: WeightsArgs,
}

impl TrainedArgs {
    /// Reads the run.
    pub fn open(&self) -> Result<Trained> {
        open(&self.run, self.weights.which())
    }
}

/// Which weights of a run.
#[derive(Clone, Copy, Debug, Args)]
pub struct WeightsArgs {
    /// Take the weights that did best on the run's validation videos instead of the newest; their accuracy is reported only
    /// on other videos
    #[arg(long)]
    pub best: bool,
}

impl WeightsArgs {
    /// The weights that were asked for.
    pub fn which(self) -> Weights {
        if self.best { Weights::Best } else { Weights::Last }
    }
}

/// Which videos a run is asked about, and how they are shown, where not as its recipe says.
#[derive(Clone, Debug, Default, Args)]
pub struct AskedArgs {
    /// Evaluate this split, where not the recipe's; may be given often
    #[arg(long, value_name = "NAME")]
    pub split: Vec<String>,
    /// Take the videos of this manifest
    #[arg(long, value_name = "MANIFEST")]
    pub data: Option<PathBuf>,
    /// Show the videos as a paper tests its networks, in clips of the run's own length
    #[arg(long, value_name = "NAME", value_parser = protocols())]
    pub protocol: Option<Protocol>,
    /// Show the videos in another way than the recipe says, such as data.eval.crops=three, data.eval.size=256 or
    /// data.views=twice; may be given often
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
}

impl AskedArgs {
    /// The same for the library.
    pub fn asked(&self) -> Asked<'_> {
        Asked {
            manifest: self.data.as_deref(),
            splits: &self.split,
            unlabelled: false,
            lesson: false,
            protocol: self.protocol,
            settings: &self.settings,
        }
    }
}

/// Every protocol by its name; the help says what each is.
pub fn protocols() -> impl TypedValueParser<Value = Protocol> {
    let named = |protocol: Protocol| PossibleValue::new(protocol.name()).help(protocol.summary());
    PossibleValuesParser::new(Protocol::ALL.map(named)).try_map(|name| name.parse::<Protocol>())
}
