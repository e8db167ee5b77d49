//! `taf data cache`.

use std::path::PathBuf;

use anyhow::Result;
use taf_files::{Input, Output, check_outputs};
use taf_video::cache::{Cache, CacheOptions, Estimate};
use taf_video::dataset::Manifest;

use super::tell;
use crate::allowed::refuse_foreign_folder;
use crate::exit::Status;
use crate::output::say;
use crate::progress::{Counter, clock};
use crate::words::size;

/// Decode every video once into JPEG pictures, of which training then reads only those it needs
///
/// Writes tar files as WebDataset names their members, with the indices DALI reads, and a manifest that training and
/// evaluation take in the place of the one given. Says first what space and time it takes. A run that was killed is taken
/// up again by the same command.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taf data cache ssv2.jsonl --out ssv2-cache --short-side 256
  taf data cache ssv2.jsonl --out ssv2-cache --short-side 256 --dry-run
      says what space and time it would take
  taf data check ssv2-cache/manifest.jsonl
      verifies every picture against its hash")]
pub struct Args {
    /// The manifest of the videos
    pub manifest: PathBuf,
    /// Folder to write
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Make pictures smaller whose shorter side is longer than this [default: keep their size]
    #[arg(long, value_name = "PIXELS")]
    pub short_side: Option<usize>,
    /// Quality of the JPEG pictures, 1 to 100
    #[arg(long, value_name = "N", default_value_t = CacheOptions::default().quality)]
    pub quality: u8,
    /// Videos in a tar file
    #[arg(long, value_name = "N", default_value_t = CacheOptions::default().videos_per_shard)]
    pub videos_per_shard: usize,
    /// Leave unreadable videos out instead of stopping
    #[arg(long)]
    pub keep_going: bool,
    /// Only say what space and time it takes
    #[arg(long)]
    pub dry_run: bool,
    /// Print the counts as JSON
    #[arg(long)]
    pub json: bool,
}

/// Caches the videos of a manifest.
pub fn run(args: &Args) -> Result<Status> {
    let Args { short_side, quality, videos_per_shard, keep_going, .. } = *args;
    let manifest = Manifest::read(&args.manifest)?;
    check_outputs(&[Output::folder("--out", &args.out)], &[Input::at(&args.manifest)])?;
    refuse_foreign_folder(&args.out, "shards")?;
    let options = CacheOptions { short_side, quality, videos_per_shard, keep_going };
    let cache = Cache::new(&manifest, &args.out, options)?;
    let estimate = cache.estimate()?;
    say(foretold(&estimate));
    estimate.check()?;
    if args.dry_run {
        return Ok(Status::Done);
    }
    let bar = Counter::new("caching videos");
    let cached = cache.write(&|done, total| bar.show(done, total))?;
    drop(bar);
    let left_out: Vec<String> = cached.left_out.iter().map(ToString::to_string).collect();
    left_out.iter().for_each(|video| say(format_args!("left out: {video}")));
    say(format_args!("{} in {} shards", size(cached.bytes), cached.shards));
    tell(&args.out.join("manifest.jsonl"), left_out, args.json)
}

fn foretold(estimate: &Estimate) -> String {
    let Estimate { videos, tried, bytes, duration, free_bytes, .. } = estimate;
    if *videos == 0 {
        return "every shard is done".to_owned();
    }
    let free = free_bytes.map_or_else(String::new, |free| format!("; {} are free", size(free)));
    let (space, time) = (size(*bytes), clock(*duration));
    format!("{videos} videos to store: about {space} and {time} on this machine, judging by {tried} of them{free}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_the_unit_that_fits() {
        let told = [999, 12_345, 999_999, 1_000_000, 123_456_789, 45_600_000_000, 5_000_000_000_000].map(size);
        assert_eq!(told, ["1.0 kB", "12.3 kB", "1000 kB", "1.0 MB", "123 MB", "45.6 GB", "5.0 TB"]);
    }
}
