use serde::{Deserialize, Serialize};

/// Lines over a common axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// Heading.
    pub title: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// The lines, in legend order.
    pub series: Vec<Series>,
    /// A level to compare with, such as chance.
    pub reference: Option<Reference>,
}

/// What an axis measures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// The quantity.
    pub label: String,
    /// Its unit; none for a plain number.
    pub unit: Option<String>,
}

/// One line: points in rising x; a point without y is a gap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// The points.
    pub points: Vec<(f64, Option<f64>)>,
    /// Intervals of some of them, in rising x: where, from, to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intervals: Vec<[f64; 3]>,
}

/// A horizontal line with a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// Its name.
    pub name: String,
    /// Where it lies on the vertical axis.
    pub y: f64,
}

impl Chart {
    /// An empty chart.
    pub fn new(title: impl Into<String>, x: Axis, y: Axis) -> Self {
        Self { title: title.into(), x, y, series: Vec::new(), reference: None }
    }

    /// Adds a line.
    pub fn with(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// Draws a level to compare with.
    pub fn with_reference(mut self, name: impl Into<String>, y: f64) -> Self {
        self.reference = Some(Reference { name: name.into(), y });
        self
    }
}

impl Axis {
    /// A plain number.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), unit: None }
    }

    /// A quantity with a unit.
    pub fn with_unit(label: impl Into<String>, unit: impl Into<String>) -> Self {
        Self { label: label.into(), unit: Some(unit.into()) }
    }

    /// The words beside the axis.
    pub fn title(&self) -> String {
        match &self.unit {
            Some(unit) => format!("{} ({unit})", self.label),
            None => self.label.clone(),
        }
    }
}

impl Series {
    /// A line through points; a y that is not finite becomes a gap, a point whose x is not finite is left out.
    pub fn new(name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let points = points.into_iter().filter(|(x, _)| x.is_finite());
        let points = points.map(|(x, y)| (x, y.is_finite().then_some(y))).collect();
        Self { name: name.into(), points, intervals: Vec::new() }
    }

    /// The same with intervals, in rising x: where, from, to; one that is not finite is left out.
    pub fn with_intervals(mut self, intervals: impl IntoIterator<Item = [f64; 3]>) -> Self {
        self.intervals = intervals.into_iter().filter(|of| of.iter().all(|value| value.is_finite())).collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_not_finite_become_gaps() {
        let s = Series::new("loss", [(0.0, 1.0), (1.0, f64::NAN), (f64::INFINITY, 2.0)]);
        assert_eq!(s.points, [(0.0, Some(1.0)), (1.0, None)]);
        let s = s.with_intervals([[0.0, 0.5, 1.5], [1.0, f64::NAN, 2.0]]);
        assert_eq!(s.intervals, [[0.0, 0.5, 1.5]]);
    }
}
