use super::draft::Draft;
use super::error::Result;
use super::graph::Value;

impl Draft<'_> {
    /// The head of TSN and its kin: each frame pooled, frames averaged, the linear layer `new_fc`. The published code
    /// classifies frames and averages logits, which is the same because both steps are linear.
    pub(super) fn consensus(&mut self, images: &Value) -> Result<Value> {
        let frames = self.graph.frame_means(images, self.frames);
        let clips = self.graph.mean_over_time(&frames);
        self.graph.linear(&clips, &self.weights.linear("new_fc")?)
    }
}
