use super::{Error, Result};

/// Class-activation maps of a clip.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivationMaps {
    time: usize,
    height: usize,
    width: usize,
    values: Vec<f32>,
}

impl ActivationMaps {
    /// Wraps maps `[time, height, width]`, rows from the top. Positive values argue for the class.
    ///
    /// # Errors
    /// If the number of values does not fit the sides, a side is zero, or a value is not finite.
    pub fn new(time: usize, height: usize, width: usize, values: Vec<f32>) -> Result<Self> {
        let expected = time * height * width;
        if expected == 0 || values.len() != expected {
            let wanted = format!("{time}x{height}x{width} activation values, at least one");
            return Err(Error::content(wanted, values.len()));
        }
        match values.iter().find(|v| !v.is_finite()) {
            Some(value) => Err(Error::content("finite activation values", value)),
            None => Ok(Self { time, height, width, values }),
        }
    }

    /// The largest value over time and space.
    pub fn max(&self) -> f32 {
        self.values.iter().copied().fold(f32::NEG_INFINITY, f32::max)
    }

    /// Frames there is a map for.
    pub(super) fn time(&self) -> usize {
        self.time
    }

    /// The value at (`x`, `y`), each in [0, 1] across the picture, bilinear between the centres of the cells.
    pub(super) fn sample(&self, frame: usize, x: f32, y: f32) -> f32 {
        let cell = |share: f32, cells: usize| {
            let at = (share * cells as f32 - 0.5).clamp(0.0, (cells - 1) as f32);
            let low = at as usize;
            (low, (low + 1).min(cells - 1), at - low as f32)
        };
        let ((left, right, dx), (top, bottom, dy)) = (cell(x, self.width), cell(y, self.height));
        let value = |row: usize, column: usize| self.values[(frame * self.height + row) * self.width + column];
        let upper = value(top, left) * (1.0 - dx) + value(top, right) * dx;
        let lower = value(bottom, left) * (1.0 - dx) + value(bottom, right) * dx;
        upper * (1.0 - dy) + lower * dy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_bilinear_between_cell_centres() {
        let maps = ActivationMaps::new(1, 2, 2, vec![0.0, 1.0, 2.0, 3.0]).unwrap();
        assert_eq!(maps.sample(0, 0.25, 0.25), 0.0);
        assert_eq!(maps.sample(0, 0.5, 0.25), 0.5);
        assert_eq!(maps.sample(0, 0.5, 0.5), 1.5);
        assert_eq!(maps.sample(0, 1.0, 1.0), 3.0);
    }

    #[test]
    fn values_that_are_no_maps_are_refused() {
        assert!(ActivationMaps::new(1, 1, 1, vec![]).is_err());
        assert!(ActivationMaps::new(1, 1, 1, vec![f32::NAN]).is_err());
    }
}
