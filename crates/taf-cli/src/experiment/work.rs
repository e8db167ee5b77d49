use std::fs;
use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::thread::{self, available_parallelism};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use taf::evaluate::Version;
use taf::experiment::Cell;
use taf::train::CheckpointFolder;
use taf_files::{Output, create_folder};
use taf_report::experiment::{CellName, Split};
use taf_report::run::{Lock, RunDir};

use super::children::{Children, End, Ended};
use super::estimate::Estimate;
use super::queue::{Counts, Queue, Task};
use super::state::{State, States};
use super::{Chosen, Place, test_split};
use crate::allowed::{Reading, refuse_foreign_folder};
use crate::exit::Status;
use crate::interrupt::Graceful;
use crate::output::{self, say};
use crate::progress::clock;

/// What is to be done of an experiment.
pub struct Work {
    /// Which clips are asked about.
    pub split: Split,
    /// Which part of the grid.
    pub chosen: Chosen,
    /// Cells at a time; none for one per core.
    pub jobs: Option<NonZeroUsize>,
    /// Whether cells whose results are of something else are done again.
    pub redo: bool,
    /// Whether weights of finished cells are removed.
    pub drop_weights: bool,
}

/// Between looks at the processes.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Between the lines that say how far it is.
const TELL_EVERY: Duration = Duration::from_secs(600);

/// Refuses what no run could train on or answer, hours before one would come to it.
fn check(place: &Place) -> Result<()> {
    place.grid.check_videos()?;
    Ok(Version::check_encoders(place.grid.versions())?)
}

/// Prints the cells and how far each is.
pub fn dry_run(place: &Place, split: Split, chosen: &Chosen) -> Result<Status> {
    let states = States::of(place, split)?;
    check(place)?;
    let mut text = String::new();
    let mut done = 0;
    let cells = chosen.of(place.grid.cells.iter().map(|cell| &cell.name));
    for cell in &cells {
        let state = match states.get(cell) {
            State::Done => "done",
            State::Stale(_) | State::OtherStart(_) => "stale",
            State::Open if RunDir::open(place.run(cell)).is_ok() => "begun",
            State::Open => "open",
        };
        done += usize::from(state == "done");
        text.push_str(&format!("{state:<6} {cell}\n"));
    }
    say_stale(&states, &cells);
    output::print(&format!("{text}{done} of {} cells done\n", cells.len()))?;
    Ok(Status::Done)
}

/// Does all cells that are not done.
pub fn work(place: &Place, work: &Work) -> Result<Status> {
    check(place)?;
    let (out, results) = (place.out.as_path(), place.results.path());
    Reading::default()
        .at(place.file.as_path())
        .allows(&[Output::folder("--out", out), Output::folder("--results", results)])?;
    refuse_foreign_folder(out, RUNS)?;
    create_folder(&out.join(RUNS))?;
    let lock = Lock::take(out)?;
    if !lock.holds {
        say(format_args!("this file system has no locks: do not work on this from two places: {}", out.display()));
    }
    let cells = cells(place, work)?;
    let states = States::of(place, work.split)?;
    let open: Vec<&Cell> = cells.into_iter().filter(|cell| *states.get(&cell.name) != State::Done).collect();
    let jobs = work.jobs.or_else(|| available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let runner = Runner {
        place,
        queue: Queue::new(tasks(place, &open, work.split)),
        children: Children::new(place, work.split, work.redo),
        estimate: Estimate::of(&states.results),
        jobs,
        drop_weights: work.drop_weights,
        told: Instant::now(),
    };
    runner.run()
}

const RUNS: &str = "runs";

/// The cells that are to have results when the work is over. Results of something else are refused, or removed to be made anew.
fn cells<'a>(place: &'a Place, work: &Work) -> Result<Vec<&'a Cell>> {
    if work.split == Split::Test {
        let choices = test_split::choose(place)?;
        let is_asked = |cell: &&Cell| !cell.test.is_empty() && test_split::is_chosen(&choices, cell);
        return Ok(place.grid.cells.iter().filter(is_asked).collect());
    }
    let states = States::of(place, work.split)?;
    test_split::refuse_changes(place, &states)?;
    let chosen = work.chosen.of(place.grid.cells.iter().map(|cell| &cell.name));
    if chosen.is_empty() {
        bail!("no cell has such a name; --dry-run lists them all");
    }
    let stale: Vec<&CellName> = states.stale().map(|(cell, _)| cell).filter(|cell| chosen.contains(cell)).collect();
    if !stale.is_empty() && !work.redo {
        say_stale(&states, &chosen);
        bail!(
            "{} of {} results are of another recipe, start or manifest; --redo makes them anew, or give the changed method a \
             name of its own",
            stale.len(),
            chosen.len()
        );
    }
    remove_results(place, &stale, work.split)?;
    Ok(place.grid.cells.iter().filter(|cell| chosen.contains(&&cell.name)).collect())
}

/// Removes results, those of starts last: a kill in between leaves none of a start that is gone.
fn remove_results(place: &Place, cells: &[&CellName], split: Split) -> Result<()> {
    for cell in place.grid.cells.iter().rev().map(|cell| &cell.name).filter(|cell| cells.contains(cell)) {
        for path in [place.results.result_path(cell, split), place.bill(cell)] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => bail!("cannot remove {}: {error}", path.display()),
                _ => {}
            }
        }
    }
    Ok(())
}

fn say_stale(states: &States, among: &[&CellName]) {
    for (cell, why) in states.stale().filter(|(cell, _)| among.contains(cell)) {
        say(format_args!("{cell}: {why}"));
    }
}

/// The open cells in the order of the grid, with the starts that some of them have to be trained from.
fn tasks(place: &Place, open: &[&Cell], split: Split) -> Vec<Task> {
    let is_open = |name: &CellName| open.iter().any(|cell| cell.name == *name);
    let needed: Vec<&CellName> = open.iter().filter_map(|cell| cell.start.as_ref()).collect();
    let is_task = |cell: &&Cell| is_open(&cell.name) || needed.contains(&&cell.name) && !place.is_trained(cell, split);
    let task = |cell: &Cell| Task { cell: cell.name.clone(), start: cell.start.clone() };
    place.grid.cells.iter().filter(is_task).map(task).collect()
}

struct Runner<'a> {
    place: &'a Place,
    queue: Queue,
    children: Children<'a>,
    estimate: Estimate,
    jobs: NonZeroUsize,
    drop_weights: bool,
    told: Instant,
}

impl Runner<'_> {
    fn run(mut self) -> Result<Status> {
        let graceful = Graceful::ending_with("stopping the runs, each with a checkpoint")?;
        let mut stopped = false;
        let (mut done, mut told_waiting) = (Vec::new(), false);
        loop {
            while !graceful.asked() && self.children.count() < self.jobs.get() {
                let beside = self.queue.side_by_side().min(self.jobs.get());
                let Some(task) = self.queue.begin(self.jobs.get(), |cell| !self.place.is_running(cell)) else { break };
                self.children.begin(&task.cell, beside)?;
            }
            done.drain(..).for_each(|words: String| say(format_args!("{words}; {}", self.progress())));
            if self.children.count() == 0 && (graceful.asked() || self.queue.counts().waiting == 0) {
                break;
            }
            if self.children.count() == 0 && !std::mem::replace(&mut told_waiting, true) {
                say(
                    "waiting for other processes that train cells of this grid; they end with a checkpoint if they were left",
                );
            }
            thread::sleep(LOOK_EVERY);
            if graceful.asked() {
                self.children.stop();
            }
            for ended in self.children.ended()? {
                stopped |= self.end(ended, graceful.asked(), &mut done)?;
            }
            self.tell_now_and_then();
        }
        drop(graceful);
        self.verdict(stopped)
    }

    /// Notes the end of a process, and in words that it is done; whether it was stopped.
    fn end(&mut self, Ended { cell, took, end }: Ended, asked: bool, done: &mut Vec<String>) -> Result<bool> {
        match end {
            End::Done => {
                self.queue.succeed(&cell);
                self.estimate.learn(&cell, took);
                done.push(format!("{cell}: done in {}", clock(took)));
                self.tidy(&cell)?;
            }
            // A signal may also end it from outside.
            End::Stopped | End::Failed(_) if asked => return Ok(true),
            End::Stopped => self.fail(&cell, "it was stopped from outside"),
            End::Failed(why) => self.fail(&cell, &why),
        }
        Ok(false)
    }

    fn fail(&mut self, cell: &CellName, why: &str) {
        let lost = self.queue.fail(cell);
        let others = if lost == 0 { String::new() } else { format!(", and with it {lost} that start from it") };
        say(format_args!("{cell}: failed{others}: {why}: {}", self.place.log(cell).display()));
    }

    fn progress(&self) -> String {
        let Counts { done, running, waiting, failed } = self.queue.counts();
        let all = done + running + waiting + failed;
        let left = self.estimate.left(self.queue.waiting(), self.children.running(), self.jobs.get());
        let left = left.map_or_else(String::new, |left| format!(", {} to go", clock(left)));
        let failed = if failed == 0 { String::new() } else { format!(", {failed} failed") };
        format!("{done} of {all} done, {running} running{failed}{left}")
    }

    fn tell_now_and_then(&mut self) {
        if self.told.elapsed() >= TELL_EVERY {
            self.told = Instant::now();
            let names: Vec<String> = self.children.running().map(|(cell, _)| cell.to_string()).collect();
            say(format_args!("{}: {}", self.progress(), names.join(", ")));
        }
    }

    /// Removes weights that are not asked for: those of a start as long as no cell needs it.
    fn tidy(&self, cell: &CellName) -> Result<()> {
        if !self.drop_weights {
            return Ok(());
        }
        let start = self.place.grid.cell(cell).and_then(|cell| cell.start.as_ref());
        for cell in [cell].into_iter().chain(start).filter(|cell| !self.queue.needs(cell)) {
            if let Ok(run) = RunDir::open(self.place.run(cell)) {
                CheckpointFolder::new(run.checkpoints()).clear()?;
            }
        }
        Ok(())
    }

    fn verdict(self, stopped: bool) -> Result<Status> {
        let Counts { done, running, waiting, failed } = self.queue.counts();
        if stopped || waiting > 0 {
            let all = done + running + waiting + failed;
            say(format_args!("stopped; {done} of {all} done; go on with the same command"));
            return Ok(Status::Interrupted);
        }
        match failed {
            0 => Ok(Status::Done),
            _ => bail!("{failed} cells failed; the same command tries them again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{changed, lab, name, result, run};
    use super::*;

    #[test]
    fn results_of_starts_are_removed_last() {
        let (_folder, place) = lab();
        let names = ["start", "plain", "taf.a"].map(name);
        names.iter().for_each(|cell| drop(result(&place, &cell.run, "w", None)));
        let path = |cell: &CellName| place.results.result_path(cell, Split::Validation);
        // What cannot be removed ends it half-way, as a kill would.
        fs::remove_file(path(&names[1])).unwrap();
        fs::create_dir(path(&names[1])).unwrap();
        let cells: Vec<&CellName> = names.iter().collect();
        assert!(remove_results(&place, &cells, Split::Validation).is_err());
        assert!(path(&names[0]).exists() && !path(&names[2]).exists());
    }

    #[test]
    fn a_start_of_another_kind_or_of_other_weights_than_its_result_is_trained_first() {
        let (folder, place) = lab();
        drop(run(&place, "start"));
        let begun = |place: &Place| -> Vec<String> {
            let open = [place.grid.cell(&name("plain")).unwrap()];
            tasks(place, &open, Split::Validation).into_iter().map(|task| task.cell.run).collect()
        };
        assert_eq!(begun(&place), ["plain"]);
        result(&place, "start", "other weights", None);
        assert_eq!(begun(&place), ["start", "plain"]);
        fs::remove_file(place.results.result_path(&name("start"), Split::Validation)).unwrap();
        let place = changed(&folder, "[start]", "[start]\nset = [\"train.epochs=8\"]");
        assert_eq!(begun(&place), ["start", "plain"]);
    }
}
