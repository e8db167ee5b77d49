//! Numbers as the report says them.

use super::{Difference, Report, Verdict};
use crate::metrics::{AttentionSummary, Interval, LEVEL, Proportion};

/// A share as a percentage: `82.3 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// The interval of a share: `[79.1, 85.2]`.
pub fn bounds(p: &Proportion) -> String {
    format!("[{:.1}, {:.1}]", p.low * 100.0, p.high * 100.0)
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
    match difference.verdict() {
        Verdict::Higher => "higher",
        Verdict::Lower => "lower",
        Verdict::NotShown => "no difference shown",
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
    let share = |model: &str| report.scores(model, &d.suite).map_or_else(String::new, |s| percent(s.top1.value));
    let (first, second) = (share(&d.first), share(&d.second));
    let interval = &d.comparison.top1;
    let evidence = format!(
        "{} points ({} interval {} to {}, {})",
        points(interval.difference),
        level(),
        points(interval.low),
        points(interval.high),
        count(report.scores(&d.second, &d.suite).map_or(0, |s| s.n), "clip"),
    );
    match d.verdict() {
        Verdict::NotShown => format!(
            "No difference shown between {} and {} on {}: {second} against {first} top-1, {evidence}.",
            d.second, d.first, d.suite
        ),
        Verdict::Higher => format!(
            "{} does better than {} on {}: {second} against {first} top-1, {evidence}.",
            d.second, d.first, d.suite
        ),
        Verdict::Lower => format!(
            "{} does worse than {} on {}: {second} against {first} top-1, {evidence}.",
            d.second, d.first, d.suite
        ),
    }
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
    ];
    let said: Vec<String> = parts.into_iter().filter_map(|(names, text)| Some(format!("{text} {}", names?))).collect();
    (!said.is_empty()).then(|| format!("{} against {} elsewhere: {}.", first.second, first.first, said.join("; ")))
}

fn attention(report: &Report, pair: &Difference) -> Option<String> {
    let of = |model: &str| report.attention.iter().find(|a| a.model == model).map(|a| &a.summary);
    let (first, second) = (of(&pair.first)?, of(&pair.second)?);
    let frames = |s: &AttentionSummary| {
        let (low, high) = s.effective_frames.mean_interval();
        format!("{:.2} [{low:.2}, {high:.2}]", s.effective_frames.mean)
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
        "{} reaches {} top-1 on {} ({} interval {:.1} to {:.1}, {}).",
        first.model,
        percent(top1.value),
        first.suite,
        level(),
        top1.low * 100.0,
        top1.high * 100.0,
        count(first.scores.n, "clip"),
    )
}

/// `1 clip`, `640 clips`.
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
        assert!(said.contains("+1.0 points (95 % interval 0.0 to +3.0, 100 clips)"), "{said}");
    }

    #[test]
    fn a_clear_difference_is_said_with_its_interval() {
        assert!(report(80).answer.starts_with("TAF does better than plain on clean: 80.0 % against 50.0 %"));
        assert!(report(20).answer.starts_with("TAF does worse than plain on clean: 20.0 % against 50.0 %"));
    }

    #[test]
    fn points_carry_a_sign_and_no_negative_zero() {
        assert_eq!(points(0.032), "+3.2");
        assert_eq!(points(-0.032), "\u{2212}3.2");
        assert_eq!(points(-0.0001), "0.0");
        assert_eq!(p_value(0.00001), "< 0.001");
    }
}
