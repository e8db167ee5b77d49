/// The colour of `share` in [0, 1] on the Turbo map: blue for little, green between, red for much.
///
/// Fifth-degree polynomials fitted to the published table (A. Mikhailov, "Turbo, an improved rainbow colormap for
/// visualization", 2019); they lie within 20 steps of 255 of it in the middle and 35 at the dark end. A share outside the
/// range takes the nearest end; one that is no number, the lower.
pub fn turbo(share: f32) -> [u8; 3] {
    const RED: [f32; 6] = [0.135_721_4, 4.615_392_6, -42.660_32, 132.131_08, -152.942_4, 59.286_38];
    const GREEN: [f32; 6] = [0.091_402_6, 2.194_188_4, 4.842_966_6, -14.185_033, 4.277_298_6, 2.829_566];
    const BLUE: [f32; 6] = [0.106_673_3, 12.641_946, -60.582_05, 110.362_77, -89.903_11, 27.348_25];
    let x = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    [RED, GREEN, BLUE].map(|terms| {
        let value = terms.iter().rev().fold(0.0, |sum, term| sum * x + term);
        (value.clamp(0.0, 1.0) * 255.0).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_passes_near_the_published_table() {
        // Entry of the published table, its colour, and how far the polynomial may lie: it is worst at the dark end.
        let table = [
            (0, [48, 18, 59], 35),
            (64, [40, 187, 236], 12),
            (128, [164, 252, 60], 20),
            (192, [251, 128, 34], 20),
            (255, [122, 4, 3], 30),
        ];
        for (entry, expected, tolerance) in table {
            let got = turbo(entry as f32 / 255.0);
            let far = got.iter().zip(expected).map(|(&g, e)| (i32::from(g) - e).abs()).max().unwrap_or(0);
            assert!(far <= tolerance, "entry {entry}: {got:?} against {expected:?}");
        }
    }

    #[test]
    fn shares_outside_the_range_take_the_ends() {
        assert_eq!(turbo(-1.0), turbo(0.0));
        assert_eq!(turbo(7.0), turbo(1.0));
        assert_eq!(turbo(f32::NAN), turbo(0.0));
    }
}
