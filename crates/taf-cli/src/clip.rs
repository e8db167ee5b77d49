//! One video as a network looks at it.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;
use taf::adversary::{AttendedClass, TemporalAdversary};
use taf::evaluate::{Explanation, Seen};
use taf::recipe::Recipe;
use taf::trained::Trained;
use taf_report::metrics::{effective_frames, total_variation};
use taf_video::{Clip, FrameFolder, USUAL_FPS, VideoSource, open_video};

use crate::allowed::Reading;
use crate::picture_folder::FrameArgs;
use crate::trained::{TrainedArgs, device};

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

/// A video with the network that looks at it and the adversary that is to move its attention.
pub struct Viewing {
    /// The network.
    pub trained: Trained,
    /// The frames it sees, cut as in an evaluation.
    pub clip: Clip,
    /// Their places in the video, from 0.
    pub frames: Vec<usize>,
    /// Frames per second at which the clip lasts as long as the video.
    pub clip_fps: f64,
    /// The adversary, with what the command line changes in it.
    pub adversary: TemporalAdversary,
    label: Option<usize>,
}

impl ClipArgs {
    /// What is read.
    pub fn reading(&self) -> Reading {
        Reading::default().at(self.clip.as_path()).run(&self.trained.run)
    }

    /// Reads the run and the video.
    pub fn read(&self) -> Result<Viewing> {
        let trained = self.trained.open()?;
        let label = self.label.as_deref().map(|name| class_index(&trained.info.classes, name)).transpose()?;
        let adversary = self.adversary(&trained, label.is_some())?;
        let mut video = self.open_video()?;
        let (clip, frames) = trained.recipe.data.evaluation_views()?.first(&mut *video)?;
        let num_frames = video.num_frames()?;
        let fps = video.info().fps.unwrap_or(USUAL_FPS);
        let clip_fps = (fps * clip.len() as f64 / num_frames as f64).clamp(0.1, 120.0);
        Ok(Viewing { trained, clip, frames, clip_fps, adversary, label })
    }

    fn open_video(&self) -> Result<Box<dyn VideoSource>> {
        Ok(match &self.frames.frames_template {
            Some(template) => Box::new(FrameFolder::open(&self.clip, template, self.frames.first_index)?),
            None => Box::new(open_video(&self.clip)?),
        })
    }

    fn adversary(&self, trained: &Trained, labelled: bool) -> Result<TemporalAdversary> {
        let base = Recipe { probe: trained.recipe.adversary().clone(), taf: None, ..trained.recipe.clone() };
        let overrides: Vec<String> = self.overrides.iter().map(|change| format!("probe.{}", change.trim())).collect();
        let mut adversary = Recipe::parse(&base.to_toml(), &trained.run.recipe_path(), &overrides)?.probe;
        adversary.check("taf.adversary")?;
        adversary.class = if labelled { AttendedClass::Label } else { AttendedClass::Prediction };
        Ok(adversary)
    }
}

fn class_index(classes: &[String], name: &str) -> Result<usize> {
    match classes.iter().position(|class| class == name) {
        Some(index) => Ok(index),
        None => bail!("--label must be one of {}, got {name:?}", classes.join(", ")),
    }
}

impl Viewing {
    /// What the network sees in the clip, and in the temporal adversarial one.
    pub fn explain(&self) -> Result<Explanation> {
        let Self { trained, clip, label, adversary, .. } = self;
        Ok(Explanation::new(&trained.model, clip, *label, adversary, &device(), trained.recipe.seed)?)
    }

    /// What the network sees in another clip of the same length for a class, with another adversary.
    pub fn explain_other(&self, clip: &Clip, class: usize, adversary: TemporalAdversary) -> Result<Explanation> {
        let adversary = TemporalAdversary { class: AttendedClass::Label, ..adversary };
        let (model, seed) = (&self.trained.model, self.trained.recipe.seed);
        Ok(Explanation::new(model, clip, Some(class), &adversary, &device(), seed)?)
    }

    /// The numbers of an explanation.
    pub fn numbers(&self, seen: &Explanation) -> Numbers {
        let classes = &self.trained.info.classes;
        Numbers {
            frames: self.frames.clone(),
            class: classes[seen.class].clone(),
            epsilon: self.adversary.epsilon,
            natural: Answers::new(&seen.natural, classes),
            perturbed: Answers::new(&seen.perturbed, classes),
            attention_moved: total_variation(&seen.natural.attention, &seen.perturbed.attention),
        }
    }
}

/// An explanation in numbers, for `--json`.
#[derive(Serialize)]
pub struct Numbers {
    /// Places of the frames in the video, from 0.
    pub frames: Vec<usize>,
    /// The class whose evidence makes the attention.
    pub class: String,
    /// Radius of the perturbation in pixel units of [0, 1].
    pub epsilon: f64,
    /// On the clip as it is.
    pub natural: Answers,
    /// On the temporal adversarial clip.
    pub perturbed: Answers,
    /// Total variation between the two attentions, in [0, 1].
    pub attention_moved: f64,
}

/// What the network answers to one clip.
#[derive(Serialize)]
pub struct Answers {
    /// The five likeliest classes, the likeliest first.
    pub top5: Vec<Answer>,
    /// Attention per frame, summing to 1.
    pub attention: Vec<f32>,
    /// How many frames the attention is worth.
    pub effective_frames: f64,
}

/// One class and its probability.
#[derive(Serialize)]
pub struct Answer {
    /// Name of the class.
    pub class: String,
    /// In [0, 1].
    pub probability: f32,
}

impl Answers {
    /// The answers, with the names of the classes.
    pub fn new(seen: &Seen, classes: &[String]) -> Self {
        let answer = |(class, probability): (usize, f32)| Answer { class: classes[class].clone(), probability };
        Self {
            top5: seen.top5().into_iter().map(answer).collect(),
            attention: seen.attention.clone(),
            effective_frames: effective_frames(&seen.attention),
        }
    }

    /// The likeliest class: `moving left 93.1 %`.
    pub fn first(&self) -> String {
        self.top5[0].to_string()
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:.1} %", self.class, 100.0 * self.probability)
    }
}
