//! From a manifest to batches: seeded, prefetched by worker threads, the same for any number of them.

mod bad_video;
mod batch;
mod fingerprint;
mod mixing;
mod prefetch;
mod source;

pub use bad_video::{OnBadVideo, Replaced};
pub use batch::{ClipBatch, Sample, clips_to_tensor, tensor_to_clips};
pub use fingerprint::fingerprint;
pub(crate) use fingerprint::hash;
pub use mixing::{Blend, CutMix, Mixed, Mixing, Mixup, MotionCoherent, SwapMix, VideoMix, Volume};
pub use prefetch::Prefetch;
pub use source::{ClipSource, Loaded};
