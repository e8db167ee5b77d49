//! Weights of other programs: into a network, and out of one.
//!
//! `taf_checkpoint` reads files and knows how repositories name their weights; here those names meet the networks of
//! [`model`](crate::model).

mod export;
mod import;
mod labels;
mod network;

pub use export::{ExportError, export};
pub use import::{ImportError, Imported, import};
pub use labels::{LabelError, LabelOrder};
pub use network::{network, tensors};
