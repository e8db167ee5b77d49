//! Callers in several threads use the kernels' threads at the same time, and none of them waits for ever.
//!
//! How many threads the kernels have is decided once in a process, so each number is tried in a process of its own: the
//! test calls itself.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::{Command, exit};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use taf::adversary::TemporalAdversary;
use taf::data::{ClipBatch, Sample};
use taf::model::{BlockKind, Pass, Recognizer, RecognizerConfig, ResNetConfig, VideoModel};
use taf::ops::on_workers;
use taf::train::{Optimizer, SgdConfig, Step, TrainConfig};
use taf_video::Seed;
use taf_video::synthetic::{Difficulty, MovingShapes};

const CALLERS: usize = 8;
/// Tells the test that was called by itself how long its callers work.
const SECONDS: &str = "TAF_TEST_CALLERS_SECONDS";
/// A round takes milliseconds; one that takes this long on whatever machine will not end.
const HUNG: Duration = Duration::from_secs(60);

#[test]
fn eight_callers_share_two_threads() {
    callers_in_a_process_of(2, 10);
}

#[test]
fn eight_callers_share_three_threads() {
    callers_in_a_process_of(3, 10);
}

#[test]
fn eight_callers_share_four_threads() {
    callers_in_a_process_of(4, 10);
}

#[test]
fn eight_callers_share_eight_threads_for_a_minute() {
    callers_in_a_process_of(8, 60);
}

#[test]
fn eight_callers_share_sixteen_threads() {
    callers_in_a_process_of(16, 10);
}

fn callers_in_a_process_of(threads: usize, seconds: u64) {
    let this = std::env::current_exe().expect("the test knows its own file");
    let output = Command::new(this)
        .args(["--exact", "callers_perturb_train_and_predict_beside_each_other", "--nocapture"])
        .env("RAYON_NUM_THREADS", threads.to_string())
        .env(SECONDS, seconds.to_string())
        .output()
        .expect("the test starts itself");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{threads} threads: {told}");
}

#[test]
fn callers_perturb_train_and_predict_beside_each_other() {
    let seconds = std::env::var(SECONDS).map_or(1, |seconds| seconds.parse().expect("a number of seconds"));
    let until = Instant::now() + Duration::from_secs(seconds);
    let (rounds, finished) = ([const { AtomicU64::new(0) }; CALLERS], AtomicBool::new(false));
    let caller = Caller::new();
    thread::scope(|scope| {
        let watch = scope.spawn(|| exit_when_one_hangs(&rounds, &finished));
        let callers: Vec<_> = rounds
            .iter()
            .enumerate()
            .map(|(number, rounds)| {
                let caller = caller.clone();
                scope.spawn(move || {
                    while Instant::now() < until {
                        caller.round(number, rounds.fetch_add(1, Ordering::Relaxed));
                    }
                })
            })
            .collect();
        let ends: Vec<_> = callers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        finished.store(true, Ordering::Relaxed);
        watch.join().expect("the watch ends");
        assert!(ends.iter().all(Result::is_ok), "a caller failed");
    });
    let rounds: Vec<_> = rounds.iter().map(|rounds| rounds.load(Ordering::Relaxed)).collect();
    assert!(rounds.iter().all(|&rounds| rounds > 0), "rounds of the callers: {rounds:?}");
}

/// Ends the process, since a thread that waits for ever cannot be ended.
fn exit_when_one_hangs(rounds: &[AtomicU64; CALLERS], finished: &AtomicBool) {
    let now = || rounds.each_ref().map(|rounds| rounds.load(Ordering::Relaxed));
    let mut seen = now().map(|rounds| (rounds, Instant::now()));
    while !finished.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(20));
        for (number, rounds) in now().into_iter().enumerate() {
            if rounds != seen[number].0 {
                seen[number] = (rounds, Instant::now());
            }
            if seen[number].1.elapsed() > HUNG {
                let threads = rayon::current_num_threads();
                eprintln!(
                    "with {threads} threads caller {number} hangs in its round {rounds}; all rounds: {:?}",
                    now()
                );
                exit(1);
            }
        }
    }
}

/// All callers start from the same parameters, so their graphs of gradients are linked.
#[derive(Clone)]
struct Caller {
    model: Recognizer,
    batch: ClipBatch,
}

impl Caller {
    fn new() -> Self {
        let trunk = ResNetConfig { block: BlockKind::Basic, layers: vec![1, 1], width: 8 };
        let model = RecognizerConfig::tsm(trunk, 2).init(&Device::flex().autodiff(), 0);
        let shapes = MovingShapes::new(Seed::new(4), 32, 8..=8, Difficulty::EASY).unwrap();
        let sample = |label| Sample { clip: shapes.clip(label, 0), label, id: label.to_string() };
        Self { model, batch: ClipBatch { samples: vec![sample(0), sample(1)] } }
    }

    /// Callers differ in what they do at the same time, and in what they are to the pool.
    fn round(&self, number: usize, round: u64) {
        let work = round + number as u64;
        match number {
            0 => on_workers(|| on_workers(|| self.work(work))),
            1 => self.panic(),
            2 => self.in_the_pool_of_the_process(work),
            _ => self.work(work),
        }
    }

    fn work(&self, work: u64) {
        match work % 3 {
            0 => self.perturb(work),
            1 => self.train(work),
            _ => self.predict(),
        }
    }

    fn clips(&self) -> Tensor<5> {
        self.batch.to_tensor(&Device::flex())
    }

    fn perturb(&self, seed: u64) {
        let adversary = TemporalAdversary::default();
        adversary.perturb(&self.model, self.clips(), &self.batch.labels(), seed);
    }

    fn train(&self, seed: u64) {
        let mut optimizer = Optimizer::new(SgdConfig::default());
        let step = Step { train: &TrainConfig::default(), taf: None, schedule: 1.0, epoch: 0.0, seed: Seed::new(seed) };
        let (_, outcome) = step.take(self.model.clone(), &mut optimizer, &self.batch);
        assert!(outcome.is_finite(), "{outcome:?}");
    }

    fn predict(&self) {
        let (model, clips) = (self.model.valid(), self.clips());
        on_workers(|| model.forward(clips, &mut Pass::inference()).logits.into_data());
    }

    /// What others wait for is theirs again after a panic.
    fn panic(&self) {
        let work = || {
            self.predict();
            resume_unwind(Box::new("on purpose"));
        };
        let end = catch_unwind(AssertUnwindSafe(|| on_workers(work)));
        assert!(end.is_err(), "the panic reaches its caller");
    }

    /// A thread of Rayon's own pool, which may take another of its tasks wherever it waits.
    fn in_the_pool_of_the_process(&self, work: u64) {
        rayon::join(|| self.work(work), || rayon::join(|| self.work(work + 1), || self.work(work)));
    }
}
