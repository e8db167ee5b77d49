//! `taf attend`.

use std::fmt::Write;

use anyhow::Result;
use taf_report::page::attention_bars;
use taf_report::run::write_atomic;

use crate::args::AttendArgs;
use crate::clip::{Answers, Numbers, Subject};
use crate::exit::Status;
use crate::output;
use crate::trained::words;

/// Shows what a network sees in a video.
pub fn run(args: AttendArgs) -> Result<Status> {
    let subject = args.clip.read()?;
    let seen = subject.explain()?;
    let numbers = subject.numbers(&seen);
    if let Some(path) = &args.out {
        let (name, clip) = (&subject.trained.name, args.clip.clip.display());
        let title = format!("{name} looks for {:?} in {clip}", numbers.class);
        write_atomic(path, &seen.strip(&title, &subject.trained.info.classes)?)?;
    }
    if args.clip.json {
        output::print_json(&numbers)?;
    } else {
        output::print(&page(&subject, &numbers))?;
    }
    Ok(Status::Done)
}

fn page(subject: &Subject, numbers: &Numbers) -> String {
    let mut text = String::new();
    let versions = [("as it is", &numbers.natural), ("temporal adversarial", &numbers.perturbed)];
    for (name, answers) in versions {
        let _ = writeln!(text, "{}\n", section(name, answers, &numbers.class));
    }
    let _ = writeln!(
        text,
        "attention moved by {:.2} of 1 (total variation); adversary: {}",
        numbers.attention_moved,
        words(&subject.adversary)
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
