use taf_report::experiment::CellName;

/// One cell to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Which.
    pub cell: CellName,
    /// The run it starts from, where it is to be trained from another's weights.
    pub start: Option<CellName>,
}

/// Cells in the order they are begun: each after the one it starts from.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: Vec<Task>,
    running: Vec<Task>,
    failed: Vec<CellName>,
    done: usize,
}

/// How many cells are where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Done since the queue began.
    pub done: usize,
    /// Being done.
    pub running: usize,
    /// Not begun.
    pub waiting: usize,
    /// Failed, or without the run they start from.
    pub failed: usize,
}

impl Queue {
    /// A queue of tasks in their order.
    pub fn new(tasks: Vec<Task>) -> Self {
        Self { waiting: tasks, ..Self::default() }
    }

    /// How many cells run or could, each with its start there.
    pub fn side_by_side(&self) -> usize {
        self.running.len() + self.waiting.iter().filter(|task| self.has_start(task)).count()
    }

    fn has_start(&self, task: &Task) -> bool {
        let unfinished = |cell: &CellName| self.waiting.iter().chain(&self.running).any(|task| task.cell == *cell);
        !task.start.as_ref().is_some_and(unfinished)
    }

    /// The next cell whose start is there and that is free, which now runs; none where all wait or are done. Of `jobs` at a time
    /// the last start would run alone in the end: it goes before the others when few of them are left.
    pub fn begin(&mut self, jobs: usize, is_free: impl Fn(&CellName) -> bool) -> Option<Task> {
        let can_begin = |&at: &usize| self.has_start(&self.waiting[at]) && is_free(&self.waiting[at].cell);
        let ready = (0..self.waiting.len()).filter(can_begin);
        let (starts, others): (Vec<usize>, Vec<usize>) = ready.partition(|&at| self.needs(&self.waiting[at].cell));
        let start = starts.first().filter(|_| others.len() <= 2 * (jobs - 1));
        let next = *start.or(starts.iter().chain(&others).min())?;
        let task = self.waiting.remove(next);
        self.running.push(task.clone());
        Some(task)
    }

    /// A cell that ran is done.
    pub fn succeed(&mut self, cell: &CellName) {
        self.running.retain(|task| task.cell != *cell);
        self.done += 1;
    }

    /// A cell that ran failed; how many others cannot be done without it.
    pub fn fail(&mut self, cell: &CellName) -> usize {
        self.running.retain(|task| task.cell != *cell);
        let (lost, waiting): (Vec<Task>, Vec<Task>) =
            self.waiting.drain(..).partition(|task| task.start.as_ref() == Some(cell));
        self.waiting = waiting;
        self.failed.push(cell.clone());
        self.failed.extend(lost.iter().map(|task| task.cell.clone()));
        lost.len()
    }

    /// Whether any cell that is not done starts from this one.
    pub fn needs(&self, start: &CellName) -> bool {
        self.waiting.iter().chain(&self.running).any(|task| task.start.as_ref() == Some(start))
    }

    /// Cells that are not begun.
    pub fn waiting(&self) -> impl Iterator<Item = &CellName> {
        self.waiting.iter().map(|task| &task.cell)
    }

    /// How many cells are where.
    pub fn counts(&self) -> Counts {
        let (running, waiting) = (self.running.len(), self.waiting.len());
        Counts { done: self.done, running, waiting, failed: self.failed.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(cell: &str, start: Option<&str>) -> Task {
        Task { cell: cell.parse().unwrap(), start: start.map(|start| start.parse().unwrap()) }
    }

    fn queue() -> Queue {
        Queue::new(vec![
            task("d/m/seed0/start", None),
            task("d/m/seed0/plain", Some("d/m/seed0/start")),
            task("d/m/seed0/taf", Some("d/m/seed0/start")),
            task("d/m/seed1/start", None),
        ])
    }

    fn begun(queue: &mut Queue) -> Option<String> {
        queue.begin(1, |_| true).map(|task| task.cell.to_string())
    }

    #[test]
    fn a_cell_waits_for_its_start_and_others_go_before_it() {
        let mut queue = queue();
        assert_eq!(begun(&mut queue).unwrap(), "d/m/seed0/start");
        assert_eq!(begun(&mut queue).unwrap(), "d/m/seed1/start");
        assert_eq!(begun(&mut queue), None);
        let start = "d/m/seed0/start".parse().unwrap();
        queue.succeed(&start);
        assert!(queue.needs(&start));
        assert_eq!(begun(&mut queue).unwrap(), "d/m/seed0/plain");
        assert_eq!(begun(&mut queue).unwrap(), "d/m/seed0/taf");
        assert_eq!(queue.counts(), Counts { done: 1, running: 3, waiting: 0, failed: 0 });
    }

    #[test]
    fn a_start_goes_before_the_last_methods_where_several_run_at_a_time() {
        let start = |seed: u32| format!("d/m/seed{seed}/start");
        let of =
            |seed| ["a", "b", "c", "d"].map(|method| task(&format!("d/m/seed{seed}/{method}"), Some(&start(seed))));
        let order = |jobs: usize| {
            let tasks = [&[task(&start(0), None)][..], &of(0), &[task(&start(1), None)], &of(1)].concat();
            let mut queue = Queue::new(tasks);
            let mut begun = Vec::new();
            while let Some(task) = queue.begin(jobs, |_| true) {
                queue.succeed(&task.cell);
                begun.push(task.cell.to_string());
            }
            begun.iter().position(|cell| *cell == start(1)).unwrap()
        };
        assert_eq!([order(1), order(2), order(3)], [5, 3, 1]);
    }

    #[test]
    fn cells_share_the_threads_with_those_that_can_run_beside_them() {
        let mut queue = queue();
        assert_eq!(queue.side_by_side(), 2, "the two starts");
        let start = queue.begin(1, |_| true).unwrap().cell;
        assert_eq!(queue.side_by_side(), 2);
        queue.succeed(&start);
        assert_eq!(queue.side_by_side(), 3, "both methods and the other start");
    }

    #[test]
    fn what_starts_from_a_failed_run_is_not_begun_and_the_rest_is() {
        let mut queue = queue();
        let start = queue.begin(1, |_| true).unwrap().cell;
        assert_eq!(queue.fail(&start), 2);
        assert_eq!(begun(&mut queue).unwrap(), "d/m/seed1/start");
        queue.succeed(&"d/m/seed1/start".parse().unwrap());
        assert_eq!((begun(&mut queue), queue.counts().failed), (None, 3));
    }

    #[test]
    fn a_start_that_is_there_already_is_not_waited_for() {
        let mut queue = Queue::new(vec![task("d/m/seed0/plain", Some("d/m/seed0/start"))]);
        assert!(queue.begin(1, |_| false).is_none(), "another process has it");
        assert!(queue.begin(1, |_| true).is_some());
    }
}
