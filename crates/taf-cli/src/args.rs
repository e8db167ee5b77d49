//! What can be typed before a command's own words: every command has its arguments in its own file.

use std::num::NonZeroUsize;

use clap::Parser;

use crate::commands::Command;

const TOUR: &str = "\
A first tour:
  taf demo                                     everything below on generated videos, with a report
  taf data prepare my-videos --out m.jsonl     list your own: my-videos/CLASS/CLIP.mp4
  taf train configs/demo_train.toml --data m.jsonl --out runs/base
  taf finetune configs/demo_taf.toml --from runs/base --out runs/taf
  taf compare runs/base runs/taf               is it better, and by how much for sure?
  taf attend my-videos/CLASS/CLIP.mp4 --run runs/taf --out seen.png

Exit code: 0 done; 1 a stated requirement is not met; 2 bad input or failure; 130 interrupted, can be resumed.
A file that is named as an output is replaced, unless it is also read; a run is replaced with --force only; nothing else is.
Results go to standard output, progress and errors to standard error.";

/// Makes video-recognition models better with temporal adversarial augmentation.
///
/// Trains networks that classify short videos, shows which frames they rely on, perturbs clips so that this attention moves,
/// and fine-tunes networks on such clips (Duan et al., IJCAI 2023) so that they rely on all of the video.
#[derive(Debug, Parser)]
#[command(name = "taf", version, max_term_width = 110, after_help = TOUR)]
pub struct Cli {
    /// Threads to compute with [default: one per core]
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}
