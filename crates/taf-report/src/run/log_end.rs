use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::metrics_log::lines;
use super::{Error, EvaluationRecord, Line, Record, Result, StepRecord, read_metrics, steps};

/// What the end of a run's log tells of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogEnd {
    /// The last step, and how many there were by then.
    pub step: Option<(u64, StepRecord)>,
    /// The last evaluation.
    pub evaluation: Option<EvaluationRecord>,
    /// How fast the last steps were.
    pub pace: Option<Pace>,
}

/// How fast some steps were.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    /// How many steps.
    pub steps: usize,
    /// How long they took with the waits for their clips, seconds.
    pub seconds: f64,
    /// How long they waited for their clips.
    pub waited_seconds: f64,
}

/// Steps that tell how fast a run is now.
const RECENT: usize = 200;

/// Bytes of a log that are read first: some 250 steps.
const FIRST_LOOK: u64 = 1 << 16;

impl LogEnd {
    /// Reads a log from its end, only as far back as the last evaluation; a broken last line is left out.
    ///
    /// # Errors
    /// If the file cannot be read, or a line that is read is none of a log.
    pub fn read(path: &Path) -> Result<Self> {
        let mut file = File::open(path).map_err(Error::io("open", path))?;
        let length = file.metadata().map_err(Error::io("read", path))?.len();
        let mut look = FIRST_LOOK;
        loop {
            let tail = last_bytes(&mut file, length, look).map_err(Error::io("read", path))?;
            let Ok(read) = lines(path, &tail) else {
                // Only who reads from the beginning can say which line it is.
                return Ok(Self::of(&read_metrics(path)?));
            };
            let end = Self::of(&read.into_iter().map(|(line, _)| line).collect::<Vec<_>>());
            if end.evaluation.is_some() || look >= length {
                return Ok(end);
            }
            look *= 8;
        }
    }

    fn of(log: &[Line]) -> Self {
        let evaluation = log.iter().rev().find_map(|line| match &line.record {
            Record::Evaluation(evaluation) => Some(evaluation.clone()),
            Record::Step(_) | Record::Video(_) => None,
        });
        let step = log.iter().rev().find_map(|line| match &line.record {
            Record::Step(step) => Some((line.step, step.clone())),
            Record::Evaluation(_) | Record::Video(_) => None,
        });
        Self { step, evaluation, pace: Pace::of(steps(log).rev().take(RECENT)) }
    }

    /// Epochs completed.
    pub fn epochs(&self) -> usize {
        let by_step = self.step.as_ref().map_or(0, |(_, step)| step.epoch);
        self.evaluation.as_ref().map_or(0, |evaluation| evaluation.epoch).max(by_step)
    }
}

impl Pace {
    /// The pace of some steps; none of none.
    pub fn of<'a>(steps: impl IntoIterator<Item = &'a StepRecord>) -> Option<Self> {
        let add = |pace: Self, step: &StepRecord| Self {
            steps: pace.steps + 1,
            seconds: pace.seconds + step.whole_seconds(),
            waited_seconds: pace.waited_seconds + step.waited_seconds,
        };
        Some(steps.into_iter().fold(Self::default(), add)).filter(|pace| pace.seconds > 0.0)
    }

    /// Steps a second, with the waits.
    pub fn steps_per_second(&self) -> f64 {
        self.steps as f64 / self.seconds
    }

    /// The share of the time that went by waiting for clips, in [0, 1].
    pub fn waited_share(&self) -> f64 {
        self.waited_seconds / self.seconds
    }
}

/// The last `look` bytes without the line they begin within; everything where there is no more.
fn last_bytes(file: &mut File, length: u64, look: u64) -> std::io::Result<Vec<u8>> {
    let from = length.saturating_sub(look);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let begun =
        if from == 0 { 0 } else { bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |end| end + 1) };
    Ok(bytes.split_off(begun))
}

#[cfg(test)]
mod tests {
    use super::super::MetricsLog;
    use super::super::record::tests::{evaluation, step};
    use super::*;

    /// An evaluation, and so many steps after it.
    fn logged(folder: &Path, steps: u64) -> std::path::PathBuf {
        let path = folder.join("metrics.jsonl");
        let mut log = MetricsLog::open(&path).unwrap();
        log.append(1, step(0, 3.0)).unwrap();
        log.append(1, evaluation(1, 0.25)).unwrap();
        for number in 2..2 + steps {
            log.append(number, step(1, 2.0)).unwrap();
        }
        path
    }

    #[test]
    fn the_end_is_the_same_however_far_back_the_evaluation_lies() {
        for steps in [0, 1, 2000] {
            let folder = tempfile::tempdir().unwrap();
            let path = logged(folder.path(), steps);
            let end = LogEnd::read(&path).unwrap();
            assert_eq!(end, LogEnd::of(&read_metrics(&path).unwrap()));
            assert_eq!((end.step.as_ref().unwrap().0, end.evaluation.as_ref().unwrap().top1), (1 + steps, 0.25));
            assert_eq!((end.epochs(), end.pace.unwrap().steps_per_second()), (1, 4.0));
        }
    }

    #[test]
    fn the_pace_counts_the_waits() {
        let Record::Step(waiting) = step(0, 1.0) else { unreachable!("a step is a step") };
        let waiting = StepRecord { waited_seconds: 0.75, ..waiting };
        let pace = Pace::of([&waiting, &waiting]).unwrap();
        assert_eq!((pace.steps_per_second(), pace.waited_share()), (1.0, 0.75));
        let quick = StepRecord { seconds: 6.0, waited_seconds: 0.0, ..waiting.clone() };
        assert_eq!(
            Pace::of([&waiting, &waiting, &quick]).unwrap().waited_share(),
            1.5 / 8.0,
            "a share of the whole time"
        );
        assert_eq!(Pace::of([]), None);
    }

    #[test]
    fn a_broken_line_is_named_by_its_number_and_an_empty_log_has_no_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = logged(folder.path(), 600);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text}nonsense\n")).unwrap();
        assert!(LogEnd::read(&path).unwrap_err().to_string().contains("\"nonsense\" in line 603"));
        std::fs::write(&path, "").unwrap();
        assert_eq!(LogEnd::read(&path).unwrap(), LogEnd::default());
    }
}
