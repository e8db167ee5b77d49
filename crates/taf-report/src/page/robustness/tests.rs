use super::*;
use crate::metrics::{AttackedClip, MaskingReport, Outcomes, Predictions, RobustAccuracy, ScoreKind};
use crate::page::{Detailed, Picture, Verdict, Weights};

const HOSTILE: &str = "\"><script>alert('x')</script><img src=http://evil.example/x onerror=1>|*";

const VIDEOS: usize = 40;

fn answers(right: usize) -> Predictions {
    let scores = (0..VIDEOS).map(|i| if i < right { vec![1.0, 0.0] } else { vec![0.0, 1.0] }).collect();
    let ids = (0..VIDEOS).map(|i| i.to_string()).collect();
    Predictions::new(ids, vec![0; VIDEOS], ScoreKind::Logits, scores).unwrap()
}

fn outcomes(clean: usize, versions: [usize; 4]) -> Outcomes {
    let mut outcomes = Outcomes::new(answers(clean));
    versions.into_iter().for_each(|right| outcomes.push(&answers(right)).unwrap());
    outcomes
}

/// Two rows of two families at two severities.
fn plan(name: &str) -> BenchmarkPlan {
    let row = |name: &str, family: &str, versions: [usize; 2]| PlannedRow {
        name: name.into(),
        family: family.into(),
        versions: versions.into(),
    };
    let published = |same_data_set| Published {
        model: HOSTILE.into(),
        data_set: "Mini".into(),
        same_data_set,
        clean: 0.6,
        mpc: 0.48,
        rpc: 0.8,
    };
    let about = BenchmarkAbout {
        name: name.into(),
        summary: "what is done".into(),
        source: "Somebody 2021.".into(),
        lacks: vec!["hail".into()],
        level: "severity".into(),
        levels: vec!["1".into(), "3".into()],
        measures: vec![Measure::Mpc, Measure::Rpc, Measure::AbsoluteGamma, Measure::RelativeGamma],
        published: vec![published(false), published(true)],
        pictures: vec![Picture { title: HOSTILE.into(), caption: "severity 3".into(), png: vec![1, 2, 3] }],
    };
    BenchmarkPlan { about, rows: vec![row("shot_noise", "noise", [0, 1]), row(HOSTILE, "temporal", [2, 3])] }
}

fn two_models() -> RobustnessBuilder {
    RobustnessReport::builder("test", 2)
        .model("plain", "trained plainly", outcomes(32, [24, 16, 24, 0]))
        .model(HOSTILE, HOSTILE, outcomes(32, [32, 24, 32, 8]))
        .weights("plain", Weights::Last)
}

#[test]
fn means_parts_and_differences_are_those_counted_by_hand() {
    let report = two_models().benchmark(plan("b")).build().unwrap();
    let benchmark = &report.benchmarks[0];
    let part =
        |part: Part, model: usize| benchmark.parts.iter().find(|of| of.part == part).unwrap().models[model].mpc.value;
    // (24 + 16 + 24 + 0) / 160, and what is kept of 32 / 40.
    assert_eq!((part(Part::Whole, 0), part(Part::Whole, 1)), (0.4, 0.6));
    assert_eq!(benchmark.parts[0].models[0].rpc.unwrap().value, 0.5);
    assert_eq!(benchmark.parts[0].models[0].gamma.value, 0.6);
    assert_eq!((part(Part::Family("noise".into()), 0), part(Part::Level("3".into()), 0)), (0.5, 0.2));
    assert_eq!(benchmark.parts.len(), 5);
    assert_eq!(benchmark.rows[0].top1[1].iter().map(|share| share.value).collect::<Vec<_>>(), [0.8, 0.6]);
    let whole = &benchmark.differences[0];
    assert!((whole.gain.mpc.difference - 0.2).abs() < 1e-12 && whole.verdict() == Some(Verdict::Higher), "{whole:?}");
    assert!(benchmark.differences[1..].iter().all(|part| part.verdict().is_none()));
    assert!(report.answer.contains("does better than plain on b: 60.0 % against 40.0 %"), "{}", report.answer);
}

#[test]
fn every_model_and_benchmark_makes_the_verdicts_less_sure() {
    let one = two_models().benchmark(plan("b")).build().unwrap();
    let four = two_models().model("third", "", outcomes(32, [25, 16, 24, 0])).benchmark(plan("b")).benchmark(plan("c"));
    let four = four.build().unwrap();
    let p = |report: &RobustnessReport| {
        let difference = &report.benchmarks[0].differences[0];
        (difference.gain.p, difference.p_corrected.unwrap())
    };
    assert_eq!(p(&one).0, p(&one).1);
    assert!((p(&four).1 - 4.0 * p(&four).0).abs() < 1e-12, "{:?}", p(&four));
    assert_eq!(four.findings.len(), 3, "{:?}", four.findings);
}

#[test]
fn a_model_that_stands_alone_is_said_to_keep_what_it_keeps() {
    let report = RobustnessReport::builder("t", 2).model("plain", "", outcomes(32, [24, 16, 24, 0]));
    let report = report.benchmark(plan("b")).build().unwrap();
    assert!(report.answer.starts_with("plain keeps 40.0 % top-1 on b of 80.0 % on clean videos, 50.0 % of its"));
    let (page, text) = (report.to_html(), report.to_terminal(false));
    assert!(!page.contains("Differences") && text.contains("50.0 %") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn the_page_loads_nothing_and_names_stay_text() {
    let report =
        two_models().benchmark(plan(HOSTILE)).fact(HOSTILE, HOSTILE).listing(HOSTILE, HOSTILE).build().unwrap();
    let page = report.to_html();
    assert!(!page.contains("<script") && !page.contains("<img src=http") && page.contains("&lt;script&gt;"));
    assert_eq!(page.matches("<img ").count(), 1, "only the picture of the report itself");
    let plain = RobustnessReport::builder("t", 2).model("m", "", outcomes(32, [24; 4]));
    let mut own = plan("b");
    (own.rows[1].name, own.about.published, own.about.pictures[0].title) =
        ("jumble".into(), Vec::new(), "clean".into());
    let page = plain.benchmark(own).build().unwrap().to_html().replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for outside in ["http:", "https:", "href=", "url(", "@import", "<link", "<script"] {
        assert!(!page.contains(outside), "{outside} in the page");
    }
}

#[test]
fn published_rows_of_another_data_set_are_marked_and_tables_cannot_be_broken() {
    let report = two_models().benchmark(plan("b")).build().unwrap();
    let page = report.to_html();
    assert!(page.contains("Mini <span class=\"bounds\">another data set</span>") && page.contains("no measure of"));
    let text = report.to_markdown();
    let row = text.lines().find(|line| line.contains("Mini another")).unwrap();
    assert_eq!(row.replace("\\|", "").matches('|').count(), 6, "{row}");
    assert!(text.contains("Without hail, so that its means are not those of the benchmark."), "{text}");
    assert!(text.contains("| plain | this report's | 80.0 | 40.0 | 50.0 |"), "{text}");
}

#[test]
fn a_report_in_json_reads_back_the_same() {
    let report = two_models().benchmark(plan("b")).build().unwrap();
    assert_eq!(serde_json::from_str::<RobustnessReport>(&report.to_json()).unwrap(), report);
}

#[test]
fn models_that_are_tried_alone_are_said_to_have_been_asked_nothing() {
    let trials = || Trials { adversarial: vec![attacked("plain")], ..Trials::default() };
    let report = RobustnessReport::builder("t", 2).tried("plain").trials(trials()).build().unwrap();
    assert_eq!((report.videos, report.clean.len(), report.models.len()), (0, 0, 1));
    for text in [report.to_html(), report.to_markdown(), report.to_terminal(false)] {
        assert!(!text.contains("0 videos.") && text.contains("of 7 videos") && text.contains("0.001/255"), "{text}");
    }
    let asked = RobustnessReport::builder("t", 2).tried("plain").trials(trials()).benchmark(plan("b")).build();
    assert!(asked.unwrap_err().to_string().contains("answers of 1 models to benchmarks"));
}

fn attacked(model: &str) -> AttackedModel {
    let clip = AttackedClip { id: "a".into(), group: "a".into(), fooled_at: None, losses: vec![0.5, 0.75] };
    let robust = RobustAccuracy::new("linf", [3, 1], 0, &[0.001 / 255.0], &[clip], 7).unwrap();
    AttackedModel { model: model.into(), robust, masking: MaskingReport { clips: 1, epsilon: 0.5, checks: vec![] } }
}

#[test]
fn models_that_were_shown_other_clips_are_named_everywhere_and_not_said_to_share_them() {
    let shared = two_models().benchmark(plan("b")).build().unwrap();
    let other = two_models().other_clips(vec!["third".into()]).benchmark(plan("b")).build().unwrap();
    for (shared, other) in [
        (shared.to_html(), other.to_html()),
        (shared.to_markdown(), other.to_markdown()),
        (shared.to_terminal(false), other.to_terminal(false)),
    ] {
        assert!(shared.contains("the same spoiled clips") && !shared.contains("other clips"), "{shared}");
        assert!(!other.contains("the same spoiled clips") && other.contains("of other files: third."), "{other}");
    }
    assert!(other.to_json().contains("\"other_clips\": [") && !shared.to_json().contains("other_clips"));
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let none = RobustnessReport::builder("t", 2).benchmark(plan("b")).build();
    assert!(none.unwrap_err().to_string().contains("at least one model"));
    let twice = two_models().model("plain", "", outcomes(1, [1; 4])).benchmark(plan("b")).build();
    assert!(twice.unwrap_err().to_string().contains("\"plain\" twice"));
    let mut beyond = plan("b");
    beyond.rows[0].versions[1] = 7;
    assert!(two_models().benchmark(beyond).build().unwrap_err().to_string().contains("one of 4 versions in b"));
    let mut ragged = plan("b");
    ragged.rows[0].versions.pop();
    assert!(two_models().benchmark(ragged).build().is_err());
}
