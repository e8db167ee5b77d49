//! Medians over squares of pixels.

use crate::Frame;

/// The median of every channel over the square that reaches `reach` pixels to all sides; beyond the edge lie its nearest pixels.
///
/// A histogram moves along each row, and the median with it (Huang, Yang, Tang 1979): what enters and what leaves is counted.
pub fn median(frame: &Frame, reach: usize) -> Frame {
    let mut result = frame.clone();
    for channel in 0..3 {
        let plane: Vec<u8> = frame.data().iter().skip(channel).step_by(3).copied().collect();
        for y in 0..frame.height() {
            let medians = row(&plane, frame.width(), y, reach);
            let start = y * frame.width() * 3 + channel;
            result.data_mut()[start..].iter_mut().step_by(3).zip(medians).for_each(|(value, median)| *value = median);
        }
    }
    result
}

fn row(plane: &[u8], width: usize, y: usize, reach: usize) -> Vec<u8> {
    let last = plane.len() / width - 1;
    let rows: Vec<&[u8]> =
        (0..=2 * reach).map(|way| &plane[(y + way).saturating_sub(reach).min(last) * width..][..width]).collect();
    let column = |at: usize| rows.iter().map(move |row| row[at]);
    let mut window = Window { counts: [0; 256], median: 0, below: 0, half: rows.len() * rows.len() / 2 };
    (0..=2 * reach).flat_map(|way| column(way.saturating_sub(reach).min(width - 1))).for_each(|v| window.add(v));
    let mut medians = Vec::with_capacity(width);
    for x in 0..width {
        medians.push(window.median());
        column((x + reach + 1).min(width - 1)).for_each(|value| window.add(value));
        column(x.saturating_sub(reach)).for_each(|value| window.remove(value));
    }
    medians
}

/// Values counted, and how many lie below the last median.
struct Window {
    counts: [u16; 256],
    median: u8,
    below: usize,
    half: usize,
}

impl Window {
    fn add(&mut self, value: u8) {
        self.counts[usize::from(value)] += 1;
        self.below += usize::from(value < self.median);
    }

    fn remove(&mut self, value: u8) {
        self.counts[usize::from(value)] -= 1;
        self.below -= usize::from(value < self.median);
    }

    fn median(&mut self) -> u8 {
        while self.below > self.half {
            self.median -= 1;
            self.below -= usize::from(self.counts[usize::from(self.median)]);
        }
        while self.below + usize::from(self.counts[usize::from(self.median)]) <= self.half {
            self.below += usize::from(self.counts[usize::from(self.median)]);
            self.median += 1;
        }
        self.median
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corrupt::reference::{expect_within, picture};

    #[test]
    fn the_moving_median_is_the_middle_of_the_sorted_values() {
        let value = |i: usize| ((i * i * 31 + i * 7) % 251) as u8;
        for (width, height) in [(1, 1), (1, 6), (9, 2), (13, 11)] {
            let frame = Frame::new(width, height, (0..width * height * 3).map(value).collect());
            for reach in 0..4 {
                let fast = median(&frame, reach);
                for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
                    assert_eq!(fast.pixel(x, y), naive(&frame, x, y, reach), "{width}x{height} at ({x}, {y})");
                }
            }
        }
    }

    fn naive(frame: &Frame, x: usize, y: usize, reach: usize) -> [u8; 3] {
        [0, 1, 2].map(|channel| {
            let near =
                |at: usize, last: usize| (0..=2 * reach).map(move |way| (at + way).saturating_sub(reach).min(last));
            let mut values: Vec<u8> = near(y, frame.height() - 1)
                .flat_map(|row| near(x, frame.width() - 1).map(move |column| (column, row)))
                .map(|(column, row)| frame.pixel(column, row)[channel])
                .collect();
            values.sort_unstable();
            values[values.len() / 2]
        })
    }

    #[test]
    fn medians_are_those_of_opencv() {
        expect_within("median", &median(&picture(), 3), 0, 0.0);
    }
}
