//! `taf attend`.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Result;
use taf_files::write_atomic;
use taf_report::page::attention_bars;

use crate::allowed;
use crate::clip::{Answers, ClipArgs, Numbers, Viewing};
use crate::exit::Status;
use crate::output;
use crate::words;

/// Show what a network sees in a video: its answers, and how much each frame argues for the class
///
/// Prints the five likeliest classes and the attention per frame, for the video as it is and for its temporal adversarial
/// version. The picture shows the frames with the places that argue for the class.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taf attend clip.mp4 --run runs/taf --out seen.png
  taf attend clip.mp4 --run runs/taf --label 'moving left' --json")]
pub struct Args {
    #[command(flatten)]
    pub clip: ClipArgs,
    /// Picture to write: frames, evidence and attention, natural and perturbed (.png)
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Shows what a network sees in a video.
pub fn run(args: Args) -> Result<Status> {
    let out = allowed::perhaps("--out", args.out.as_ref(), allowed::PICTURE);
    args.clip.reading().allows(out.as_slice())?;
    let viewing = args.clip.read()?;
    let seen = viewing.explain()?;
    let numbers = viewing.numbers(&seen);
    if let Some(path) = &args.out {
        let (name, clip) = (viewing.trained.name(), args.clip.clip.display());
        let title = format!("{name} looks for {:?} in {clip}", numbers.class);
        write_atomic(path, &seen.strip(&title, &viewing.trained.info.classes, None)?)?;
    }
    if args.clip.json {
        output::print_json(&numbers)?;
    } else {
        output::print(&page(&viewing, &numbers))?;
    }
    Ok(Status::Done)
}

fn page(viewing: &Viewing, numbers: &Numbers) -> String {
    let mut text = String::new();
    let versions = [("as it is", &numbers.natural), ("temporal adversarial", &numbers.perturbed)];
    for (name, answers) in versions {
        let _ = writeln!(text, "{}\n", section(name, answers, &numbers.class));
    }
    let _ = writeln!(
        text,
        "attention moved by {:.2} of 1 (total variation); adversary: {}",
        numbers.attention_moved,
        words::adversary(&viewing.adversary)
    );
    text
}

fn section(name: &str, answers: &Answers, class: &str) -> String {
    let top: String = answers
        .top5
        .iter()
        .map(|answer| format!("  {:5.1} %  {}\n", 100.0 * answer.probability, answer.class))
        .collect();
    format!(
        "the clip {name}\n{top}attention for {class:?}, worth {:.1} of {} frames\n{}",
        answers.effective_frames,
        answers.attention.len(),
        attention_bars(&answers.attention)
    )
}
