use super::error::Result;
use super::graph::{Dim, Graph, Value};
use super::network::{Architecture, INPUT, Network};
use super::weights::Weights;
use crate::model::{PixelNorm, StateDict};

/// A network being written: its graph so far and the weights it is made of.
pub(super) struct Draft<'a> {
    pub(super) graph: Graph,
    pub(super) weights: Weights<'a>,
    pub(super) frames: usize,
}

impl<'a> Draft<'a> {
    pub(super) fn new(network: &Network, weights: &'a StateDict) -> Self {
        let weights = Weights::new(weights, network.name.clone());
        Self { graph: Graph::new(&network.name), weights, frames: network.frames }
    }

    /// The graph's input as normalised images.
    pub(super) fn clip_input(&mut self, network: &Network) -> Value {
        let side = |name| network.side.map_or(Dim::Free(name), Dim::Fixed);
        let dims = [Dim::Free("batch"), Dim::Fixed(self.frames), Dim::Fixed(3), side("height"), side("width")];
        let clips = self.graph.input(INPUT, &dims, 3);
        let images = self.graph.images_of_clips(&clips);
        self.normalise(&images, network.pixels)
    }

    fn normalise(&mut self, images: &Value, pixels: PixelNorm) -> Value {
        let mean = self.graph.floats("pixels.mean", &[3, 1, 1], &pixels.mean);
        let centred = self.graph.node("Sub", &[&images.name, &mean], &[], 3);
        let std = self.graph.floats("pixels.std", &[3, 1, 1], &pixels.std);
        self.graph.node("Div", &[&centred.name, &std], &[], 3)
    }

    /// Normalised images to logits `[batch, classes]`.
    pub(super) fn logits(&mut self, architecture: &Architecture, images: &Value) -> Result<Value> {
        match architecture {
            Architecture::Frames { trunk, module } => self.frame_network(trunk, *module, images),
            Architecture::MobileNetV2 { shift_divisor } => self.mobilenet(*shift_divisor, images),
            Architecture::Gst { layers, beta } => self.gst(layers, *beta, images),
            Architecture::Tpn { layers, groups, shift_shortcut } => self.tpn(layers, *groups, *shift_shortcut, images),
        }
    }

    /// Convolution of images with the norm behind it.
    pub(super) fn conv_norm(&mut self, x: &Value, conv: &str, norm: &str, stride: usize) -> Result<Value> {
        let filter = self.weights.folded(conv, norm)?.for_images()?;
        self.graph.conv(x, &filter, stride)
    }

    /// [`Draft::conv_norm`] and a ReLU.
    pub(super) fn conv_norm_relu(&mut self, x: &Value, conv: &str, norm: &str, stride: usize) -> Result<Value> {
        let y = self.conv_norm(x, conv, norm, stride)?;
        Ok(self.graph.relu(&y))
    }
}
