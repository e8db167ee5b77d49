/// A linear map from values to pixels with round tick marks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    step: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// Maps the range of `values`, widened to round numbers, to pixels `from..to` with about `ticks` marks.
    ///
    /// Values that are not finite are passed over; without any the range is 0 to 1, and a single value gets room around it.
    pub fn round(values: impl Iterator<Item = f64>, ticks: usize, from: f64, to: f64) -> Self {
        let finite = values.filter(|v| v.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let (low, high) = match high - low {
            span if span.is_nan() || span < 0.0 => (0.0, 1.0),
            span if span <= low.abs().max(high.abs()) * 1e-9 => {
                (low - low.abs().max(1.0) / 2.0, high + high.abs().max(1.0) / 2.0)
            }
            _ => (low, high),
        };
        let step = nice((high - low) / ticks.max(1) as f64);
        Self { low: (low / step).floor() * step, high: (high / step).ceil() * step, step, from, to }
    }

    /// Maps exactly `low..high`; ticks lie on multiples of a round step inside.
    pub fn exact(low: f64, high: f64, ticks: usize, from: f64, to: f64) -> Self {
        Self { low, high, step: nice((high - low) / ticks.max(1) as f64), from, to }
    }

    /// The pixel of a value.
    pub fn place(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// The values that get a mark.
    pub fn ticks(&self) -> Vec<f64> {
        let first = (self.low / self.step - 1e-6).ceil() as i64;
        let last = (self.high / self.step + 1e-6).floor() as i64;
        (first..=last).map(|k| k as f64 * self.step).collect()
    }

    /// A tick as text, with the decimals the step needs and k or M for large round numbers.
    pub fn label(&self, tick: f64) -> String {
        let (divisor, suffix) = match self.step {
            s if s >= 1e6 => (1e6, "M"),
            s if s >= 1e3 => (1e3, "k"),
            _ => (1.0, ""),
        };
        // Of numbers that are all near another one, only decimals show the difference.
        if self.step < 1e-4 && self.high.abs().max(self.low.abs()) < 1e-2 {
            return format!("{tick:.0e}");
        }
        let decimals = (-(self.step / divisor).log10().floor()).max(0.0) as usize;
        // A step such as 0.25 needs one decimal more than its size says.
        let exact = |d: usize| (self.step / divisor * 10f64.powi(d as i32)).fract().abs() < 1e-9;
        let decimals = if exact(decimals) { decimals } else { decimals + 1 };
        let text = format!("{:.decimals$}", tick / divisor);
        let text = if text.trim_start_matches('-').chars().all(|c| c == '0' || c == '.') {
            text.replace('-', "")
        } else {
            text
        };
        if text == "0" { text } else { format!("{}{suffix}", text.replace('-', "\u{2212}")) }
    }
}

/// The nearest larger number of the form 1, 2, 2.5 or 5 times a power of ten.
fn nice(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|f| f * power >= step * (1.0 - 1e-9)).unwrap_or(10.0);
    factor * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        let s = Scale::round([0.13, 0.87].into_iter(), 4, 100.0, 0.0);
        assert_eq!(
            s.ticks().iter().map(|&t| s.label(t)).collect::<Vec<_>>(),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(s.place(0.0), 100.0);
        assert_eq!(s.place(1.0), 0.0);
    }

    #[test]
    fn numbers_that_are_nearly_equal_are_told_apart() {
        let s = Scale { low: 2.07940, high: 2.07944, step: 2e-5, ..Scale::round([0.0, 1.0].into_iter(), 4, 0.0, 1.0) };
        let labels: Vec<_> = s.ticks().iter().map(|&tick| s.label(tick)).collect();
        assert_eq!(labels, ["2.07940", "2.07942", "2.07944"]);
    }

    #[test]
    fn thousands_are_shortened() {
        let s = Scale::round([0.0, 4000.0].into_iter(), 4, 0.0, 1.0);
        assert_eq!(s.ticks().iter().map(|&t| s.label(t)).collect::<Vec<_>>(), ["0", "1k", "2k", "3k", "4k"]);
    }

    #[test]
    fn odd_input_still_gives_a_range() {
        for values in [vec![], vec![f64::NAN], vec![3.0], vec![0.0], vec![-1e-30, 1e-30], vec![1e300, -1e300]] {
            let s = Scale::round(values.iter().copied(), 5, 0.0, 10.0);
            let ticks = s.ticks();
            assert!((2..=14).contains(&ticks.len()), "{values:?} gives {ticks:?}");
            assert!(ticks.iter().all(|&t| s.place(t).is_finite()));
        }
    }

    #[test]
    fn quarter_steps_show_both_decimals() {
        let s = Scale::exact(0.0, 1.0, 4, 0.0, 1.0);
        assert_eq!(s.label(0.25), "0.25");
    }
}
