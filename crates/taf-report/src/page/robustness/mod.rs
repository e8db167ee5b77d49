//! How robust networks are, over benchmarks: plain values, and their table, Markdown and page.

mod builder;
mod charts;
mod html;
mod markdown;
mod schema;
mod sections;
mod tables;
mod terminal;
#[cfg(test)]
mod tests;
mod trials;
mod words;

pub use builder::RobustnessBuilder;
pub use schema::{
    BenchmarkAbout, BenchmarkPart, BenchmarkPlan, BenchmarkResult, BenchmarkRow, Measure, Part, PlannedRow, Published,
    RobustnessDifference, RobustnessReport,
};
pub use trials::{AttackedModel, MovedAttention, Trials, TrustedAttention};
