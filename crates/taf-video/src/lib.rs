//! Pixels and time: decoding, sampling, transforming, corrupting and generating video clips.
//!
//! This crate knows nothing of tensors or networks. A [`Clip`] is what it hands upwards: `T` RGB frames of one size.

pub mod cache;
mod clip;
pub mod corrupt;
pub mod dataset;
mod decode;
mod encode;
mod error;
mod frame;
mod hash;
mod sample;
mod scaler;
mod seed;
mod speed;
pub mod synthetic;
pub mod transform;
mod window;

pub use clip::Clip;
pub use decode::{
    DecodeOptions, FfmpegVideo, ForwardVideo, FrameFolder, PacedVideo, TimedFrames, USUAL_FPS, VideoInfo, VideoSource,
    codec_library, keep_freed_memory, open_video,
};
pub use encode::{EncodeOptions, Pixels, VideoCodec, VideoWriter};
pub use error::{Error, Result};
pub use frame::Frame;
pub use sample::{DenseSampler, Sampling, SegmentBounds, SegmentSampler, ShortVideos, TemporalViews, shift_indices};
pub use seed::Seed;
pub use speed::Speed;
pub use window::{Sliding, Window, WindowViews, Windows};
