//! What `taf predict` does between its arguments and its rows.

mod accuracy;
mod found;
mod list;
mod rows;
mod sink;

pub use accuracy::Accuracy;
pub use found::{Found, Searched, find};
pub use rows::{Format, Likely, Row, RowArgs};
pub use sink::Sink;
