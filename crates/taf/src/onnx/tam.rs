use super::draft::Draft;
use super::error::{OnnxError, Result};
use super::graph::Value;
use super::ops::Shift;

/// Frames each frame sees: the one before, itself and the next.
const TAPS: usize = 3;

impl Draft<'_> {
    /// The temporal adaptive module (Liu et al., ICCV 2021) on images: a gate per frame and channel (L), then a
    /// convolution over time whose kernel the clip itself decides per channel (G).
    ///
    /// Gate and kernel meet before they touch the images, so that each of the three taps costs one product.
    pub(super) fn adaptive_module(&mut self, path: &str, images: &Value) -> Result<Value> {
        let means = self.graph.frame_means(images, self.frames);
        let means = self.graph.transpose(&means, &[0, 2, 1]); // [batch, channels, time]
        let kernel = self.kernel(path, &means)?;
        let gate = self.gate(path, &means)?;
        let clips = self.graph.clips_of_images(images, self.frames);
        let gate = self.graph.transpose(&gate, &[0, 2, 1]); // [batch, time, channels]
        let mut sum: Option<Value> = None;
        for (tap, shift) in [Some(Shift::FromPrevious), None, Some(Shift::FromNext)].into_iter().enumerate() {
            let term = self.tap(&clips, &gate, &kernel, tap, shift);
            sum = Some(sum.map_or(term.clone(), |sum| self.graph.add(&sum, &term)));
        }
        Ok(self.graph.images_of_clips(&sum.expect("there are three taps")))
    }

    /// One tap's frames times their gate times the tap's weight.
    fn tap(&mut self, clips: &Value, gate: &Value, kernel: &Value, tap: usize, shift: Option<Shift>) -> Value {
        let mut moved = |x: &Value, rank| {
            shift.map_or_else(|| x.clone(), |shift| self.graph.shift_frames(x, shift, self.frames, rank))
        };
        let (clips, gate) = (moved(clips, 5), moved(gate, 3));
        let weight = self.graph.slice(kernel, 1, [tap, tap + 1]);
        let weight = self.graph.mul(&gate, &weight);
        let weight = self.graph.spread(&weight);
        self.graph.mul(&clips, &weight)
    }

    /// G: each channel's course over time to the three weights of its kernel, `[batch, 3, channels]`.
    fn kernel(&mut self, path: &str, means: &Value) -> Result<Value> {
        let hidden = self.weights.folded(&format!("{path}.G.0"), &format!("{path}.G.1"))?;
        let out = self.weights.filter(&format!("{path}.G.3"))?;
        self.check_length(&hidden.name, &hidden.shape, [2 * self.frames, self.frames])?;
        self.check_length(&out.name, &out.shape, [TAPS, 2 * self.frames])?;
        let x = self.graph.rows(means, &hidden);
        let x = self.graph.relu(&x);
        let x = self.graph.rows(&x, &out);
        let x = self.graph.softmax(&x);
        Ok(self.graph.transpose(&x, &[0, 2, 1]))
    }

    /// L: a gate in (0, 1) per channel and frame, `[batch, channels, time]`.
    fn gate(&mut self, path: &str, means: &Value) -> Result<Value> {
        let x = self.conv_norm_relu(means, &format!("{path}.L.0"), &format!("{path}.L.1"), 1)?;
        let x = self.graph.conv(&x, &self.weights.filter(&format!("{path}.L.3"))?, 1)?;
        Ok(self.graph.sigmoid(&x))
    }

    /// G is made for one length of clips.
    fn check_length(&self, name: &str, found: &[usize], expected: [usize; 2]) -> Result<()> {
        if found == expected {
            return Ok(());
        }
        let expected = format!("have shape {expected:?} for clips of {} frames", self.frames);
        Err(OnnxError::Shape { name: format!("{name}.weight"), expected, found: found.to_vec() })
    }
}
