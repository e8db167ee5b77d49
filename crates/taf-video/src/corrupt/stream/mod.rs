//! Videos on their way through an encoder: compressed harder, sent with errors, played at fewer frames a second.
//!
//! The script of Mini-SSV2-C (Yi et al., NeurIPS Datasets and Benchmarks 2021) hands whole videos to the `ffmpeg` program; here
//! the same encoders work in memory. What it leaves to the program's defaults is chosen for speed: x264's preset `veryfast`,
//! x265's `ultrafast`, one thread each.

mod damage;
mod decoder;
mod encoder;
mod noise;
mod rtp;
mod video;

pub use damage::Damage;
pub(super) use encoder::Codec;
pub use encoder::has_encoder;
pub use video::StreamedVideo;

#[cfg(test)]
mod tests;
