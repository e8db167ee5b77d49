//! Numbers that a recipe may write as the quotient of two, as pixel budgets are told: `"4/255"`.

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number, or a quotient of two such as \"4/255\"")]
enum Written {
    Number(f64),
    Quotient(String),
}

impl Written {
    fn number<E: Error>(self) -> Result<f64, E> {
        let text = match self {
            Self::Number(number) => return Ok(number),
            Self::Quotient(text) => text,
        };
        let expected = &"a number, or a quotient of two such as \"4/255\"";
        quotient(&text).ok_or_else(|| E::invalid_value(Unexpected::Str(&text), expected))
    }
}

/// The value of a quotient of two numbers such as `4/255`, where the text is one and the value finite.
pub fn quotient(text: &str) -> Option<f64> {
    let part = |part: &str| part.trim().parse::<f64>().ok();
    let quotient = text.split_once('/').and_then(|(above, below)| Some(part(above)? / part(below)?));
    quotient.filter(|value| value.is_finite())
}

/// For a field that is always there.
pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Written::deserialize(from)?.number()
}

/// For one that may be left out.
pub(super) fn optional<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    Option::<Written>::deserialize(from)?.map(Written::number).transpose()
}

#[cfg(test)]
mod tests {
    use crate::adversary::TemporalAdversary;

    fn read(text: &str) -> Result<TemporalAdversary, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_budget_is_a_number_or_a_quotient() {
        for (text, expected) in [("0.5", 0.5), ("1", 1.0), ("\"4/255\"", 4.0 / 255.0), ("\" 8 / 255 \"", 8.0 / 255.0)] {
            assert_eq!(read(&format!("epsilon = {text}")).unwrap().epsilon, expected, "{text}");
        }
        let adversary = read("epsilon_from = \"1/255\"\nstep_size = \"2/255\"").unwrap();
        assert_eq!((adversary.epsilon_from, adversary.step_size), (Some(1.0 / 255.0), Some(2.0 / 255.0)));
        assert_eq!(read("").unwrap(), TemporalAdversary::default());
    }

    #[test]
    fn what_is_neither_is_refused_with_an_example() {
        for text in ["\"4\"", "\"four/255\"", "\"4/0\"", "\"0/0\"", "\"/\"", "[4, 255]", "true"] {
            let error = read(&format!("epsilon = {text}")).unwrap_err();
            assert!(error.contains("\"4/255\""), "{text}: {error}");
        }
    }
}
