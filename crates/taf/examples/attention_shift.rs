//! How far cheaper adversaries move the attention of a trained run: the share of attention on the neglected half of the
//! frames, before and after, and what part of the full adversary's shift that is. docs/method.md has the tables.
//!
//! `cargo run --release -p taf --example attention_shift -- RUN [CLIPS]`

use std::error::Error;
use std::path::Path;

use burn::tensor::Device;
use taf::adversary::{Norm, Objective, TemporalAdversary};
use taf::evaluate::Evaluation;
use taf::trained::{Asked, Trained, Weights};
use taf_report::metrics::AttentionSummary;

const DEFAULT_CLIPS: usize = 400;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let run = arguments.next().ok_or("usage: attention_shift RUN [CLIPS]")?;
    let limit = arguments.next().map_or(Ok(DEFAULT_CLIPS), |text| text.parse())?;
    let trained = Trained::open(Path::new(&run), Weights::Last, &Device::flex())?;
    let evaluation = trained.examination(&Asked::default())?.evaluation;
    let videos = evaluation.sample(limit);
    println!("| gradients | budget | neglected share, before | after | of the full shift | attention moved |");
    println!("|---|---|---|---|---|---|");
    for (norm, epsilon) in budgets(&evaluation) {
        let mut full = None;
        for (name, adversary) in adversaries(norm, epsilon) {
            let summary = evaluation.probe(&trained.model, &videos, &adversary, &Device::flex(), &mut |_, _| {})?;
            println!("{}", row(&name, norm, epsilon, &summary, *full.get_or_insert(shift(&summary))));
        }
    }
    Ok(())
}

/// From barely enough to more than enough. An L2 budget is given as what every pixel value would change by.
fn budgets(evaluation: &Evaluation) -> Vec<(Norm, f64)> {
    let pixels = (evaluation.views.sampling.frames() * 3 * evaluation.views.transform.size().pow(2)) as f64;
    let linf = [1.0, 2.0, 4.0].map(|levels| (Norm::Linf, levels / 255.0));
    linf.into_iter().chain([(Norm::L2, 1.0 / 255.0 * pixels.sqrt())]).collect()
}

fn adversaries(norm: Norm, epsilon: f64) -> Vec<(String, TemporalAdversary)> {
    let base = TemporalAdversary { norm, epsilon, ..TemporalAdversary::default() };
    let scaled = |scale| (format!("scale {scale}"), TemporalAdversary { scale, ..base.clone() });
    let mut all = [1.0, 0.75, 0.5, 0.375, 0.25].map(scaled).to_vec();
    all.push(("none: random signs or direction".into(), TemporalAdversary { objective: Objective::Noise, ..base }));
    all
}

/// How much attention the neglected frames won.
fn shift(summary: &AttentionSummary) -> f64 {
    summary.perturbed_neglected_share.map_or(0.0, |share| share.mean) - summary.neglected_share.mean
}

fn row(name: &str, norm: Norm, epsilon: f64, summary: &AttentionSummary, full: f64) -> String {
    let before = summary.neglected_share.mean;
    let moved = summary.moved.map_or(0.0, |moved| moved.mean);
    let after = before + shift(summary);
    let part = 100.0 * shift(summary) / full;
    format!("| {name} | {norm:?} {epsilon:.4} | {before:.3} | {after:.3} | {part:.0} % | {moved:.2} |")
}
