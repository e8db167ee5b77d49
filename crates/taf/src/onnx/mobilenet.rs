use super::draft::Draft;
use super::error::Result;
use super::graph::Value;
use crate::model::STAGES;

/// An inverted residual's place and kind.
struct InvertedResidual {
    path: String,
    stride: usize,
    /// Every block but the network's first widens its input before the depthwise convolution.
    expands: bool,
}

impl Draft<'_> {
    /// MobileNetV2 on frames by torchvision's names, with the temporal shift in front of every residual branch that
    /// expands or without.
    pub(super) fn mobilenet(&mut self, shift_divisor: Option<usize>, images: &Value) -> Result<Value> {
        let mut x = self.unit(images, "base_model.features.0", 2, 1)?;
        let blocks = inverted_residuals();
        for block in &blocks {
            x = self.inverted_residual(block, shift_divisor, &x)?;
        }
        let x = self.unit(&x, &format!("base_model.features.{}", blocks.len() + 1), 1, 1)?;
        self.consensus(&x)
    }

    /// A block that keeps channels and sides adds its input. How wide it is the weights say.
    fn inverted_residual(
        &mut self,
        block: &InvertedResidual,
        shift_divisor: Option<usize>,
        x: &Value,
    ) -> Result<Value> {
        let depthwise = usize::from(block.expands);
        let project = self.weights.folded(&block.name(depthwise + 1), &block.name(depthwise + 2))?;
        let shortcut = block.stride == 1 && x.channels == project.channels_out();
        let mut y = x.clone();
        if block.expands {
            if let Some(divisor) = shift_divisor.filter(|_| shortcut) {
                y = self.graph.temporal_shift(x, self.frames, divisor);
            }
            y = self.unit(&y, &block.name(0), 1, 1)?;
        }
        y = self.unit(&y, &block.name(depthwise), block.stride, y.channels)?;
        y = self.graph.conv(&y, &project, 1)?;
        Ok(if shortcut { self.graph.add(x, &y) } else { y })
    }

    /// Convolution, norm, ReLU6.
    fn unit(&mut self, x: &Value, path: &str, stride: usize, groups: usize) -> Result<Value> {
        let filter = self.weights.folded(&format!("{path}.0"), &format!("{path}.1"))?;
        let y = self.graph.grouped_conv(x, &filter, stride, groups)?;
        Ok(self.graph.relu6(&y))
    }
}

impl InvertedResidual {
    /// The published name of a part.
    fn name(&self, part: usize) -> String {
        format!("{}.{part}", self.path)
    }
}

fn inverted_residuals() -> Vec<InvertedResidual> {
    let mut blocks = Vec::new();
    for stage in &STAGES {
        for index in 0..stage.blocks {
            blocks.push(InvertedResidual {
                path: format!("base_model.features.{}.conv", blocks.len() + 1),
                stride: if index == 0 { stage.stride } else { 1 },
                expands: stage.expansion > 1,
            });
        }
    }
    blocks
}
