use crate::size::{padded, product, windows};

/// Sizes of a 2-D convolution. Axis pairs are `[vertical, horizontal]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvShape {
    /// Number of pictures.
    pub batch: usize,
    /// Input height in pixels.
    pub height: usize,
    /// Input width in pixels.
    pub width: usize,
    /// Input channels, a multiple of `groups`.
    pub channels_in: usize,
    /// Output channels, a multiple of `groups`.
    pub channels_out: usize,
    /// Kernel size, at least 1.
    pub kernel: [usize; 2],
    /// Step between neighbouring outputs, at least 1.
    pub stride: [usize; 2],
    /// Zeros added on each side.
    pub padding: [usize; 2],
    /// Number of independent channel groups; `channels_in` of them is a depthwise convolution.
    pub groups: usize,
    /// A temporal shift of the input, done while it is read.
    pub shift: Option<FrameShift>,
}

/// The temporal shift of TSM as part of a convolution: of each input pixel the first `fold` channels are read from the
/// next frame, the next `fold` from the previous one, zeros where that is outside the clip. See
/// [`temporal_shift_forward`](crate::temporal_shift_forward).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameShift {
    /// Pictures of a clip; the batch is whole clips.
    pub frames: usize,
    /// Channels moved each way; at most half of the input's.
    pub fold: usize,
}

impl ConvShape {
    /// Output height in pixels.
    pub fn output_height(&self) -> usize {
        windows(self.height, self.kernel[0], self.stride[0], self.padding[0])
    }

    /// Output width in pixels.
    pub fn output_width(&self) -> usize {
        windows(self.width, self.kernel[1], self.stride[1], self.padding[1])
    }

    /// Length of the input, `batch * height * width * channels_in`.
    pub fn input_len(&self) -> usize {
        product([self.batch, self.height, self.width, self.channels_in])
    }

    /// Length of the weights, `kernel_height * kernel_width * channels_in / groups * channels_out`.
    pub fn weight_len(&self) -> usize {
        product([self.taps(), self.group_channels_in(), self.channels_out])
    }

    /// Length of the output, `batch * output_height * output_width * channels_out`.
    pub fn output_len(&self) -> usize {
        product([self.output_pixels(), self.channels_out])
    }

    /// Floating-point operations of one pass (forward, input gradient or weight gradient), two per multiply-add.
    pub fn operations(&self) -> u64 {
        2 * self.output_pixels() as u64 * self.weight_len() as u64
    }

    /// Checks that the sizes fit together.
    ///
    /// # Panics
    /// If kernel, stride or groups are zero, groups do not divide both channel counts, the kernel is larger than the
    /// padded input, or a shift does not fit batch and channels.
    pub fn validate(&self) {
        let [kernel, stride] = [self.kernel, self.stride];
        assert!(kernel[0] > 0 && kernel[1] > 0, "the kernel must be at least 1x1, got {kernel:?}");
        assert!(stride[0] > 0 && stride[1] > 0, "the stride must be at least 1, got {stride:?}");
        assert!(
            self.groups > 0
                && self.channels_in.is_multiple_of(self.groups)
                && self.channels_out.is_multiple_of(self.groups),
            "groups must divide {} and {} channels, got {}",
            self.channels_in,
            self.channels_out,
            self.groups
        );
        assert!(
            padded(self.height, self.padding[0]) >= kernel[0] && padded(self.width, self.padding[1]) >= kernel[1],
            "a {kernel:?} kernel does not fit {}x{} pixels with padding {:?}",
            self.height,
            self.width,
            self.padding
        );
        if let Some(FrameShift { frames, fold }) = self.shift {
            assert!(
                frames > 0 && self.batch.is_multiple_of(frames),
                "{} pictures are not clips of {frames}",
                self.batch
            );
            assert!(fold <= self.channels_in / 2, "twice a fold of {fold} exceeds {} channels", self.channels_in);
            assert!(!self.is_depthwise(), "a depthwise convolution takes no temporal shift");
        }
    }

    pub(crate) fn check(&self, input: usize, weights: usize, output: usize) {
        self.validate();
        assert_eq!(input, self.input_len(), "input floats of {self:?}");
        assert_eq!(weights, self.weight_len(), "weight floats of {self:?}");
        assert_eq!(output, self.output_len(), "output floats of {self:?}");
    }

    pub(crate) fn output_pixels(&self) -> usize {
        product([self.batch, self.output_height(), self.output_width()])
    }

    pub(crate) fn taps(&self) -> usize {
        product(self.kernel)
    }

    pub(crate) fn group_channels_in(&self) -> usize {
        self.channels_in / self.groups
    }

    pub(crate) fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.groups == self.channels_in && self.groups == self.channels_out
    }
}
