use taf_report::page::{Columns, Side};
use taf_report::run::State;

use super::facts::{Facts, word};

/// Runs as a table, a line each.
pub fn of(runs: &[Facts]) -> String {
    use Side::{Left, Right};
    let mut columns = Columns::new([
        ("run", Left),
        ("state", Left),
        ("network", Left),
        ("data", Left),
        ("labels", Left),
        ("TAF", Left),
        ("epochs", Right),
        ("best", Right),
        ("last", Right),
        ("steps/s", Right),
        ("waits", Right),
        ("age", Right),
    ]);
    runs.iter().for_each(|facts| columns.push(row(facts)));
    columns.to_text()
}

fn row(facts: &Facts) -> Vec<String> {
    let or_nothing = |text: Option<String>| text.unwrap_or_default();
    let percent = |share: Option<f64>| or_nothing(share.map(|share| format!("{:.1} %", 100.0 * share)));
    vec![
        facts.run.display().to_string(),
        word(facts.state).to_owned(),
        facts.network.clone(),
        facts.data.clone(),
        or_nothing(facts.label_set.clone()),
        or_nothing(facts.taf.clone()),
        if facts.state == State::Imported { String::new() } else { format!("{}/{}", facts.epochs_done, facts.epochs) },
        percent(facts.best_top1),
        percent(facts.last_top1),
        or_nothing(facts.steps_per_second.map(three_digits)),
        percent(facts.waited_share),
        or_nothing(facts.age_seconds.map(age)),
    ]
}

/// Three significant digits, at most two behind the point.
fn three_digits(value: f64) -> String {
    let decimals = if value < 10.0 {
        2
    } else if value < 100.0 {
        1
    } else {
        0
    };
    format!("{value:.decimals$}")
}

/// The largest whole unit: `5 min`, `3 h`, `12 d`.
fn age(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ ..3600 => format!("{} min", seconds / 60),
        seconds @ ..86_400 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_speeds_are_short() {
        assert_eq!([-5, 59, 60, 7199, 90_000].map(age), ["0 s", "59 s", "1 min", "1 h", "1 d"]);
        assert_eq!([0.034, 9.99, 12.34, 1234.0].map(three_digits), ["0.03", "9.99", "12.3", "1234"]);
    }
}
