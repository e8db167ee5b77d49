use super::words::{bounds, chosen, count, decimal, p_value, percent, point_bounds, points, verdict};
use super::{Details, Named, Report, Verdict};
use crate::metrics::{Share, Summary};

/// A table before it is laid out: every renderer shows the same cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Headings; the first column is text, the others numbers.
    pub header: Vec<String>,
    /// Rows of as many cells as there are headings.
    pub rows: Vec<Vec<Cell>>,
}

/// One cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// What is shown beside it, smaller: its interval.
    pub detail: String,
    /// What the row's difference amounts to, where the cell says so.
    pub verdict: Option<Verdict>,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    pub(super) fn with_detail(text: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { text: text.into(), detail: detail.into(), verdict: None }
    }

    /// What was not measured.
    pub(super) fn missing() -> Self {
        Self::new("\u{2013}")
    }

    /// A value and the ends of its interval, to so many decimals.
    pub(super) fn with_interval(value: f64, [low, high]: [f64; 2], decimals: usize) -> Self {
        let [value, low, high] = [value, low, high].map(|number| decimal(number, decimals));
        Self::with_detail(value, format!("[{low}, {high}]"))
    }

    pub(super) fn summary(of: &Summary, decimals: usize) -> Self {
        Self::with_interval(of.mean, [of.low, of.high], decimals)
    }
}

/// More suites than this, and the suites become the rows.
const MAX_SUITE_COLUMNS: usize = 5;

fn accuracy(share: Option<&Share>) -> Cell {
    share.map_or_else(Cell::missing, |p| Cell::with_detail(percent(p.value), bounds(p)))
}

/// Top-1 of every model on every suite: models down and suites across, or the other way for many suites.
pub fn main(report: &Report) -> Table {
    let cell = |model: &Named, suite: &Named| accuracy(report.scores(&model.name, &suite.name).map(|s| &s.top1));
    if report.suites.len() <= MAX_SUITE_COLUMNS {
        grid("model", &report.models, &report.suites, cell)
    } else {
        grid("suite", &report.suites, &report.models, |suite, model| cell(model, suite))
    }
}

fn grid(corner: &str, down: &[Named], across: &[Named], cell: impl Fn(&Named, &Named) -> Cell) -> Table {
    let header = std::iter::once(corner.to_owned()).chain(across.iter().map(|n| n.name.clone())).collect();
    let row = |d: &Named| std::iter::once(Cell::new(&d.name)).chain(across.iter().map(|a| cell(d, a))).collect();
    Table { header, rows: down.iter().map(row).collect() }
}

/// Every paired comparison with what it shows; the first p-value stands alone, the second is corrected for all comparisons.
pub fn differences(report: &Report) -> Table {
    let header = ["comparison", "suite", "difference (points)", "groups", "p", "p (all)", "shown"];
    let row = |d: &super::Difference| {
        let interval = &d.comparison.top1;
        vec![
            Cell::new(format!("{} \u{2212} {}", d.second, d.first)),
            Cell::new(&d.suite),
            Cell::with_detail(points(interval.difference), point_bounds(interval)),
            Cell::new(d.comparison.groups.to_string()),
            Cell::new(p_value(d.comparison.p)),
            Cell::new(p_value(d.p_corrected)),
            Cell { text: verdict(d).into(), verdict: Some(d.verdict()), ..Cell::default() },
        ]
    };
    Table { header: header.map(str::to_owned).into(), rows: report.differences.iter().map(row).collect() }
}

/// The other scores of every model on every suite.
pub fn scores(report: &Report) -> Table {
    let header =
        ["model", "suite", "top-1", "top-5", "mean class accuracy", "log loss (nats)", "videos", "groups", "versions"];
    let row = |r: &super::SuiteResult| {
        vec![
            Cell::new(&r.model),
            Cell::new(&r.suite),
            accuracy(Some(&r.scores.top1)),
            accuracy(Some(&r.scores.top5)),
            accuracy(Some(&r.scores.mean_class_accuracy)),
            Cell::new(format!("{:.3}", r.scores.log_loss)),
            Cell::new(r.scores.videos.to_string()),
            Cell::new(r.scores.groups.to_string()),
            Cell::new(r.scores.versions().to_string()),
        ]
    };
    Table { header: header.map(str::to_owned).into(), rows: report.results.iter().map(row).collect() }
}

/// Top-1 of every model on every version of the videos, for suites of several versions.
pub fn versions(report: &Report) -> Table {
    let of = |model: &str, suite: &str| report.scores(model, suite).map_or(&[][..], |s| &s.per_version);
    let mut rows = Vec::new();
    for Named { name: suite, .. } in &report.suites {
        let mut names: Vec<&str> = Vec::new();
        for version in report.models.iter().flat_map(|model| of(&model.name, suite)) {
            if !names.contains(&version.name.as_str()) {
                names.push(&version.name);
            }
        }
        for name in names.iter().filter(|_| names.len() > 1) {
            let share = |model: &Named| of(&model.name, suite).iter().find(|v| v.name == *name).map(|v| &v.top1);
            let shares = report.models.iter().map(|model| accuracy(share(model)));
            rows.push([Cell::new(suite), Cell::new(*name)].into_iter().chain(shares).collect());
        }
    }
    let header = ["suite".to_owned(), "version".to_owned()].into_iter();
    Table { header: header.chain(report.models.iter().map(|model| model.name.clone())).collect(), rows }
}

/// Top-1 of every class on the first suite, by model.
pub fn classes(report: &Report) -> Table {
    let suite = report.suites.first().map_or("", |s| s.name.as_str());
    let columns: Vec<_> =
        report.models.iter().filter_map(|m| Some((&m.name, report.scores(&m.name, suite)?))).collect();
    let names = columns.iter().map(|(name, _)| name.to_string());
    let header = ["class".to_owned(), "answers".to_owned()].into_iter().chain(names).collect();
    let row = |(class, name): (usize, &String)| {
        let support = columns.first().map_or(0, |(_, s)| s.per_class[class].support);
        let shares = columns.iter().map(|(_, s)| accuracy(s.per_class[class].top1.as_ref()));
        [Cell::new(name), Cell::new(support.to_string())].into_iter().chain(shares).collect()
    };
    Table { header, rows: report.classes.iter().enumerate().map(row).collect() }
}

/// How every model spreads its attention.
pub fn attention(report: &Report) -> Table {
    let header = [
        "model",
        "entropy (nats)",
        "effective frames",
        "the same, perturbed",
        "largest share",
        "moved (TV)",
        "clips",
        "groups",
    ];
    let optional = |s: Option<&Summary>, digits| s.map_or_else(Cell::missing, |s| Cell::summary(s, digits));
    let row = |a: &super::ModelAttention| {
        let s = &a.summary;
        let mut frames = Cell::summary(&s.effective_frames, 2);
        frames.text.push_str(&format!(" of {}", s.frames));
        vec![
            Cell::new(&a.model),
            Cell::summary(&s.entropy, 3),
            frames,
            optional(s.perturbed_effective_frames.as_ref(), 2),
            Cell::summary(&s.max_share, 3),
            optional(s.moved.as_ref(), 3),
            Cell::new(format!("{} of {}", s.clips, s.available)),
            Cell::new(s.groups.to_string()),
        ]
    };
    Table { header: header.map(str::to_owned).into(), rows: report.attention.iter().map(row).collect() }
}

/// Facts and provenance, name beside value.
pub fn details(of: &Details) -> Table {
    let weights = of.weights.iter().map(|of| (format!("weights of {}", of.model), chosen(of)));
    let facts = weights.chain(of.facts.iter().map(|f| (f.name.clone(), f.value.clone())));
    let origin = of.provenance.iter().flat_map(provenance);
    let rows = facts.chain(origin).map(|(name, value)| vec![Cell::new(name), Cell::new(value)]).collect();
    Table { header: vec!["what".into(), "value".into()], rows }
}

/// Where numbers came from, name beside value.
fn provenance(p: &crate::run::Provenance) -> Vec<(String, String)> {
    let mut lines = vec![
        ("taf version".to_owned(), p.version.clone()),
        ("source commit".to_owned(), p.commit.clone().unwrap_or_else(|| "not recorded by the build".into())),
        ("device".to_owned(), format!("{}, {} ({})", p.device, count(p.threads, "thread"), p.platform)),
        ("started".to_owned(), p.started.clone()),
        ("command".to_owned(), p.command.join(" ")),
    ];
    lines.extend(p.resumed.iter().map(|time| ("taken up again".to_owned(), time.clone())));
    lines.extend(p.seeds.iter().map(|(name, seed)| (format!("seed: {name}"), seed.to_string())));
    lines.extend(p.data.iter().map(|d| (format!("data: {}", d.path.display()), format!("SHA-256 {}", d.sha256))));
    lines
}
