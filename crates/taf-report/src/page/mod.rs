//! Results for people: one plain [`Report`], and thin renderers of it.
//!
//! A report is built from predictions ([`Report::builder`]), holds numbers and pictures and nothing else, and is what
//! `report.json` contains. [`Report::to_html`], [`Report::to_markdown`] and [`Report::to_terminal`] only lay it out.
//! Every accuracy stands with its interval. What a difference amounts to is decided by a permutation test by group, corrected
//! for all comparisons of the report; with a few groups nothing is decided.

mod builder;
mod canvas;
mod chart;
mod colour;
mod columns;
mod details;
mod error;
mod experiment;
mod film;
mod html;
mod learning;
mod maps;
mod markdown;
mod raster;
mod robustness;
mod schema;
mod sheet;
mod standalone;
mod strip;
mod svg;
mod table;
mod terminal;
mod timeline;
mod words;

pub use builder::ReportBuilder;
pub use chart::{Axis, Chart, Reference, Series};
pub use colour::turbo;
pub use columns::{Columns, Side};
pub use details::{Detailed, Details, Fact, Listing, ModelWeights, Weights};
pub use error::{Error, Result};
pub use film::film;
pub use learning::{LearningCurves, Over};
pub use maps::ActivationMaps;
pub use raster::confusion_matrix;
pub use robustness::{
    AttackedModel, BenchmarkAbout, BenchmarkPart, BenchmarkPlan, BenchmarkResult, BenchmarkRow, Measure,
    MovedAttention, Part, PlannedRow, Published, RobustnessBuilder, RobustnessDifference, RobustnessReport, Trials,
    TrustedAttention,
};
pub use schema::{Difference, ModelAttention, Named, Picture, Report, SuiteResult, Verdict};
pub use strip::{Strip, View};
pub use table::{Cell, Table};
pub use terminal::attention_bars;
pub use timeline::{Band, Timeline};
