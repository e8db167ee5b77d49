use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::Error;

/// Slowest and fastest of the speeds that training clips are played at, between 1/10 and 10; 1 is the video's own.
///
/// In TOML: `speed = [0.8, 1.25]`. A speed is drawn evenly in its logarithm, so that twice as fast comes as often as half as fast.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "[f64; 2]", into = "[f64; 2]")]
pub struct Speed {
    slowest: f64,
    fastest: f64,
}

/// No speed is NaN.
impl Eq for Speed {}

/// The fastest there is, and how many times slower than the video's own the slowest is.
const LARGEST: f64 = 10.0;

impl Speed {
    /// Speeds between two.
    ///
    /// # Errors
    /// [`Error::Setting`] unless `1/10 <= slowest <= fastest <= 10`.
    pub fn new(slowest: f64, fastest: f64) -> Result<Self, Error> {
        let valid = slowest >= 1.0 / LARGEST && slowest <= fastest && fastest <= LARGEST;
        let expected = "[slowest, fastest] with 0.1 <= slowest <= fastest <= 10";
        let error = || Error::setting("speed", expected, format!("[{slowest}, {fastest}]"));
        if valid { Ok(Self { slowest, fastest }) } else { Err(error()) }
    }

    /// The speed of one clip.
    pub(crate) fn draw(self, rng: &mut impl Rng) -> f64 {
        rng.random_range(self.slowest.ln()..=self.fastest.ln()).exp()
    }
}

impl TryFrom<[f64; 2]> for Speed {
    type Error = Error;

    fn try_from([slowest, fastest]: [f64; 2]) -> Result<Self, Error> {
        Self::new(slowest, fastest)
    }
}

impl From<Speed> for [f64; 2] {
    fn from(Speed { slowest, fastest }: Speed) -> Self {
        [slowest, fastest]
    }
}

#[cfg(test)]
mod tests {
    use super::Speed;
    use crate::Seed;

    #[test]
    fn speeds_are_even_in_their_logarithm_and_in_their_range() {
        let (speed, mut rng) = (Speed::new(0.5, 2.0).unwrap(), Seed::new(1).rng());
        let draws: Vec<f64> = (0..4000).map(|_| speed.draw(&mut rng)).collect();
        assert!(draws.iter().all(|draw| (0.5 - 1e-9..=2.0 + 1e-9).contains(draw)));
        let slower = draws.iter().filter(|draw| **draw < 1.0).count();
        let slowest = draws.iter().filter(|draw| **draw < 0.5f64.sqrt()).count();
        // Half and a quarter of 4000, more than three deviations of 32 and 27 either way.
        assert!((1900..2100).contains(&slower) && (910..1090).contains(&slowest), "{slower} {slowest}");
    }

    #[test]
    fn senseless_speeds_are_refused_when_they_are_read() {
        let read = |text: &str| serde_json::from_str::<Speed>(text).map_err(|error| error.to_string());
        assert_eq!(read("[0.8, 1.25]"), Ok(Speed::new(0.8, 1.25).unwrap()));
        assert_eq!(serde_json::to_string(&Speed::new(0.8, 1.25).unwrap()).unwrap(), "[0.8,1.25]");
        for text in ["[1.25, 0.8]", "[0, 1]", "[1, 11]", "[-1, -1]"] {
            let refused = read(text).unwrap_err();
            assert!(refused.contains("speed must be [slowest, fastest] with"), "{refused}");
        }
        assert!(Speed::new(f64::NAN, 1.0).is_err() && Speed::new(1.0, f64::NAN).is_err());
    }
}
