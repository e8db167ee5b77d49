use std::fmt::Write;

use serde::{Deserialize, Serialize};

/// Yes or no for each of many clips, as text: four clips a hexadecimal digit, the first the highest bit, the last digit filled
/// up with no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bits(Vec<u8>);

impl Bits {
    pub fn new(values: &[bool]) -> Self {
        let digit = |four: &[bool]| four.iter().enumerate().map(|(at, &yes)| u8::from(yes) << (3 - at)).sum();
        Self(values.chunks(4).map(digit).collect())
    }

    /// The values of so many clips; none where they are not of so many.
    pub fn values(&self, clips: usize) -> Option<Vec<bool>> {
        let all: Vec<bool> = self.0.iter().flat_map(|digit| (0..4).map(move |at| digit >> (3 - at) & 1 == 1)).collect();
        let filled = all.len().checked_sub(clips).is_some_and(|rest| rest < 4 && all[clips..].iter().all(|yes| !yes));
        filled.then(|| all[..clips].to_vec())
    }
}

impl From<Bits> for String {
    fn from(bits: Bits) -> Self {
        bits.0.iter().fold(Self::with_capacity(bits.0.len()), |mut text, digit| {
            let _ = write!(text, "{digit:x}");
            text
        })
    }
}

impl TryFrom<String> for Bits {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digit = |letter: char| letter.to_digit(16).map(|digit| digit as u8);
        text.chars()
            .map(digit)
            .collect::<Option<_>>()
            .map(Self)
            .ok_or_else(|| format!("no hexadecimal digits: {text:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_clips_are_two_digits() {
        let values = [true, false, true, true, true];
        let text = String::from(Bits::new(&values));
        assert_eq!(text, "b8");
        assert_eq!(Bits::try_from(text).unwrap().values(5).unwrap(), values);
    }

    #[test]
    fn bits_of_another_number_of_clips_are_refused() {
        let bits = Bits::try_from("b8".to_owned()).unwrap();
        for clips in [0, 4, 9] {
            assert_eq!(bits.values(clips), None, "{clips}");
        }
        assert!(bits.values(8).is_some() && Bits::new(&[]).values(0).is_some());
        assert!(Bits::try_from("0g".to_owned()).is_err());
    }
}
