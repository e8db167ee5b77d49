//! What a training would be, without doing it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::Serialize;
use taf::model::{Cost as Work, Recognizer};
use taf::recipe::{Plan, Recipe};
use taf::train::{OptimizerConfig, frozen};
use taf_video::dataset::Record;

use crate::exit::Status;
use crate::output;
use crate::rehearsal::{Cost, rehearse};
use crate::words::network_name;

/// All that is known of a training before it begins.
#[derive(Serialize)]
struct DryRun {
    recipe: Recipe,
    train: Videos,
    validation: Videos,
    classes: usize,
    label_set: Option<String>,
    steps_per_epoch: usize,
    steps: usize,
    learning_rate: f64,
    network: Network,
    groups: Vec<Group>,
    frozen_tensors: usize,
    step: Cost,
    /// Training alone; evaluations come on top.
    seconds: f64,
}

/// Videos of some splits.
#[derive(Serialize)]
struct Videos {
    splits: Vec<String>,
    count: usize,
    /// Of the class with the fewest and of that with the most.
    per_class: [usize; 2],
    /// Of the shortest and of the longest.
    frames: [usize; 2],
}

#[derive(Serialize)]
struct Network {
    name: String,
    parameters: usize,
    /// Of one clip, without its gradients.
    multiply_adds: u64,
}

/// Parameters that learn at one pace.
#[derive(Serialize)]
struct Group {
    tensors: usize,
    learning_rate_factor: f64,
    weight_decay_factor: f64,
}

/// Takes a few steps, and says what all of them would be.
pub fn run(plan: &Plan, model: Recognizer, json: bool) -> Result<Status> {
    let dry_run = DryRun::new(plan, plan.course().prepare(model)?)?;
    if json {
        output::print_json(&dry_run)?;
    } else {
        output::print(&dry_run.page())?;
    }
    Ok(Status::Done)
}

impl DryRun {
    fn new(plan: &Plan, model: Recognizer) -> Result<Self> {
        let (course, recipe) = (plan.course(), &plan.recipe);
        let classes = plan.classes.len();
        let frozen = frozen(&model, &recipe.train)?;
        let groups = groups(&recipe.train.optimizer, &model, &frozen);
        let step = rehearse(plan, model);
        let steps_per_epoch = course.batches_per_epoch();
        let steps = steps_per_epoch * recipe.train.epochs;
        let decoding = step.decoding_seconds_per_clip.unwrap_or(0.0) * course.batch_size() as f64;
        Ok(Self {
            recipe: recipe.clone(),
            train: Videos::new(&recipe.data.train, plan.train.records(), classes),
            validation: Videos::new(&recipe.data.validation, plan.evaluation.records(), classes),
            classes,
            label_set: plan.train.videos().label_set().map(str::to_owned),
            steps_per_epoch,
            steps,
            learning_rate: course.learning_rate(),
            network: Network::new(recipe, classes),
            groups,
            frozen_tensors: frozen.len(),
            seconds: steps as f64 * step.seconds.max(decoding),
            step,
        })
    }

    /// The recipe, with what else is known of it as comments: the whole is a recipe again.
    fn page(&self) -> String {
        let mut page = format!("{}\n", self.recipe.to_toml().trim_end());
        let mut line = |name: &str, text: String| page += &format!("# {name:<14}{text}\n");
        line("train", self.train.words());
        line("validation", self.validation.words());
        let label_set = self.label_set.as_ref().map_or(String::new(), |name| format!(", labels of {name}"));
        line("classes", format!("{}{label_set}", self.classes));
        line("steps", format!("{} an epoch, {} in all", self.steps_per_epoch, self.steps));
        line("learning rate", self.learning_rate_words());
        let Network { name, parameters, multiply_adds } = &self.network;
        let work = *multiply_adds as f64 / 1e9;
        line("network", format!("{name}, {parameters} parameters, {work:.2} G multiply-adds a clip"));
        let groups = self.groups.iter().map(Group::words).collect::<Vec<_>>().join(", ");
        let frozen = if self.frozen_tensors == 0 { String::new() } else { format!(", {} frozen", self.frozen_tensors) };
        line("groups", format!("tensors by their factor of the rate: {groups}{frozen}"));
        line("memory", self.memory_words());
        line("time", self.time_words());
        page
    }

    fn learning_rate_words(&self) -> String {
        let asked = self.recipe.train.optimizer.learning_rate();
        match self.recipe.train.base_batch {
            Some(base) if asked != self.learning_rate => {
                format!("{:.3e}: {asked} is for batches of {base} clips", self.learning_rate)
            }
            _ => asked.to_string(),
        }
    }

    fn memory_words(&self) -> String {
        let Cost { peak_bytes, piece, tried, .. } = self.step;
        let Some(bytes) = peak_bytes else { return "this system does not tell".to_owned() };
        let found = if tried == piece { "measured with" } else { "concluded from steps of 1 and 2 clips for" };
        format!("{:.2} GB at the most, {found} {piece} clips at a time", bytes as f64 / 1e9)
    }

    fn time_words(&self) -> String {
        let Cost { seconds, decoding_seconds_per_clip, piece, tried, .. } = self.step;
        let found = if tried == piece { "measured" } else { "concluded from 2 clips" };
        let clips = decoding_seconds_per_clip.map_or("on made-up clips".to_owned(), |seconds| {
            format!("clips come in {:.0} ms each beside it", 1e3 * seconds)
        });
        let epoch = duration(self.seconds / self.recipe.train.epochs as f64);
        format!(
            "{} a step ({found}; {clips}), {epoch} an epoch, {} in all, evaluations not counted",
            duration(seconds),
            duration(self.seconds)
        )
    }
}

impl Videos {
    fn new(splits: &[String], records: &[Record], classes: usize) -> Self {
        let mut of_class = vec![0; classes];
        records.iter().filter_map(|record| record.label).for_each(|label| of_class[label] += 1);
        let frames = || records.iter().map(|record| record.frames);
        let ends = |least: Option<usize>, most: Option<usize>| [least.unwrap_or(0), most.unwrap_or(0)];
        Self {
            splits: splits.to_vec(),
            count: records.len(),
            per_class: ends(of_class.iter().copied().min(), of_class.iter().copied().max()),
            frames: ends(frames().min(), frames().max()),
        }
    }

    fn words(&self) -> String {
        let [per_class, frames] = [self.per_class, self.frames].map(range);
        format!("{} videos of {}, {per_class} a class, {frames} frames", self.count, self.splits.join(", "))
    }
}

impl Network {
    fn new(recipe: &Recipe, classes: usize) -> Self {
        let frames = recipe.data.sampling.frames();
        let config = recipe.model.config(classes, frames);
        let Work { parameters, multiply_adds, .. } = config.cost(frames, recipe.data.transform.size);
        Self { name: network_name(&recipe.model), parameters, multiply_adds }
    }
}

impl Group {
    fn words(&self) -> String {
        let decay = if self.weight_decay_factor == 0.0 { " without decay" } else { "" };
        format!("{} x{}{decay}", self.tensors, self.learning_rate_factor)
    }
}

fn groups(optimizer: &OptimizerConfig, model: &Recognizer, frozen: &BTreeSet<String>) -> Vec<Group> {
    let mut counts = BTreeMap::<[u64; 2], usize>::new();
    for (_, factors) in optimizer.factors(model).iter().filter(|(name, _)| !frozen.contains(*name)) {
        // Factors are not negative, and such floats are in the order of their bits.
        *counts.entry([factors.learning_rate, factors.weight_decay].map(f64::to_bits)).or_default() += 1;
    }
    let group = |(key, tensors): ([u64; 2], usize)| {
        let [learning_rate_factor, weight_decay_factor] = key.map(f64::from_bits);
        Group { tensors, learning_rate_factor, weight_decay_factor }
    };
    counts.into_iter().map(group).collect()
}

/// `3 to 5`, or `4`.
fn range([least, most]: [usize; 2]) -> String {
    if least == most { least.to_string() } else { format!("{least} to {most}") }
}

/// `0.42 s`, `3.1 min`, `7.5 h` or `12.3 days`.
fn duration(seconds: f64) -> String {
    match seconds {
        ..120.0 => format!("{seconds:.2} s"),
        ..7200.0 => format!("{:.1} min", seconds / 60.0),
        ..172_800.0 => format!("{:.1} h", seconds / 3600.0),
        _ => format!("{:.1} days", seconds / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_said_in_the_unit_that_fits() {
        let words = [0.5, 119.0, 600.0, 36_000.0, 864_000.0].map(duration);
        assert_eq!(words, ["0.50 s", "119.00 s", "10.0 min", "10.0 h", "10.0 days"]);
    }
}
