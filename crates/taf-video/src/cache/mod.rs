//! Videos decoded once into shards: tar files of JPEG pictures as WebDataset names them, which are read by seeking.
//!
//! [`Cache`] makes them. The manifest it writes lists the same videos with the place of each, and
//! [`Manifest::open`](crate::dataset::Manifest::open) reads them like any other.
//!
//! ```text
//! FOLDER/manifest.jsonl            the videos, each with the place of its pictures
//! FOLDER/shards/00000.tar          00000000.json 00000000.0000.jpg 00000000.0001.jpg ... 00000000.cls 00000001.json ...
//! FOLDER/shards/00000.idx          where each member lies, as NVIDIA DALI reads it
//! FOLDER/shards/00000.jsonl        what was done, and with which options: a run that was killed goes on from there
//! ```

mod contents;
mod dali;
mod estimate;
mod index;
mod member;
mod origin;
mod place;
mod sample;
mod video;
mod writer;

pub use estimate::Estimate;
pub use origin::CacheOrigin;
pub use place::SamplePlace;
pub(crate) use video::CachedVideo;
pub use writer::{Cache, CacheOptions, Cached};
