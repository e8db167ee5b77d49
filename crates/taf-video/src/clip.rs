use crate::Frame;

/// The frames a network looks at: at least one, all of one size, in temporal order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    frames: Vec<Frame>,
}

impl Clip {
    /// Wraps frames.
    ///
    /// # Panics
    /// If there is no frame, or the sizes differ.
    pub fn new(frames: Vec<Frame>) -> Self {
        let first = frames.first().expect("a clip has at least one frame");
        let size = (first.width(), first.height());
        assert!(frames.iter().all(|f| (f.width(), f.height()) == size), "the frames of a clip share one size");
        Self { frames }
    }

    /// Number of frames, at least 1.
    #[allow(clippy::len_without_is_empty)] // a clip is never empty
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Width of every frame in pixels.
    pub fn width(&self) -> usize {
        self.frames[0].width()
    }

    /// Height of every frame in pixels.
    pub fn height(&self) -> usize {
        self.frames[0].height()
    }

    /// The frames in temporal order.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// Gives the frames away.
    pub fn into_frames(self) -> Vec<Frame> {
        self.frames
    }

    /// The same change for every frame.
    pub fn map(self, change: impl FnMut(Frame) -> Frame) -> Self {
        Self::new(self.frames.into_iter().map(change).collect())
    }
}
