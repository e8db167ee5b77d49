//! `taf demo`: an experiment on generated videos, and a page about it.

use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use taf::evaluate::Suite;
use taf::trained::{Asked, Weights};
use taf_files::{Output, create_folder, write_atomic};
use taf_report::experiment::{CellName, ExperimentTable, Split};
use taf_report::page::{Detailed, Report};
use taf_video::Seed;
use taf_video::synthetic::{Difficulty, MovingShapes};

use crate::allowed::{Reading, refuse_foreign_folder};
use crate::exit::Status;
use crate::experiment::{self, Chosen, Place, Work};
use crate::output::{self, say};
use crate::panel::Panel;
use crate::progress::Counter;
use crate::session::provenance;
use crate::trained::open;

/// Show the whole method at work: generate videos, train, fine-tune in three ways, compare, report
///
/// A small network learns to tell generated motions apart, and is then fine-tuned from the same weights: plainly for as long
/// as the others take, on clips with noise, and on temporal adversarial clips. All are evaluated on videos as they are, shifted
/// in time, noisy and blurred, and the whole with several seeds, so that intervals say what is chance. It is an experiment like
/// those of `taf experiment`. Running it again goes on where it stopped.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  taf demo --out my-demo
      then open my-demo/report.html")]
pub struct Args {
    /// Folder to write
    #[arg(long, value_name = "FOLDER", default_value = "taf-demo")]
    pub out: PathBuf,
    /// About how long to take on two cores; fewer minutes train less
    #[arg(long, value_name = "MINUTES", default_value_t = USUAL_MINUTES)]
    pub minutes_hint: f64,
    /// How many times everything is trained, each time from other weights and in another order
    #[arg(long, value_name = "N", default_value = "3")]
    pub seeds: NonZeroUsize,
    /// Decides the videos, the first weights and the order of training
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=MOST_SEED))]
    pub seed: u64,
    /// Print the table as JSON
    #[arg(long)]
    pub json: bool,
}

const RECIPES: [(&str, &str); 2] = [
    ("demo_train.toml", include_str!("../../../../configs/demo_train.toml")),
    ("demo_taf.toml", include_str!("../../../../configs/demo_taf.toml")),
];

const VIDEOS_FOLDER: &str = "videos";
const EXPERIMENT: &str = "experiment.toml";
/// Folder of the runs and of what training said.
const TRAINED: &str = "trained";
/// Videos per class: few to learn from, so that the network overfits as those on real data do.
const VIDEOS: [(&str, usize); 2] = [("train", 30), ("val", 50)];
const SIZE: usize = 64;
const FRAMES: std::ops::RangeInclusive<usize> = 24..=40;
/// What the usual epochs of three seeds take on two cores.
const USUAL_MINUTES: f64 = 13.0;
/// Epochs of training from scratch, after which going on at the rate of fine-tuning helps no more; and of fine-tuning.
const EPOCHS: (usize, usize) = (96, 16);
/// Plain steps that take a little longer than one on natural and TA clips: 70 to 65 processor-seconds with networks and videos like
/// these (docs/results.md), where reading clips has its share; of computation alone it is 2.6 (docs/method.md).
const STEPS_OF_TAF: f64 = 2.3;
/// Videos whose pictures are shown.
const STRIPS: usize = 2;

/// Recipes are TOML, whose whole numbers end there; the seeds after it are numbers too.
const MOST_SEED: u64 = i64::MAX as u64 - u32::MAX as u64;

/// Generates, trains, fine-tunes, evaluates and reports; what is there already is not done again.
pub fn run(args: Args) -> Result<Status> {
    if !(args.minutes_hint > 0.0 && args.minutes_hint.is_finite()) {
        bail!("--minutes-hint must be above 0, got {}", args.minutes_hint);
    }
    ensure!(args.seeds.get() <= u32::MAX as usize, "--seeds must be at most {}, got {}", u32::MAX, args.seeds);
    Reading::default().allows(&[Output::folder("--out", &args.out)])?;
    refuse_foreign_folder(&args.out, &format!("{VIDEOS_FOLDER}/{}", MovingShapes::SETTINGS_FILE))?;
    refuse_other_settings(&args)?;
    videos(&args)?;
    let place = write_experiment(&args)?;
    say_stage(2, &format!("training {} networks: from scratch, and from there in three ways", place.grid.cells.len()));
    let chosen = Chosen { shard: None, only: Vec::new() };
    let work = Work { split: Split::Validation, chosen, jobs: None, redo: false, drop_weights: false };
    match experiment::work(&place, &work)? {
        Status::Done => report(&args, &place),
        other => Ok(other),
    }
}

fn say_stage(number: usize, what: &str) {
    say(format_args!("[{number}/3] {what}"));
}

/// Refuses another seed or length than the demo that is there, before its videos are drawn anew.
fn refuse_other_settings(args: &Args) -> Result<()> {
    let path = args.out.join(EXPERIMENT);
    let Ok(known) = fs::read_to_string(&path) else { return Ok(()) };
    let asked = experiment_file(args);
    let differs = |(known, asked): &(&str, &str)| known != asked;
    match known.lines().zip(asked.lines()).find(differs) {
        None if known.len() == asked.len() => Ok(()),
        first => {
            let (found, expected) = first.unwrap_or(("another length", "the same length"));
            bail!("{}: expected {expected:?}, found {found:?}: name another folder with --out", path.display())
        }
    }
}

fn videos(args: &Args) -> Result<()> {
    say_stage(1, "generating MovingShapes: ten motions in pairs that only time can separate");
    // Others than those that docs/results.md chose the form of TA by.
    let shapes = MovingShapes::new(Seed::new(args.seed).with("demo"), SIZE, FRAMES, Difficulty::HARD)?;
    let bar = Counter::new("drawing videos");
    shapes.write(&args.out.join(VIDEOS_FOLDER), &VIDEOS, &|done, total| bar.show(done, total))?;
    Ok(())
}

/// Writes the experiment and its recipes into the folder, where `taf experiment` finds them too.
fn write_experiment(args: &Args) -> Result<Place> {
    create_folder(&args.out)?;
    for (name, text) in RECIPES {
        write_atomic(&args.out.join(name), text.as_bytes())?;
    }
    let file = args.out.join(EXPERIMENT);
    write_atomic(&file, experiment_file(args).as_bytes())?;
    Place::new(file, Some(args.out.join(TRAINED)), None)
}

/// How long to train from scratch, plainly and on perturbed clips, as settings.
fn lengths(minutes: f64) -> [String; 3] {
    // No fewer than the two of the warm-up.
    let epochs = |usual: usize| ((usual as f64 * minutes / USUAL_MINUTES).round() as usize).max(2);
    let (scratch, tuning) = (epochs(EPOCHS.0), epochs(EPOCHS.1));
    let plain = (tuning as f64 * STEPS_OF_TAF).round() as usize;
    // A few points make a curve.
    let setting = |epochs: usize| format!(r#""train.epochs={epochs}", "train.validate_every={}""#, epochs.div_ceil(6));
    [scratch, plain, tuning].map(setting)
}

fn experiment_file(args: &Args) -> String {
    let seeds: Vec<u64> = (args.seed..).take(args.seeds.get()).collect();
    let [scratch, plain, tuning] = lengths(args.minutes_hint);
    format!(
        r#"# Written by `taf demo`; goes on with it, or with `taf experiment {EXPERIMENT} --out {TRAINED}` in this folder.
name = "demo"
recipe = "demo_train.toml"
method_recipe = "demo_taf.toml"
results = "results"
seeds = {seeds:?}
baseline = "plain"

[evaluation]
suites = ["clean", "time-shifted", "noise", "blur"]
severities = [3]

[[data]]
name = "moving-shapes"
manifest = "{VIDEOS_FOLDER}/manifest.jsonl"

[[model]]
name = "tsm"

[start]
set = [{scratch}]

# As much time as TAF, in more epochs.
[[method]]
name = "plain"
plain = true
set = [{plain}]

[[method]]
name = "noise"
set = [{tuning}, "taf.adversary.objective=noise", 'taf.adversary.epsilon="8/255"']

# The answer is made wrong by the frames that the network neglects.
[[method]]
name = "taf"
set = [{tuning}, "taf.adversary.objective=cross-entropy", "taf.adversary.frames=minor",
    'taf.adversary.epsilon="8/255"']
"#
    )
}

/// The page: the table over all seeds, and a closer look at the networks of the first.
fn report(args: &Args, place: &Place) -> Result<Status> {
    say_stage(3, "looking at what the networks of the first seed attend to");
    let table = ExperimentTable::draw(&place.grid.table(), &place.results, Split::Validation)?;
    let page = args.out.join("report.html");
    write_atomic(&page, table.to_html_beside(&look(args, place)?).as_bytes())?;
    write_atomic(&args.out.join("validation.json"), table.to_json().as_bytes())?;
    output::print(&if args.json { table.to_json() } else { table.to_markdown() })?;
    say(format_args!("report: {}", page.display()));
    Ok(Status::Done)
}

fn look(args: &Args, place: &Place) -> Result<Report> {
    let of_first = |cell: &&CellName| cell.seed == args.seed;
    let runs: Vec<PathBuf> =
        place.grid.cells.iter().map(|cell| &cell.name).filter(of_first).map(|cell| place.run(cell)).collect();
    let trained = runs.iter().map(|run: &PathBuf| open(run, Weights::Last)).collect::<Result<_>>()?;
    let panel = Panel::new(trained, &Asked::default())?;
    let report = panel.report("taf demo on MovingShapes", &[Suite::clean()])?.question(
        "Does fine-tuning on temporal adversarial clips (TAF) do better than plain fine-tuning in as much time, from the same \
         weights?",
    );
    let report = panel.with_facts(panel.with_curves(panel.with_attention(report, STRIPS)?)?);
    let provenance = provenance(panel.recipe(), None).context("cannot say where the numbers came from")?;
    let form = "TAF here makes the answer wrong by the frames that the network neglects, a form that did well on other videos of this \
                kind (docs/results.md); the paper's own moves attention alone.";
    let rate = "All methods fine-tune at a fifth of the rate that the start was trained with. On other videos of this kind plain \
                fine-tuning at the whole rate, for twice as long, gained more than any method did at a fifth, and TAF was not shown \
                to add to that (docs/results.md).";
    let report = report.finding(form).finding(rate).finding(format!("Pictures and curves are of seed {}.", args.seed));
    Ok(report.provenance(provenance).build()?)
}
