/// Side of the blocks that are transposed in registers.
const SIDE: usize = 8;

/// `to[c * to_stride + r] = from[r * from_stride + c]`.
pub(crate) fn transpose(
    from: &[f32],
    from_stride: usize,
    [rows, columns]: [usize; 2],
    to: &mut [f32],
    to_stride: usize,
) {
    if rows == 0 || columns == 0 {
        return;
    }
    assert!((rows - 1) * from_stride + columns <= from.len(), "{rows}x{columns} of {} floats", from.len());
    assert!((columns - 1) * to_stride + rows <= to.len(), "{columns}x{rows} into {} floats", to.len());
    let whole = if has_block() { [rows / SIDE * SIDE, columns / SIDE * SIDE] } else { [0, 0] };
    for r in (0..whole[0]).step_by(SIDE) {
        for c in (0..whole[1]).step_by(SIDE) {
            block(&from[r * from_stride + c..], from_stride, &mut to[c * to_stride + r..], to_stride);
        }
    }
    for r in 0..rows {
        for c in if r < whole[0] { whole[1] } else { 0 }..columns {
            to[c * to_stride + r] = from[r * from_stride + c];
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn has_block() -> bool {
    std::arch::is_x86_feature_detected!("avx")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_block() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
fn block(_: &[f32], _: usize, _: &mut [f32], _: usize) {}

/// One block of [`SIDE`] rows and columns.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn block(from: &[f32], from_stride: usize, to: &mut [f32], to_stride: usize) {
    assert!((SIDE - 1) * from_stride + SIDE <= from.len() && (SIDE - 1) * to_stride + SIDE <= to.len());
    // SAFETY: the lengths were checked above, the processor by `has_block`.
    unsafe { avx_block(from.as_ptr(), from_stride, to.as_mut_ptr(), to_stride) }
}

/// Pairs of half rows, then two rounds of shuffles: 16 instead of the usual 24, on which this depends.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx")]
unsafe fn avx_block(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
    use std::arch::x86_64::*;
    for half in 0..2 {
        // Columns `4 * half ..`: row `r` beside row `r + 4`.
        let rows: [__m256; 4] = std::array::from_fn(|r| {
            // SAFETY: the caller's promise.
            unsafe {
                let low = _mm_loadu_ps(from.add(r * from_stride + 4 * half));
                let high = _mm_loadu_ps(from.add((r + 4) * from_stride + 4 * half));
                _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(low), high)
            }
        });
        let [a, b] = [_mm256_unpacklo_ps(rows[0], rows[1]), _mm256_unpackhi_ps(rows[0], rows[1])];
        let [c, d] = [_mm256_unpacklo_ps(rows[2], rows[3]), _mm256_unpackhi_ps(rows[2], rows[3])];
        let columns = [
            _mm256_shuffle_ps::<0x44>(a, c),
            _mm256_shuffle_ps::<0xee>(a, c),
            _mm256_shuffle_ps::<0x44>(b, d),
            _mm256_shuffle_ps::<0xee>(b, d),
        ];
        for (index, column) in columns.into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { _mm256_storeu_ps(to.add((4 * half + index) * to_stride), column) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::transpose;

    #[test]
    fn every_value_changes_places_at_any_size() {
        for [rows, columns] in [[1, 1], [8, 8], [16, 24], [7, 9], [33, 17], [64, 3], [0, 4]] {
            let (from_stride, to_stride) = (columns + 3, rows + 2);
            let from: Vec<f32> = (0..rows * from_stride).map(|place| place as f32).collect();
            let mut to = vec![-1.0; columns * to_stride];
            transpose(&from, from_stride, [rows, columns], &mut to, to_stride);
            for (place, value) in to.iter().enumerate() {
                let [c, r] = [place / to_stride, place % to_stride];
                let expected = if r < rows { (r * from_stride + c) as f32 } else { -1.0 };
                assert_eq!(*value, expected, "{rows}x{columns}, [{c}, {r}]");
            }
        }
    }
}
