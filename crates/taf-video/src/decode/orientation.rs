use crate::Frame;

/// How the stored picture is turned before it is shown: one of the eight symmetries of a rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Orientation {
    /// Rows become columns, before the flips.
    transpose: bool,
    /// Left and right change sides in the shown picture.
    flip_x: bool,
    /// Top and bottom change sides in the shown picture.
    flip_y: bool,
}

impl Orientation {
    /// Reads a container's display matrix: row-major, `x' = a x + c y`, `y' = b x + d y` with `[a b _ c d _ ...]`.
    ///
    /// Angles that are no multiple of 90 degrees would need resampling and a frame with corners missing; they are shown
    /// unturned.
    pub(super) fn from_display_matrix(matrix: &[i32; 9]) -> Self {
        let [a, b, _, c, d, ..] = *matrix;
        let straight = i64::from(a).abs() + i64::from(d).abs();
        let crossed = i64::from(b).abs() + i64::from(c).abs();
        // 16.16 fixed point: within one degree of an axis the smaller pair stays under 2 % of the larger.
        if crossed * 50 <= straight {
            Self { transpose: false, flip_x: a < 0, flip_y: d < 0 }
        } else if straight * 50 <= crossed {
            Self { transpose: true, flip_x: c < 0, flip_y: b < 0 }
        } else {
            Self::default()
        }
    }

    /// Width and height after turning a picture of the given size.
    pub(super) fn size(self, width: usize, height: usize) -> (usize, usize) {
        if self.transpose { (height, width) } else { (width, height) }
    }

    /// Copies a stored picture (rows `stride` bytes apart) into the frame that is shown.
    pub(super) fn apply(self, width: usize, height: usize, stride: usize, stored: &[u8]) -> Frame {
        let (shown_width, shown_height) = self.size(width, height);
        let mut data = Vec::with_capacity(width * height * 3);
        for y in 0..shown_height {
            let y = if self.flip_y { shown_height - 1 - y } else { y };
            if !self.transpose && !self.flip_x {
                data.extend_from_slice(&stored[y * stride..][..width * 3]);
                continue;
            }
            for x in 0..shown_width {
                let x = if self.flip_x { shown_width - 1 - x } else { x };
                let (row, column) = if self.transpose { (x, y) } else { (y, x) };
                data.extend_from_slice(&stored[row * stride + column * 3..][..3]);
            }
        }
        Frame::new(shown_width, shown_height, data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: i32 = 1 << 16;

    fn matrix(a: i32, b: i32, c: i32, d: i32) -> [i32; 9] {
        [a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30]
    }

    /// The rule of the container format itself, pixel by pixel: where does (x, y) land, then shift into view.
    fn by_the_rule(m: [i32; 9], width: usize, height: usize, stored: &[u8]) -> Frame {
        let sign = |v: i32| i64::from(v.signum());
        let land = |x: usize, y: usize| {
            let (x, y) = (x as i64, y as i64);
            (sign(m[0]) * x + sign(m[3]) * y, sign(m[1]) * x + sign(m[4]) * y)
        };
        let all: Vec<_> = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).collect();
        let left = all.iter().map(|&(x, y)| land(x, y).0).min().unwrap();
        let top = all.iter().map(|&(x, y)| land(x, y).1).min().unwrap();
        let (w, h) = if m[0] == 0 { (height, width) } else { (width, height) };
        let mut shown = Frame::filled(w, h, [0; 3]);
        for (x, y) in all {
            let (to_x, to_y) = ((land(x, y).0 - left) as usize, (land(x, y).1 - top) as usize);
            let to = (to_y * w + to_x) * 3;
            shown.data_mut()[to..to + 3].copy_from_slice(&stored[(y * width + x) * 3..][..3]);
        }
        shown
    }

    #[test]
    fn all_eight_symmetries_land_where_the_matrix_says() {
        let (width, height) = (3, 2);
        let stored: Vec<u8> = (0..18).collect();
        for (a, b, c, d) in [(1, 0, 0, 1), (-1, 0, 0, 1), (1, 0, 0, -1), (-1, 0, 0, -1)] {
            for m in [matrix(a, b, c, d), matrix(b, a, d, c)] {
                let shown = Orientation::from_display_matrix(&m).apply(width, height, width * 3, &stored);
                assert_eq!(shown, by_the_rule(m, width, height, &stored), "matrix {m:?}");
            }
        }
    }

    #[test]
    fn padding_at_the_end_of_a_row_is_not_shown() {
        let stored = [1, 1, 1, 9, 2, 2, 2, 9];
        let shown = Orientation::default().apply(1, 2, 4, &stored);
        assert_eq!(shown.data(), [1, 1, 1, 2, 2, 2]);
    }

    #[test]
    fn slanted_pictures_stay_unturned() {
        let slanted = [46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30];
        assert_eq!(Orientation::from_display_matrix(&slanted), Orientation::default());
    }
}
