//! Temporal adversarial augmentation and fine-tuning for video recognition, after "Improve Video Representation with Temporal
//! Adversarial Augmentation" (Duan et al., IJCAI 2023).
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use taf::adversary::{Objective, TemporalAdversary};
//! use taf::model::{ResNetConfig, RecognizerConfig};
//!
//! let model = RecognizerConfig::tsm(ResNetConfig::tiny(), 174).init(&Device::flex().autodiff(), 0);
//! let clips = Tensor::<5>::zeros([1, 8, 3, 64, 64], &Device::flex()); // RGB in [0, 1]
//! let adversary = TemporalAdversary { objective: Objective::Shift, epsilon: 4.0 / 255.0, ..Default::default() };
//! let perturbed = adversary.perturb(&model, clips, &[42], 0); // the label, a seed
//! assert_eq!(perturbed.clips.dims(), [1, 8, 3, 64, 64]);
//! ```
//!
//! A [`recipe::Recipe`] describes a run, its [`recipe::Plan`] finds the data, [`train::Trainer`] trains, [`evaluate`] measures,
//! [`taf_report::page::Report`] tells, and [`predict`] puts a trained network to work. A network of one's own implements [`model::VideoModel`] and is checked by [`conformance`].

pub mod adversary;
pub mod attention;
pub mod conformance;
pub mod data;
pub mod evaluate;
pub mod exchange;
pub mod experiment;
pub mod model;
pub mod onnx;
pub mod ops;
pub mod predict;
pub mod profile;
pub mod recipe;
pub mod setting;
pub mod trace;
pub mod train;
pub mod trained;
