//! What is wrong with one value that a person chose: the error that every table of a recipe has in common.

/// A value is out of its range, or does not fit another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} must {expected}, got {got}")]
pub struct SettingError {
    /// The field as the recipe writes it.
    field: String,
    /// What it must be.
    expected: String,
    /// What it is.
    got: String,
}

impl SettingError {
    /// Of a field by its dotted name; `expected` goes on after "must".
    pub(crate) fn new(field: impl Into<String>, expected: impl Into<String>, got: impl ToString) -> Self {
        Self { field: field.into(), expected: expected.into(), got: got.to_string() }
    }
}

/// Refuses 0.
pub(crate) fn at_least_one(field: &str, value: usize) -> Result<(), SettingError> {
    if value == 0 { Err(SettingError::new(field, "be at least 1", 0)) } else { Ok(()) }
}

/// Refuses what is not finite, or of which `holds` is false.
pub(crate) fn within(field: &str, expected: &str, value: f64, holds: bool) -> Result<(), SettingError> {
    if holds && value.is_finite() { Ok(()) } else { Err(SettingError::new(field, expected, value)) }
}
