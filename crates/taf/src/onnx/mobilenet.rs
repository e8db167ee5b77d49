use super::draft::Draft;
use super::error::Result;
use super::graph::Value;

/// Groups of inverted residuals: blocks, and the stride of the first (Sandler et al., CVPR 2018, table 2).
const GROUPS: [[usize; 2]; 7] = [[1, 1], [2, 2], [3, 2], [4, 2], [3, 1], [3, 2], [1, 1]];

/// An inverted residual's place and kind.
struct InvertedResidual {
    path: String,
    stride: usize,
    /// Every block but the network's first widens its input before the depthwise convolution.
    expands: bool,
    /// Blocks that keep their shape add their input, and TSM shifts what their branch sees.
    keeps_shape: bool,
}

impl Draft<'_> {
    /// MobileNetV2 on frames by torchvision's names, with the temporal shift in front of every residual branch or
    /// without.
    pub(super) fn mobilenet(&mut self, shift_divisor: Option<usize>, images: &Value) -> Result<Value> {
        let mut x = self.unit(images, "base_model.features.0", 2, 1)?;
        let blocks = inverted_residuals();
        for block in &blocks {
            x = self.inverted_residual(block, shift_divisor, &x)?;
        }
        let x = self.unit(&x, &format!("base_model.features.{}", blocks.len() + 1), 1, 1)?;
        self.consensus(&x)
    }

    fn inverted_residual(
        &mut self,
        block: &InvertedResidual,
        shift_divisor: Option<usize>,
        x: &Value,
    ) -> Result<Value> {
        let mut y = match shift_divisor.filter(|_| block.keeps_shape) {
            Some(divisor) => self.graph.temporal_shift(x, self.frames, divisor),
            None => x.clone(),
        };
        if block.expands {
            y = self.unit(&y, &block.name(0), 1, 1)?;
        }
        let depthwise = usize::from(block.expands);
        y = self.unit(&y, &block.name(depthwise), block.stride, y.channels)?;
        y = self.conv_norm(&y, &block.name(depthwise + 1), &block.name(depthwise + 2), 1)?;
        Ok(if block.keeps_shape { self.graph.add(x, &y) } else { y })
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
    for [count, stride] in GROUPS {
        for index in 0..count {
            blocks.push(InvertedResidual {
                path: format!("base_model.features.{}.conv", blocks.len() + 1),
                stride: if index == 0 { stride } else { 1 },
                expands: !blocks.is_empty(),
                keeps_shape: index > 0,
            });
        }
    }
    blocks
}
