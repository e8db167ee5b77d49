//! What can be typed: the commands, their options, and the help a person learns from.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use taf_checkpoint::layout::Layout;
use taf_video::synthetic::Difficulty;

use crate::bench::Workload;
use crate::requirement::Requirement;

const TOUR: &str = "\
A first tour:
  taf demo                                     everything below on generated videos, with a report
  taf data prepare my-videos --out m.jsonl     list your own: my-videos/CLASS/CLIP.mp4
  taf train configs/demo_train.toml --data m.jsonl --out runs/base
  taf finetune configs/demo_taf.toml --from runs/base --out runs/taf
  taf compare runs/base runs/taf               is it better, and by how much for sure?
  taf attend my-videos/CLASS/CLIP.mp4 --run runs/taf --out seen.png

Exit code: 0 done; 1 a stated requirement is not met; 2 bad input or failure; 130 interrupted, can be resumed.
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

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List videos, check them, or generate some
    #[command(subcommand)]
    Data(DataCommand),
    Train(TrainArgs),
    Finetune(FinetuneArgs),
    Eval(EvalArgs),
    Compare(CompareArgs),
    Attend(AttendArgs),
    Perturb(PerturbArgs),
    Import(ImportArgs),
    Export(ExportArgs),
    Info(InfoArgs),
    Bench(BenchArgs),
    Demo(DemoArgs),
    Completions(CompletionsArgs),
}

/// The commands about data.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    Prepare(PrepareArgs),
    Check(CheckArgs),
    Synth(SynthArgs),
}

/// Make a manifest: the list of videos, classes and splits that training reads
///
/// Every video is decoded once to count its frames. The result does not depend on the machine.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  taf data prepare my-videos --out my-videos/manifest.jsonl
      my-videos/CLASS/CLIP.mp4; a fifth of each class becomes the split `val`
  taf data prepare list.csv --csv-root videos --out manifest.jsonl
      list.csv begins with a line `path,label` or `path,label,split,group`
  taf data prepare frames --frames-template '{:05}.jpg' --out manifest.jsonl
      each video is a folder of pictures, frames/CLASS/CLIP/00001.jpg and so on")]
pub struct PrepareArgs {
    /// A folder of class folders, or a .csv file with the columns path, label and perhaps split and group
    #[arg(value_name = "FOLDER_OR_CSV")]
    pub source: PathBuf,
    /// The manifest to write (.jsonl)
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Folder the paths of the CSV file start from [default: the folder of the CSV file]
    #[arg(long, value_name = "FOLDER")]
    pub csv_root: Option<PathBuf>,
    /// Put behind every path of the CSV file, such as .mp4
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub csv_suffix: String,
    /// Character between the columns of the CSV file
    #[arg(long, value_name = "CHAR", default_value_t = ',')]
    pub csv_delimiter: char,
    /// Share of the videos for the split `val`, where the source names no splits
    #[arg(long, value_name = "SHARE", default_value_t = 0.2)]
    pub val_fraction: f64,
    /// Share of the videos for the split `test`, where the source names no splits
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub test_fraction: f64,
    /// Decides which videos go to which split
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Leave unreadable videos out instead of stopping
    #[arg(long)]
    pub keep_going: bool,
    #[command(flatten)]
    pub frames: FrameArgs,
    /// Print the counts as JSON
    #[arg(long)]
    pub json: bool,
}

/// How pictures are named where a video is a folder of them.
#[derive(Debug, Args)]
pub struct FrameArgs {
    /// Videos are folders of pictures named so, such as '{:05}.jpg' for 00001.jpg, 00002.jpg, ...
    #[arg(long, value_name = "NAME")]
    pub frames_template: Option<String>,
    /// Number of the first picture
    #[arg(long, value_name = "N", default_value_t = 1, requires = "frames_template")]
    pub first_index: usize,
}

/// Verify a manifest and every video in it; all problems are listed, exit code 1 if there are any
///
/// Finds videos that are missing, unreadable, too short, listed twice or equal byte by byte, unknown labels, wrong frame
/// counts, and classes that a split lacks.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  taf data check my-videos/manifest.jsonl --min-frames 8")]
pub struct CheckArgs {
    /// The manifest
    pub manifest: PathBuf,
    /// The fewest frames a video may have
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub min_frames: usize,
    /// Split that is trained on; if given often, they must hold every class together
    #[arg(long, value_name = "NAME", default_value = "train")]
    pub train_split: Vec<String>,
    /// Print problems and counts as JSON
    #[arg(long)]
    pub json: bool,
}

/// Generate MovingShapes: videos in ten classes that only time can separate
///
/// Classes come in pairs that are each other played backwards, so a network that ignores the order of frames cannot tell
/// them apart. Writes H.264 files and a manifest. Running it again completes what is missing.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  taf data synth --out shapes --train 40 --val 10
      400 training and 100 validation videos, and shapes/manifest.jsonl")]
pub struct SynthArgs {
    /// Folder to write
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Side of the square videos in pixels, even
    #[arg(long, value_name = "PIXELS", default_value_t = 64)]
    pub size: usize,
    /// Frames of a video: a number, or a range such as 24-40
    #[arg(long, value_name = "N or N-M", default_value = "24-40", value_parser = frame_range)]
    pub frames: FrameRange,
    /// How much gets in the way: easy, medium, hard or a number from 0 to 1
    #[arg(long, value_name = "LEVEL", default_value = "medium")]
    pub difficulty: Difficulty,
    /// Videos per class in the split `train`
    #[arg(long, value_name = "N", default_value_t = 40)]
    pub train: usize,
    /// Videos per class in the split `val`
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub val: usize,
    /// Videos per class in the split `test`
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub test: usize,
    /// The same seed gives the same videos
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Print the counts as JSON
    #[arg(long)]
    pub json: bool,
}

/// Shortest and longest number of frames.
pub type FrameRange = (usize, usize);

fn frame_range(text: &str) -> Result<FrameRange, String> {
    let (fewest, most) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.trim().parse().map_err(|_| "expected a number or a range such as 24-40".to_owned());
    Ok((number(fewest)?, number(most)?))
}

/// Train a network from scratch as a recipe says
///
/// Writes a run folder: the resolved recipe, where it came from, metrics.jsonl, checkpoints, and at the end report.html and
/// report.json. Ctrl-C finishes the step and writes a checkpoint; --resume goes on from there, bit for bit as if nothing had
/// happened, and so it does after a crash.
#[derive(Debug, Args)]
#[command(after_help = "\
A recipe needs [data] manifest and [model] kind and trunk; everything else has a default. The run's recipe.toml shows all
settings in full, and the recipes in configs/ are commented.

Examples:
  taf train configs/demo_train.toml --data shapes/manifest.jsonl --out runs/base
  taf train recipe.toml --out runs/long --set train.epochs=100 --set train.optimizer.learning_rate=0.02
  taf train recipe.toml --out runs/pair --classes left,right
  taf train --out runs/base --resume")]
pub struct TrainArgs {
    /// The recipe (TOML); with --resume the run's own
    #[arg(value_name = "RECIPE", required_unless_present = "resume")]
    pub recipe: Option<PathBuf>,
    #[command(flatten)]
    pub run: RunArgs,
}

/// Fine-tune a trained run: plainly, or on temporal adversarial clips (TAF)
///
/// Starts from the weights of another run that did best. With a [taf] table in the recipe every step also learns from clips
/// whose temporal attention was moved; without one, or with --plain, it is ordinary fine-tuning. The report shows the network
/// before and after: accuracy with a paired comparison, and what it attends to.
#[derive(Debug, Args)]
#[command(after_help = "\
Tables the recipe leaves out, such as [data] and [model], are those of the run that --from names. The [taf] table is only
ever the recipe's own, or made with --set.

Examples:
  taf finetune configs/demo_taf.toml --from runs/base --out runs/taf
  taf finetune configs/demo_taf.toml --from runs/base --out runs/plain --plain
  taf finetune --from runs/base --out runs/entropy --set train.epochs=5 --set taf.adversary.objective=entropy
  taf finetune --from runs/base --out runs/taf --resume")]
pub struct FinetuneArgs {
    /// The recipe (TOML) [default: that of the run --from]
    #[arg(value_name = "RECIPE")]
    pub recipe: Option<PathBuf>,
    /// Folder of the run to start from
    #[arg(long, value_name = "RUN")]
    pub from: PathBuf,
    /// Start from the newest weights instead of those that did best on the validation clips
    #[arg(long)]
    pub last: bool,
    /// Leave the recipe's [taf] table out, so that one recipe serves for both
    #[arg(long)]
    pub plain: bool,
    #[command(flatten)]
    pub run: RunArgs,
}

/// What every command that trains takes.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Folder of the run
    #[arg(long, value_name = "RUN")]
    pub out: PathBuf,
    /// Change a value of the recipe, such as train.epochs=10; may be given often
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    #[command(flatten)]
    pub data: DataArgs,
    /// Go on with the run in --out; a finished one is left as it is
    #[arg(long)]
    pub resume: bool,
    /// Replace the run in --out
    #[arg(long, conflicts_with = "resume")]
    pub force: bool,
    /// Print how it ended as JSON
    #[arg(long)]
    pub json: bool,
}

/// Which videos, where not those of the recipe.
#[derive(Clone, Debug, Default, Args)]
pub struct DataArgs {
    /// Take the videos of this manifest
    #[arg(long, value_name = "MANIFEST")]
    pub data: Option<PathBuf>,
    /// Take only these classes, in this order
    #[arg(long, value_name = "A,B,...", value_delimiter = ',')]
    pub classes: Option<Vec<String>>,
}

/// A trained run, and which of its weights.
#[derive(Clone, Debug, Args)]
pub struct TrainedArgs {
    /// Folder of the run
    #[arg(long, value_name = "RUN")]
    pub run: PathBuf,
    /// Take the newest weights instead of those that did best on the validation clips
    #[arg(long)]
    pub last: bool,
}

/// Measure a run's accuracy on clips as they are, and on clips that were spoiled
///
/// Prints top-1 with 95 % intervals for every suite. Predictions are kept in the run (predictions/SUITE.json), so that
/// `taf compare` and another `taf eval` need not repeat them.
#[derive(Debug, Args)]
#[command(after_help = "\
Suites:
  clean          the clips as they are
  time-shifted   clips that start too early or too late, or have dropped, frozen or black frames
  noise, blur, digital, temporal   all corruptions of one family
  gaussian_noise, motion_blur, ... one corruption; a wrong name lists them all

Examples:
  taf eval --run runs/taf
  taf eval --run runs/taf --suite clean,jpeg_compression --severity 1,3,5
  taf eval --run runs/taf --split test --suite clean --require 'clean.top1>=0.75'
  taf eval --run runs/taf --json | jq '.results[0].scores.top1'")]
pub struct EvalArgs {
    #[command(flatten)]
    pub trained: TrainedArgs,
    #[command(flatten)]
    pub suites: SuiteArgs,
    /// Evaluate this split, where not the recipe's; may be given often
    #[arg(long, value_name = "NAME")]
    pub split: Vec<String>,
    /// Take the videos of this manifest
    #[arg(long, value_name = "MANIFEST")]
    pub data: Option<PathBuf>,
    /// End with exit code 1 unless this holds, such as 'clean.top1>=0.75'; may be given often. Measures: top1, top5,
    /// mean_class_accuracy, log_loss
    #[arg(long, value_name = "SUITE.MEASURE>=VALUE")]
    pub require: Vec<Requirement>,
    /// Also write the report to this HTML file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print the results as JSON
    #[arg(long)]
    pub json: bool,
}

/// Which suites.
#[derive(Clone, Debug, Args)]
pub struct SuiteArgs {
    /// What to evaluate
    #[arg(long, value_name = "A,B,...", value_delimiter = ',', default_value = "clean,time-shifted,noise,blur")]
    pub suite: Vec<String>,
    /// How bad, from 1 to 5; several are pooled
    #[arg(long, value_name = "N,M,...", value_delimiter = ',', default_value = "3")]
    pub severity: Vec<u8>,
}

/// Compare runs on the same clips: is one better, and by how much for sure?
///
/// Every run is compared with the first, and the last also with the one before it, of which the answer speaks: difference in
/// top-1 with a paired bootstrap interval. Predictions that `taf eval` has made are used again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  taf compare runs/plain runs/taf
  taf compare runs/base runs/plain runs/taf --suite clean,time-shifted --severity 1,3,5 --report comparison.html")]
pub struct CompareArgs {
    /// Folders of the runs, the one to compare with first
    #[arg(value_name = "RUN", num_args = 2.., required = true)]
    pub runs: Vec<PathBuf>,
    /// Take the newest weights instead of those that did best on the validation clips
    #[arg(long)]
    pub last: bool,
    #[command(flatten)]
    pub suites: SuiteArgs,
    /// Evaluate this split, where not the recipe's; may be given often
    #[arg(long, value_name = "NAME")]
    pub split: Vec<String>,
    /// Take the videos of this manifest
    #[arg(long, value_name = "MANIFEST")]
    pub data: Option<PathBuf>,
    /// Also write a report with attention, curves and pictures to this HTML file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print the results as JSON
    #[arg(long)]
    pub json: bool,
}

/// A video and the run that looks at it.
#[derive(Debug, Args)]
pub struct ClipArgs {
    /// The video, or a folder of pictures with --frames-template
    #[arg(value_name = "CLIP")]
    pub clip: PathBuf,
    #[command(flatten)]
    pub trained: TrainedArgs,
    /// The class to look for evidence of [default: what the network answers]
    #[arg(long, value_name = "NAME")]
    pub label: Option<String>,
    /// Change a setting of the adversary, such as epsilon=0.03 or objective=entropy; may be given often
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    #[command(flatten)]
    pub frames: FrameArgs,
    /// Print the numbers as JSON
    #[arg(long)]
    pub json: bool,
}

/// Show what a network sees in a video: its answers, and how much each frame argues for the class
///
/// Prints the five likeliest classes and the attention per frame, for the video as it is and for its temporal adversarial
/// version. The picture shows the frames with the places that argue for the class.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  taf attend clip.mp4 --run runs/taf --out seen.png
  taf attend clip.mp4 --run runs/taf --label 'moving left' --json")]
pub struct AttendArgs {
    #[command(flatten)]
    pub clip: ClipArgs,
    /// Picture to write: frames, evidence and attention, natural and perturbed (.png)
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Write the temporal adversarial version of a video, and the difference as a picture
///
/// The frames the network looks at are perturbed by at most epsilon so that its temporal attention moves, and written without
/// loss. The change is too small to see; the picture shows it amplified.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  taf perturb clip.mp4 --run runs/base --out ta.mp4 --difference difference.png --set epsilon=0.0314")]
pub struct PerturbArgs {
    #[command(flatten)]
    pub clip: ClipArgs,
    /// Video to write (.mp4, .mkv, .mov)
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Picture of the amplified difference to write; grey is no change (.png)
    #[arg(long, value_name = "FILE")]
    pub difference: Option<PathBuf>,
}

/// Make a run of weights that PyTorch trained, so that they can be evaluated, explained and fine-tuned
///
/// Reads .pth, .pth.tar, .pt and .safetensors files of torchvision (ResNet, MobileNetV2: the start of every video network),
/// of the TSM, TAM, GST and TPN repositories and of mmaction2, and tells what matched, what was reshaped, what is fresh and
/// what was left over. A file is data: nothing in it is executed. Whatever does not fit is refused unless an option allows it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  taf import TSM_somethingv2_RGB_resnet50.pth.tar --model tsm-resnet50 --classes category.txt --out runs/tsm
  taf eval --run runs/tsm --data something-v2.jsonl --suite clean
  taf import resnet50.pth --model tsm-resnet50 --data manifest.jsonl --out runs/start
      begins with an image network; taf finetune --from runs/start trains it
  taf import tam_sthv1.pth --model tam-resnet50 --classes labels.json --label-order v1-file --out runs/tam")]
pub struct ImportArgs {
    /// The file of weights
    pub file: PathBuf,
    /// The network and its trunk, such as tsm-resnet50
    #[arg(long, value_name = "KIND-TRUNK")]
    pub model: String,
    /// The classes in the order of the run: how many, or a file: a manifest (.jsonl), labels.json, or one class a line
    /// [default: those of --data]
    #[arg(long, value_name = "N or FILE", required_unless_present = "data")]
    pub classes: Option<String>,
    /// The order of the file's classifier, where it is another: sorted, v1-file (the label file of Something-Something V1),
    /// or a file as for --classes
    #[arg(long, value_name = "ORDER")]
    pub label_order: Option<String>,
    /// Folder of the run to write
    #[arg(long, short, value_name = "RUN")]
    pub out: PathBuf,
    /// Start a new classifier; the file's is left out
    #[arg(long)]
    pub new_classifier: bool,
    /// Take what fits, although the file lacks weights of the network or has others
    #[arg(long)]
    pub partial: bool,
    /// The manifest of the run's videos
    #[arg(long, value_name = "MANIFEST")]
    pub data: Option<PathBuf>,
    /// Frames per clip
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub frames: usize,
    /// Side of the frames
    #[arg(long, value_name = "PIXELS", default_value_t = 224)]
    pub size: usize,
    /// Change a value of the run's recipe, such as model.dropout=0.3; may be given often
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Replace the run in --out
    #[arg(long)]
    pub force: bool,
    /// Print what became of every weight as JSON
    #[arg(long)]
    pub json: bool,
}

/// Write a network for other programs: its weights for PyTorch's load_state_dict, or all of it as ONNX
///
/// Weights are named as in a repository's own model (without the module. of DataParallel), with the counters of its batch
/// norms, so that strict=True holds. An ONNX file takes `clips` [batch, frames, 3, height, width], RGB in [0, 1], normalises
/// them itself and gives `logits` [batch, classes]; its metadata names the classes. The auxiliary batch-norm branch of
/// adversarial training is left out of both.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  taf export runs/taf --out tsm.safetensors
  taf export runs/taf --layout mmaction2 --out mmaction2.safetensors
  in Python: model.load_state_dict(safetensors.torch.load_file('tsm.safetensors'))
  taf export runs/taf --format onnx --out tsm.onnx
  in Python: onnxruntime.InferenceSession('tsm.onnx').run(['logits'], {'clips': clips})")]
pub struct ExportArgs {
    /// Folder of a run, or a checkpoint in it
    #[arg(value_name = "RUN")]
    pub checkpoint: PathBuf,
    /// File to write
    #[arg(long, short, value_name = "FILE")]
    pub out: PathBuf,
    /// What to write
    #[arg(long, value_enum, default_value_t = ExportFormat::Safetensors)]
    pub format: ExportFormat,
    /// Whose names: torchvision, tsm, tam, gst, tpn or mmaction2 [default: the network's own repository]
    #[arg(long, value_name = "LAYOUT")]
    pub layout: Option<Layout>,
    /// ONNX: frames per clip [default: those of the run]
    #[arg(long, value_name = "N")]
    pub frames: Option<usize>,
    /// ONNX: height and width of the clips [default: any]
    #[arg(long, value_name = "PIXELS")]
    pub size: Option<usize>,
    /// Take the newest weights instead of those that did best on the validation clips
    #[arg(long)]
    pub last: bool,
    /// Print what was written as JSON
    #[arg(long)]
    pub json: bool,
}

/// What `taf export` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Weights alone
    Safetensors,
    /// Network and weights
    Onnx,
}

/// Say what a network is made of, and what this program runs on
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  taf info
  taf info configs/demo_train.toml --data shapes/manifest.jsonl
  taf info --run runs/taf --layers")]
pub struct InfoArgs {
    /// A recipe (TOML), or the folder of a run
    #[arg(value_name = "RECIPE or RUN", conflicts_with = "run")]
    pub recipe: Option<PathBuf>,
    /// Folder of a run
    #[arg(long, value_name = "RUN")]
    pub run: Option<PathBuf>,
    /// Take the classes of this manifest, where not the recipe's
    #[arg(long, value_name = "MANIFEST", requires = "recipe")]
    pub data: Option<PathBuf>,
    /// List every parameter with its shape
    #[arg(long)]
    pub layers: bool,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

/// Measure how fast a network trains or answers on this machine, and where the time goes
///
/// Without a recipe the clips are made up: what is measured is computing alone. With one its videos are decoded as in
/// training, and `data` is what a step waits for them. Nothing else should run meanwhile.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  taf bench --model tsm-resnet50 --size 112
  taf bench --model tsm-resnet50 --work inference --layers
  taf bench --model tsm-resnet18 --clips 4 --size 64 --work taf --set taf.adversary.steps=2 --threads 2
  taf bench configs/demo_taf.toml --data shapes/manifest.jsonl --work taf --json")]
pub struct BenchArgs {
    /// A recipe (TOML): its network, clips and batch size, with its videos
    #[arg(value_name = "RECIPE", conflicts_with_all = ["model", "clips", "frames", "size", "classes"])]
    pub recipe: Option<PathBuf>,
    /// Take the videos of this manifest, where not the recipe's
    #[arg(long, value_name = "MANIFEST", requires = "recipe")]
    pub data: Option<PathBuf>,
    /// What to repeat
    #[arg(long, value_enum, default_value_t = Workload::Plain)]
    pub work: Workload,
    /// The network and its trunk
    #[arg(long, value_name = "KIND-TRUNK", default_value = "tsm-resnet50")]
    pub model: String,
    /// Clips per step
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub clips: usize,
    /// Frames per clip
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub frames: usize,
    /// Side of the frames
    #[arg(long, value_name = "PIXELS", default_value_t = 224)]
    pub size: usize,
    /// Classes
    #[arg(long, value_name = "N", default_value_t = 174)]
    pub classes: usize,
    /// Change a value of the recipe, such as taf.fraction=0.5; may be given often
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Steps that are timed
    #[arg(long, value_name = "N", default_value = "10")]
    pub steps: NonZeroUsize,
    /// Steps before the clock starts
    #[arg(long = "warmup", value_name = "N", default_value_t = 2)]
    pub warm_up: usize,
    /// List every operation of every layer
    #[arg(long)]
    pub layers: bool,
    /// Print everything as JSON
    #[arg(long)]
    pub json: bool,
}

/// Show the whole method at work: generate videos, train, fine-tune plainly and with TAF, compare, report
///
/// A small network learns to tell generated motions apart, and is then fine-tuned twice from the same weights with the same
/// budget: plainly, and on temporal adversarial clips. All three are evaluated on clips as they are, shifted in time, noisy and
/// blurred. Running it again goes on where it stopped.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  taf demo --out my-demo
      then open my-demo/report.html")]
pub struct DemoArgs {
    /// Folder to write
    #[arg(long, value_name = "FOLDER", default_value = "taf-demo")]
    pub out: PathBuf,
    /// About how long to take on two cores; fewer minutes train less
    #[arg(long, value_name = "MINUTES", default_value_t = 8.0)]
    pub minutes_hint: f64,
    /// Decides the videos, the first weights and the order of training
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Print the completion script of a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  taf completions bash > ~/.local/share/bash-completion/completions/taf
  taf completions zsh > ~/.zfunc/_taf
  taf completions fish > ~/.config/fish/completions/taf.fish")]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}
