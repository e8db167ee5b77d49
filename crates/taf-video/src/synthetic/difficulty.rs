use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How much gets in the way of seeing the action, from 0 (nothing) to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f32", into = "f32")]
pub struct Difficulty(f32);

impl Difficulty {
    /// A still camera and steady light; the action takes most of the clip.
    pub const EASY: Self = Self(0.1);
    /// Some of everything.
    pub const MEDIUM: Self = Self(0.5);
    /// Up to four distractors, drift of a sixth of the picture, the action in as little as half of the clip.
    pub const HARD: Self = Self(1.0);

    /// A difficulty between those that have names.
    ///
    /// # Errors
    /// If `value` lies outside 0 to 1.
    pub fn new(value: f32) -> Result<Self> {
        if (0.0..=1.0).contains(&value) { Ok(Self(value)) } else { Err(refused(value)) }
    }

    /// The difficulty as a number from 0 to 1.
    pub fn value(self) -> f32 {
        self.0
    }
}

impl FromStr for Difficulty {
    type Err = Error;

    /// Reads "easy", "medium", "hard" or a number.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "easy" => Ok(Self::EASY),
            "medium" => Ok(Self::MEDIUM),
            "hard" => Ok(Self::HARD),
            number => Self::new(number.parse().map_err(|_| refused(number))?),
        }
    }
}

impl fmt::Display for Difficulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<f32> for Difficulty {
    type Error = Error;

    fn try_from(value: f32) -> Result<Self> {
        Self::new(value)
    }
}

impl From<Difficulty> for f32 {
    fn from(difficulty: Difficulty) -> Self {
        difficulty.0
    }
}

fn refused(value: impl ToString) -> Error {
    Error::setting("difficulty", "easy, medium, hard or a number from 0 to 1", value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_read_and_the_rest_is_refused_with_the_choices() {
        assert_eq!("hard".parse::<Difficulty>().unwrap(), Difficulty::HARD);
        assert_eq!("0.5".parse::<Difficulty>().unwrap(), Difficulty::MEDIUM);
        for text in ["", "extreme", "-0.1", "1.01", "NaN"] {
            let error = text.parse::<Difficulty>().unwrap_err().to_string();
            assert!(error.contains("easy, medium, hard"), "{error}");
        }
    }
}
