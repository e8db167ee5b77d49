//! Robustness benchmarks on a network of your own and on videos of your own, without a recipe or a run.
//!
//! `cargo run --release -p taf --example robustness_of_your_model -- MANIFEST SPLIT PAGE.html`
//!
//! The manifest is what `taf data prepare` writes. The networks here are small and have random weights; put yours in their
//! place, see `bring_your_own_model` for what it must answer. Answers are kept in the folder `answers`: stopped, the same
//! command goes on.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use taf::evaluate::{Average, Benchmark, Evaluation, Interview, Kept, Store, Subject, Told, Views, robustness};
use taf::model::{RecognizerConfig, ResNetConfig};
use taf_video::corrupt::Severity;
use taf_video::dataset::Manifest;
use taf_video::transform::EvalTransformConfig;
use taf_video::{Sampling, TemporalViews};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [manifest, split, page] = &arguments[..] else { return Err("usage: ... MANIFEST SPLIT PAGE.html".into()) };
    let videos = Manifest::read(Path::new(manifest))?.select_splits(&[split])?;
    let (device, classes) = (Device::flex(), videos.classes().len());
    let models = [1, 2].map(|seed| RecognizerConfig::tsm(ResNetConfig::tiny(), classes).init(&device, seed));
    let evaluation = Evaluation {
        videos: Arc::new(videos),
        views: Views {
            sampling: Sampling::segments(8),
            temporal: TemporalViews::Centre,
            transform: EvalTransformConfig { size: 56, ..Default::default() }.init()?,
        },
        average: Average::Logits,
        batch_size: 8,
        threads: 2,
    };
    let subject = |(model, name): (_, &str)| Subject {
        name: name.to_owned(),
        model,
        evaluation: &evaluation,
        // Whatever tells your weights from others takes the place of this name.
        kept: Some(Kept::new(Store::new(Path::new("answers").join(name)), &evaluation, name, "1")),
    };
    let mut interview = Interview::new(models.iter().zip(["one", "two"]).map(subject).collect(), &device);
    let benchmarks = [Benchmark::named("temporal", &[Severity::new(3)?])?, Benchmark::named("order", &[])?];
    let asked = 2 * evaluation.records().len() * (1 + Benchmark::all_conditions(&benchmarks).len());
    let mut told = |told: Told| {
        if let Told::Answered(answered) = told {
            eprint!("\r{answered} of {asked} answers");
        }
        ControlFlow::Continue(())
    };
    let report = robustness("networks of my own", &mut interview, &benchmarks, &mut told)?.build()?;
    println!("\n{}", report.to_terminal(false));
    std::fs::write(page, report.to_html())?;
    Ok(())
}
