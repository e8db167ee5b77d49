//! Results for people: one plain [`Report`], and thin renderers of it.
//!
//! A report is built from predictions ([`Report::builder`]), holds numbers and pictures and nothing else, and is what
//! `report.json` contains. [`Report::to_html`], [`Report::to_markdown`] and [`Report::to_terminal`] only lay it out.
//! Every accuracy stands with its interval, and a difference whose interval holds zero is called no difference shown.

mod builder;
mod canvas;
mod chart;
mod colour;
mod error;
mod html;
mod markdown;
mod schema;
mod strip;
mod svg;
mod table;
mod terminal;
mod words;

pub use builder::ReportBuilder;
pub use chart::{Axis, Chart, Reference, Series};
pub use colour::turbo;
pub use error::{Error, Result};
pub use schema::{Difference, Fact, Listing, ModelAttention, Named, Picture, Report, SuiteResult, Verdict};
pub use strip::{ActivationMaps, Strip, View};
pub use table::{Cell, Table};
pub use terminal::attention_bars;
