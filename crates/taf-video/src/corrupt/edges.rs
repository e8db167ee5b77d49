//! Edges of a grey picture and the way to the nearest of them, as OpenCV computes them.

use super::convolve::Border;

/// Tangent of 22.5 degrees: directions are told apart in steps of 45.
const NARROW: f32 = std::f32::consts::SQRT_2 - 1.0;
/// What a step costs to the side, to a corner, and like a knight in chess (Borgefors 1986).
const STEPS: [f32; 3] = [1.0, 1.4, 2.1969];

/// Canny's edges: thin ridges of the gradient, of Sobel's filters and the sum of both directions, that pass `high` somewhere and
/// `low` everywhere.
pub fn canny(grey: &[u8], width: usize, low: i32, high: i32) -> Vec<bool> {
    let height = grey.len() / width;
    let gradients: Vec<(i32, i32)> = (0..grey.len()).map(|i| sobel(grey, width, i % width, i / width)).collect();
    let strength = |x: usize, y: usize, dx: isize, dy: isize| -> i32 {
        let (x, y) = (x.wrapping_add_signed(dx), y.wrapping_add_signed(dy));
        if x < width && y < height { sum_of_sides(gradients[y * width + x]) } else { 0 }
    };
    let ridge = |i: usize| {
        let (x, y, gradient) = (i % width, i / width, gradients[i]);
        let (here, ((before_x, before_y), strictly)) = (sum_of_sides(gradient), across(gradient));
        let (before, after) = (strength(x, y, before_x, before_y), strength(x, y, -before_x, -before_y));
        here > low && here > before && if strictly { here > after } else { here >= after }
    };
    let ridges: Vec<bool> = (0..grey.len()).map(ridge).collect();
    let strong = (0..grey.len()).filter(|&i| ridges[i] && sum_of_sides(gradients[i]) > high).collect();
    connected(&ridges, width, strong)
}

fn sum_of_sides((dx, dy): (i32, i32)) -> i32 {
    dx.abs() + dy.abs()
}

fn sobel(grey: &[u8], width: usize, x: usize, y: usize) -> (i32, i32) {
    let height = grey.len() / width;
    let at = |dx: isize, dy: isize| {
        let column = Border::Nearest.resolve(x as isize + dx, width);
        i32::from(grey[Border::Nearest.resolve(y as isize + dy, height) * width + column])
    };
    let across = at(1, -1) + 2 * at(1, 0) + at(1, 1) - at(-1, -1) - 2 * at(-1, 0) - at(-1, 1);
    let down = at(-1, 1) + 2 * at(0, 1) + at(1, 1) - at(-1, -1) - 2 * at(0, -1) - at(1, -1);
    (across, down)
}

/// The neighbour before a pixel in the direction of its gradient, and whether a slanting ridge must also pass the one after.
fn across((dx, dy): (i32, i32)) -> ((isize, isize), bool) {
    let (x, y) = (dx.abs() as f32, dy.abs() as f32);
    match (dx < 0) != (dy < 0) {
        _ if y < x * NARROW => ((-1, 0), false),
        _ if y > x * (NARROW + 2.0) => ((0, -1), false),
        true => ((1, -1), true),
        false => ((-1, -1), true),
    }
}

/// All of `ridges` that hang together with the places of `strong`.
fn connected(ridges: &[bool], width: usize, mut strong: Vec<usize>) -> Vec<bool> {
    let height = ridges.len() / width;
    let mut edges = vec![false; ridges.len()];
    strong.iter().for_each(|&i| edges[i] = true);
    while let Some(i) = strong.pop() {
        let (x, y) = (i % width, i / width);
        for (row, column) in (y.saturating_sub(1)..(y + 2).min(height))
            .flat_map(|row| (x.saturating_sub(1)..(x + 2).min(width)).map(move |column| (row, column)))
        {
            let near = row * width + column;
            if ridges[near] && !edges[near] {
                edges[near] = true;
                strong.push(near);
            }
        }
    }
    edges
}

/// The way from every pixel to the nearest edge in steps over 5x5 pixels; `far` where it is longer, or there is none.
pub fn distances(edges: &[bool], width: usize, far: f32) -> Vec<f32> {
    let mut ways: Vec<f32> = edges.iter().map(|&edge| if edge { 0.0 } else { far }).collect();
    for i in 0..ways.len() {
        shorten(&mut ways, width, i, 1);
    }
    for i in (0..ways.len()).rev() {
        shorten(&mut ways, width, i, -1);
    }
    ways
}

/// The way by one of the neighbours that come before (`sense` 1) or after (-1) in reading order.
fn shorten(ways: &mut [f32], width: usize, i: usize, sense: isize) {
    const BEFORE: [(isize, isize, usize); 8] =
        [(-1, 0, 0), (0, -1, 0), (-1, -1, 1), (1, -1, 1), (-2, -1, 2), (2, -1, 2), (-1, -2, 2), (1, -2, 2)];
    let (x, y, height) = ((i % width) as isize, (i / width) as isize, (ways.len() / width) as isize);
    for (dx, dy, step) in BEFORE {
        let (column, row) = (x + dx * sense, y + dy * sense);
        if (0..width as isize).contains(&column) && (0..height).contains(&row) {
            ways[i] = ways[i].min(ways[row as usize * width + column as usize] + STEPS[step]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_light_has_one_thin_edge() {
        let grey: Vec<u8> = (0..12 * 9).map(|i| if i % 12 < 6 { 20 } else { 120 }).collect();
        let edges = canny(&grey, 12, 50, 150);
        assert!((0..9).all(|y| (0..12).filter(|x| edges[y * 12 + x]).count() == 1));
        assert!(canny(&[80; 30], 6, 50, 150).iter().all(|edge| !edge));
    }

    #[test]
    fn ways_are_near_the_straight_ones() {
        let mut edges = vec![false; 21 * 21];
        edges[10 * 21 + 10] = true;
        for (i, way) in distances(&edges, 21, 100.0).into_iter().enumerate() {
            let straight = ((i % 21) as f32 - 10.0).hypot((i / 21) as f32 - 10.0);
            assert!((way - straight).abs() <= 0.03 * straight, "{way} for {straight}");
        }
        assert_eq!(distances(&[false; 4], 2, 7.0), [7.0; 4]);
    }
}
