//! Numbers as the report says them.

use super::{Difference, ModelWeights, Report, Verdict, Weights};
use crate::metrics::{AttentionSummary, FEW_GROUPS, Interval, LEVEL, Scores, Share};

/// A share as a percentage: `82.3 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// The interval of a share: `[79.1, 85.2]`.
pub fn bounds(p: &Share) -> String {
    format!("[{:.1}, {:.1}]", p.low * 100.0, p.high * 100.0)
}

/// A number of so many decimals, with a minus sign where it needs one.
pub fn decimal(value: f64, decimals: usize) -> String {
    format!("{value:.decimals$}").replace('-', "\u{2212}")
}

/// A difference of shares in percentage points with its sign: `+3.2`, `−0.4`, `0.0`.
pub fn points(difference: f64) -> String {
    let rounded = format!("{:+.1}", difference * 100.0);
    match rounded.as_str() {
        "+0.0" | "-0.0" => "0.0".to_owned(),
        other => other.replace('-', "\u{2212}"),
    }
}

/// The interval of a difference: `[+0.8, +5.6]`.
pub fn point_bounds(interval: &Interval) -> String {
    format!("[{}, {}]", points(interval.low), points(interval.high))
}

/// A p-value: three decimals, or that it is smaller.
pub fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

/// What a difference amounts to, said of the second model.
pub fn verdict(difference: &Difference) -> &'static str {
    said(difference.verdict())
}

/// A verdict in words.
pub fn said(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Higher => "higher",
        Verdict::Lower => "lower",
        Verdict::NotShown => "no difference shown",
        Verdict::TooFewGroups => "too few groups to say",
    }
}

/// What scores rest on: `80 videos in 40 groups, each in 10 versions`.
pub fn basis(scores: &Scores) -> String {
    let mut words = count(scores.videos, "video");
    if scores.groups != scores.videos {
        words.push_str(&format!(" in {}", count(scores.groups, "group")));
    }
    if scores.versions() > 1 {
        words.push_str(&format!(", each in {} versions", scores.versions()));
    }
    words
}

/// How the intervals of shares and differences are made, for a caption.
pub fn intervals() -> String {
    format!(
        "In brackets: {} intervals, each on its own, which take whole groups of videos as independent; with fewer than \
         {FEW_GROUPS} groups they are rough.",
        level()
    )
}

/// What decides the words of a comparison, for a caption.
pub fn decision(report: &Report) -> String {
    let number = match report.differences.len() {
        1 => "the one comparison of this report".to_owned(),
        n => format!("all {n} comparisons of this report (Holm)"),
    };
    format!(
        "Both models were asked about the same videos. The words come from an exact permutation test that swaps the models' \
         answers for whole groups, at {:.0} % for {number}; with fewer than {FEW_GROUPS} groups nothing is said. No difference \
         shown is no proof that there is none.",
        (1.0 - LEVEL) * 100.0
    )
}

/// Which weights were evaluated, where that was told: `Weights: plain: the last; TAF: the best on val.`
pub fn weights(report: &Report) -> Option<String> {
    let said: Vec<String> = report.details.weights.iter().map(|of| format!("{}: {}", of.model, chosen(of))).collect();
    (!said.is_empty()).then(|| format!("Weights: {}.", said.join("; ")))
}

/// Which weights of a model were evaluated.
pub fn chosen(of: &ModelWeights) -> String {
    match &of.weights {
        Weights::Last => "the last".to_owned(),
        Weights::Best { chosen_on } => format!("the best on {chosen_on}"),
    }
}

/// The confidence level of the intervals: `95 %`.
pub fn level() -> String {
    format!("{:.0} %", LEVEL * 100.0)
}

/// The answer of a report: its first comparison, or its first result where nothing is compared.
pub fn answer(report: &Report) -> String {
    match report.differences.first() {
        Some(first) => headline(report, first),
        None => alone(report),
    }
}

fn headline(report: &Report, d: &Difference) -> String {
    let scores = |model: &str| report.scores(model, &d.suite);
    let share = |model: &str| scores(model).map_or_else(String::new, |s| percent(s.top1.value));
    let (first, second) = (share(&d.first), share(&d.second));
    let interval = &d.comparison.top1;
    let evidence = format!(
        "{second} against {first} top-1, {} points ({} interval {} to {}; {})",
        points(interval.difference),
        level(),
        points(interval.low),
        points(interval.high),
        scores(&d.second).map_or_else(String::new, basis),
    );
    let said = match d.verdict() {
        Verdict::NotShown => format!("No difference shown between {} and {} on {}", d.second, d.first, d.suite),
        Verdict::Higher => format!("{} does better than {} on {}", d.second, d.first, d.suite),
        Verdict::Lower => format!("{} does worse than {} on {}", d.second, d.first, d.suite),
        Verdict::TooFewGroups => {
            format!("Too few groups to say whether {} and {} differ on {}", d.second, d.first, d.suite)
        }
    };
    format!("{said}: {evidence}.")
}

/// What the numbers say beyond the answer: the first pair on the other suites, and the attention of both.
pub fn findings(report: &Report) -> Vec<String> {
    let Some(first) = report.differences.first() else { return Vec::new() };
    elsewhere(report, first).into_iter().chain(attention(report, first)).collect()
}

/// Suites that are named one by one; of more only the number is told.
const MAX_NAMED_SUITES: usize = 4;

fn elsewhere(report: &Report, first: &Difference) -> Option<String> {
    let same = |d: &&Difference| d.first == first.first && d.second == first.second && d.suite != first.suite;
    let others: Vec<&Difference> = report.differences.iter().filter(same).collect();
    let on = |verdict| {
        let names: Vec<&str> = others.iter().filter(|d| d.verdict() == verdict).map(|d| d.suite.as_str()).collect();
        match names.len() {
            0 => None,
            n if n > MAX_NAMED_SUITES => Some(count(n, "suite")),
            _ => Some(names.join(", ")),
        }
    };
    let parts = [
        (on(Verdict::Higher), "better on"),
        (on(Verdict::Lower), "worse on"),
        (on(Verdict::NotShown), "no difference shown on"),
        (on(Verdict::TooFewGroups), "too few groups to say on"),
    ];
    let said: Vec<String> = parts.into_iter().filter_map(|(names, text)| Some(format!("{text} {}", names?))).collect();
    (!said.is_empty()).then(|| format!("{} against {} elsewhere: {}.", first.second, first.first, said.join("; ")))
}

fn attention(report: &Report, pair: &Difference) -> Option<String> {
    let of = |model: &str| report.attention.iter().find(|a| a.model == model).map(|a| &a.summary);
    let (first, second) = (of(&pair.first)?, of(&pair.second)?);
    let frames = |s: &AttentionSummary| {
        let frames = &s.effective_frames;
        format!("{:.2} [{:.2}, {:.2}]", frames.mean, frames.low, frames.high)
    };
    Some(format!(
        "Attention is worth {} of {} frames with {}, {} with {}.",
        frames(second),
        second.frames,
        pair.second,
        frames(first),
        pair.first
    ))
}

fn alone(report: &Report) -> String {
    let Some(first) = report.results.first() else { return String::new() };
    let top1 = &first.scores.top1;
    format!(
        "{} reaches {} top-1 on {} ({} interval {:.1} to {:.1}; {}).",
        first.model,
        percent(top1.value),
        first.suite,
        level(),
        top1.low * 100.0,
        top1.high * 100.0,
        basis(&first.scores),
    )
}

/// `1 video`, `640 videos`.
pub fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Predictions, ScoreKind};

    fn answers(right: impl Iterator<Item = bool>) -> Predictions {
        let scores: Vec<Vec<f32>> = right.map(|r| if r { vec![1.0, 0.0] } else { vec![0.0, 1.0] }).collect();
        let ids = (0..scores.len()).map(|i| i.to_string()).collect();
        Predictions::new(ids, vec![0; scores.len()], ScoreKind::Logits, scores).unwrap()
    }

    fn report(second_right: usize) -> Report {
        Report::builder("t")
            .classes(["a", "b"])
            .predictions("plain", "clean", answers((0..100).map(|i| i < 50)))
            .predictions("TAF", "clean", answers((0..100).map(|i| i < second_right)))
            .compare("plain", "TAF")
            .build()
            .unwrap()
    }

    #[test]
    fn a_difference_whose_interval_holds_zero_is_not_shown() {
        let said = report(51).answer;
        assert!(
            said.starts_with("No difference shown between TAF and plain on clean: 51.0 % against 50.0 %"),
            "{said}"
        );
        assert!(said.contains("+1.0 points (95 % interval \u{2212}2.4 to +4.4; 100 videos)"), "{said}");
    }

    #[test]
    fn a_clear_difference_is_said_with_its_interval() {
        assert!(report(80).answer.starts_with("TAF does better than plain on clean: 80.0 % against 50.0 %"));
        assert!(report(20).answer.starts_with("TAF does worse than plain on clean: 20.0 % against 50.0 %"));
    }

    #[test]
    fn videos_groups_and_versions_are_counted_and_no_copies() {
        let part = |severity: usize| {
            let groups = (0..80).map(|video| format!("scene {}", video / 2)).collect();
            (format!("noise:{severity}"), answers((0..80).map(|i| i < 40)).with_groups(groups).unwrap())
        };
        let joined = Predictions::joined((0..10).map(part)).unwrap();
        let report = Report::builder("t").classes(["a", "b"]).predictions("plain", "noise", joined).build().unwrap();
        assert!(report.answer.ends_with("; 80 videos in 40 groups, each in 10 versions)."), "{}", report.answer);
        assert!(!report.answer.contains("800"));
    }

    #[test]
    fn weights_are_named_with_what_they_were_chosen_on() {
        let chosen = Weights::Best { chosen_on: "select".into() };
        let mut report = report(51);
        assert_eq!(super::weights(&report), None);
        for (model, weights) in [("plain", Weights::Last), ("TAF", chosen)] {
            report.details.weights.push(ModelWeights { model: model.into(), weights });
        }
        let said = "Weights: plain: the last; TAF: the best on select.";
        assert_eq!(super::weights(&report).unwrap(), said);
        assert!(report.to_terminal(false).contains(said) && report.to_html().contains(said));
    }

    #[test]
    fn points_carry_a_sign_and_no_negative_zero() {
        assert_eq!(points(0.032), "+3.2");
        assert_eq!(points(-0.032), "\u{2212}3.2");
        assert_eq!(points(-0.0001), "0.0");
        assert_eq!(p_value(0.00001), "< 0.001");
    }
}
