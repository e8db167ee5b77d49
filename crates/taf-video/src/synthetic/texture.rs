use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::point::Point;

/// Red, green and blue, 0 to 1.
pub(super) type Colour = [f32; 3];

/// A pattern without end in two colours, mottled by noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Texture {
    kind: Kind,
    colours: [Colour; 2],
    /// Repeats of the pattern per unit of length.
    frequency: f32,
    angle: f32,
    /// How strongly noise bends and mottles the pattern.
    roughness: f32,
    /// Tells the noise of one texture from that of another.
    salt: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Clouds,
    Stripes,
    Checks,
    Dots,
}

impl Texture {
    pub(super) fn draw(rng: &mut ChaCha8Rng, colours: [Colour; 2], frequency: std::ops::Range<f32>) -> Self {
        let kind = [Kind::Clouds, Kind::Stripes, Kind::Checks, Kind::Dots][rng.random_range(0..4)];
        Self {
            kind,
            colours,
            frequency: rng.random_range(frequency),
            angle: rng.random_range(0.0..std::f32::consts::TAU),
            roughness: rng.random_range(0.15..0.5),
            salt: rng.random(),
        }
    }

    /// The colour at a point, where one pixel is `pixel` units wide: edges are as soft as a pixel is wide.
    pub(super) fn colour(&self, at: Point, pixel: f32) -> Colour {
        let at = at.turned(self.angle).scaled(self.frequency);
        let noise = clouds(at.scaled(1.7), self.salt) - 0.5;
        let softness = pixel * self.frequency;
        let share = match self.kind {
            Kind::Clouds => clouds(at, !self.salt) * 1.6 - 0.3,
            Kind::Stripes => edge(triangle_wave(at.x + noise * self.roughness), softness),
            Kind::Checks => {
                let (x, y) = (signed_wave(at.x), signed_wave(at.y));
                let nearest = x.abs().min(y.abs());
                edge(nearest * (x * y).signum(), softness)
            }
            Kind::Dots => {
                let cell = Point { x: at.x - at.x.floor() - 0.5, y: at.y - at.y.floor() - 0.5 };
                edge(0.3 - cell.length(), softness)
            }
        };
        let mottle = 1.0 + noise * self.roughness;
        mix(self.colours[0], self.colours[1], share.clamp(0.0, 1.0)).map(|channel| channel * mottle)
    }
}

/// `from` where `share` is 0, `to` where it is 1.
pub(super) fn mix(from: Colour, to: Colour, share: f32) -> Colour {
    std::array::from_fn(|channel| from[channel] + (to[channel] - from[channel]) * share)
}

/// A colour by hue (0 to 1, around the circle), saturation and value (0 to 1).
pub(super) fn hsv(hue: f32, saturation: f32, value: f32) -> Colour {
    [5.0, 3.0, 1.0].map(|offset| {
        let place = (offset + hue.rem_euclid(1.0) * 6.0) % 6.0;
        value * (1.0 - saturation * place.min(4.0 - place).clamp(0.0, 1.0))
    })
}

/// 0 well below zero, 1 well above, and a straight slope as wide as a pixel between.
pub(super) fn edge(distance: f32, pixel: f32) -> f32 {
    (distance / pixel + 0.5).clamp(0.0, 1.0)
}

/// Period 1, from -0.25 to 0.25, crossing zero at every half, with slope 1.
fn triangle_wave(x: f32) -> f32 {
    0.25 - (x - x.floor() - 0.5).abs()
}

/// Period 2: positive over one unit, negative over the next; zero at whole numbers.
fn signed_wave(x: f32) -> f32 {
    2.0 * triangle_wave(x / 2.0 + 0.25)
}

/// Value noise in three octaves, 0 to 1.
fn clouds(at: Point, salt: u32) -> f32 {
    let octave = |scale: f32, salt: u32| value_noise(at.scaled(scale), salt);
    (octave(1.0, salt) * 4.0 + octave(2.1, salt ^ 0x5bd1) * 2.0 + octave(4.3, salt ^ 0x1e35)) / 7.0
}

/// Random values at whole coordinates, smoothly joined.
fn value_noise(at: Point, salt: u32) -> f32 {
    let (left, top) = (at.x.floor(), at.y.floor());
    let (x, y) = (smooth(at.x - left), smooth(at.y - top));
    let corner = |dx: i32, dy: i32| lattice(left as i32 + dx, top as i32 + dy, salt);
    let upper = corner(0, 0) * (1.0 - x) + corner(1, 0) * x;
    let lower = corner(0, 1) * (1.0 - x) + corner(1, 1) * x;
    upper * (1.0 - y) + lower * y
}

fn smooth(x: f32) -> f32 {
    x * x * (3.0 - 2.0 * x)
}

/// A value from 0 to 1 for a lattice point, by Murmur3's finaliser.
fn lattice(x: i32, y: i32, salt: u32) -> f32 {
    let mut bits = (x as u32).wrapping_mul(0x9e37_79b1) ^ (y as u32).wrapping_mul(0x85eb_ca77) ^ salt;
    bits = (bits ^ (bits >> 16)).wrapping_mul(0x85eb_ca6b);
    bits = (bits ^ (bits >> 13)).wrapping_mul(0xc2b2_ae35);
    (bits ^ (bits >> 16)) as f32 / u32::MAX as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hues_go_around_the_circle() {
        assert_eq!(hsv(0.0, 1.0, 1.0), [1.0, 0.0, 0.0]);
        assert_eq!(hsv(1.0 / 3.0, 1.0, 1.0), [0.0, 1.0, 0.0]);
        assert_eq!(hsv(0.5, 0.0, 0.7), [0.7; 3]);
    }

    #[test]
    fn waves_change_sign_where_they_should() {
        assert!(triangle_wave(0.5) > 0.2 && triangle_wave(0.0) < -0.2);
        assert!(signed_wave(0.5) > 0.0 && signed_wave(1.5) < 0.0 && signed_wave(2.5) > 0.0);
        assert!(signed_wave(1.0).abs() < 1e-6);
    }

    #[test]
    fn noise_is_continuous_and_fills_its_range() {
        let values: Vec<f32> = (0..2000).map(|i| clouds(Point { x: i as f32 * 0.02, y: 0.3 }, 9)).collect();
        assert!(values.windows(2).all(|pair| (pair[0] - pair[1]).abs() < 0.1));
        let (low, high) = values.iter().fold((1.0f32, 0.0f32), |(low, high), &v| (low.min(v), high.max(v)));
        assert!((0.0..0.35).contains(&low) && (0.65..=1.0).contains(&high), "{low} to {high}");
    }
}
