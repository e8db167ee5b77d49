use super::draft::Draft;
use super::error::Result;
use super::graph::Value;
use super::network::FrameModule;
use crate::model::{BlockKind, ResNetConfig};

/// A residual block's place and kind.
pub(super) struct Block {
    /// `base_model.layer1.0`
    pub(super) path: String,
    /// Of the block.
    pub(super) stride: usize,
    /// Whether the shortcut is a projection.
    pub(super) projected: bool,
}

/// A ResNet on images, by the names of torchvision.
pub(super) struct Trunk<'a> {
    /// What the names begin with.
    pub(super) path: &'a str,
    /// Blocks per stage.
    pub(super) layers: &'a [usize],
    /// Kind of every block.
    pub(super) kind: BlockKind,
    /// How blocks see neighbouring frames.
    pub(super) module: FrameModule,
    /// Whether a projected shortcut sees the shifted input too, as in TPN's code.
    pub(super) shift_shortcut: bool,
}

impl Draft<'_> {
    /// TSN, TSM and TAM.
    pub(super) fn frame_network(&mut self, trunk: &ResNetConfig, module: FrameModule, images: &Value) -> Result<Value> {
        let trunk =
            Trunk { path: "base_model", layers: &trunk.layers, kind: trunk.block, module, shift_shortcut: false };
        let mut stages = self.resnet(&trunk, images)?;
        let features = stages.pop().unwrap_or_else(|| images.clone());
        self.consensus(&features)
    }

    /// What each stage makes of the images.
    pub(super) fn resnet(&mut self, trunk: &Trunk, images: &Value) -> Result<Vec<Value>> {
        let mut x = self.stem(trunk.path, images)?;
        let mut stages = Vec::new();
        for (stage, &blocks) in trunk.layers.iter().enumerate() {
            for index in 0..blocks {
                let block = Block::new(trunk.path, stage, index, trunk.projects(stage));
                x = self.residual_block(trunk, index, &block, &x)?;
            }
            stages.push(x.clone());
        }
        Ok(stages)
    }

    /// The first convolution and pooling, each of which halves the sides.
    pub(super) fn stem(&mut self, path: &str, images: &Value) -> Result<Value> {
        let x = self.conv_norm_relu(images, &format!("{path}.conv1"), &format!("{path}.bn1"), 2)?;
        Ok(self.graph.max_pool_images(&x))
    }

    fn residual_block(&mut self, trunk: &Trunk, index: usize, block: &Block, x: &Value) -> Result<Value> {
        let entered = match trunk.module {
            FrameModule::Shift { divisor, every } if index.is_multiple_of(every) => {
                self.graph.temporal_shift(x, self.frames, divisor)
            }
            _ => x.clone(),
        };
        let branch = match trunk.kind {
            BlockKind::Basic => self.basic_branch(block, &entered)?,
            BlockKind::Bottleneck => self.bottleneck_branch(trunk.module, block, &entered)?,
        };
        let seen = if trunk.shift_shortcut { &entered } else { x };
        self.join(block, &branch, x, seen)
    }

    /// `relu(branch + shortcut)`, the shortcut being `x` itself or a projection of `seen`.
    pub(super) fn join(&mut self, block: &Block, branch: &Value, x: &Value, seen: &Value) -> Result<Value> {
        let shortcut = if block.projected {
            self.conv_norm(seen, &block.name("downsample.0"), &block.name("downsample.1"), block.stride)?
        } else {
            x.clone()
        };
        let sum = self.graph.add(branch, &shortcut);
        Ok(self.graph.relu(&sum))
    }

    fn basic_branch(&mut self, block: &Block, x: &Value) -> Result<Value> {
        let y = self.conv_norm_relu(x, &block.name("conv1"), &block.name("bn1"), block.stride)?;
        self.conv_norm(&y, &block.name("conv2"), &block.name("bn2"), 1)
    }

    fn bottleneck_branch(&mut self, module: FrameModule, block: &Block, x: &Value) -> Result<Value> {
        let mut y = self.conv_norm_relu(x, &block.name("conv1"), &block.name("bn1"), 1)?;
        if module == FrameModule::Adaptive {
            y = self.adaptive_module(&block.name("tam"), &y)?;
        }
        let y = self.conv_norm_relu(&y, &block.name("conv2"), &block.name("bn2"), block.stride)?;
        self.conv_norm(&y, &block.name("conv3"), &block.name("bn3"), 1)
    }
}

impl Trunk<'_> {
    /// Whether a stage's first shortcut is projected: where its channels or sides change.
    fn projects(&self, stage: usize) -> bool {
        stage > 0 || self.kind == BlockKind::Bottleneck
    }
}

impl Block {
    /// The block `index` of `stage`, both from 0. The first of every stage but the first halves the sides.
    pub(super) fn new(path: &str, stage: usize, index: usize, projects: bool) -> Self {
        let stride = if stage > 0 && index == 0 { 2 } else { 1 };
        Self { path: format!("{path}.layer{}.{index}", stage + 1), stride, projected: projects && index == 0 }
    }

    /// The published name of a part.
    pub(super) fn name(&self, part: &str) -> String {
        format!("{}.{part}", self.path)
    }
}
