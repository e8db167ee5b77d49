//! Pictures read between their pixels.

use super::convolve::Border;

/// A place in a picture; whole numbers are the middles of pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Column.
    pub x: f32,
    /// Row.
    pub y: f32,
}

/// The values of RGB at the places, between the four nearest pixels.
pub fn resampled(values: &[f32], width: usize, height: usize, places: &[Place], border: Border) -> Vec<f32> {
    let pixels = values.as_chunks::<3>().0;
    let read = |place: &Place| {
        let (left, top) = (place.x.floor(), place.y.floor());
        let (across, down) = (place.x - left, place.y - top);
        let (columns, rows) = (neighbours(left, width, border), neighbours(top, height, border));
        let at = |row: usize, column: usize| &pixels[rows[row] * width + columns[column]];
        let [a, b, c, d] = [at(0, 0), at(0, 1), at(1, 0), at(1, 1)];
        let between = |i: usize| {
            let (above, below) = (a[i] + (b[i] - a[i]) * across, c[i] + (d[i] - c[i]) * across);
            above + (below - above) * down
        };
        [between(0), between(1), between(2)]
    };
    let mut read_values = Vec::with_capacity(places.len() * 3);
    places.iter().for_each(|place| read_values.extend_from_slice(&read(place)));
    read_values
}

/// The column or row and the next one.
fn neighbours(first: f32, len: usize, border: Border) -> [usize; 2] {
    let first = first as isize;
    // Most lie inside, where nothing is to be folded.
    if first >= 0 && first + 1 < len as isize {
        return [first as usize, first as usize + 1];
    }
    [border.resolve(first, len), border.resolve(first + 1, len)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_between_pixels_has_their_weighted_mean() {
        let values = [0.0, 1.0, 2.0, 10.0, 11.0, 12.0, 20.0, 21.0, 22.0, 30.0, 31.0, 32.0];
        let read = |x, y, border| resampled(&values, 2, 2, &[Place { x, y }], border);
        assert_eq!(read(1.0, 1.0, Border::Mirror), [30.0, 31.0, 32.0]);
        assert_eq!(read(0.5, 0.25, Border::Mirror), [10.0, 11.0, 12.0]);
        assert_eq!(read(-0.5, 0.0, Border::Mirror), [5.0, 6.0, 7.0]);
        assert_eq!(read(-0.5, 0.0, Border::Symmetric), [0.0, 1.0, 2.0]);
    }
}
