//! What `taf predict` does between its arguments and its rows.

mod accuracy;
mod found;
mod history;
mod list;
mod live;
mod rows;
mod sink;
mod sliding;
mod span;
mod whole;

use accuracy::Accuracy;
pub use found::{Found, Searched, find};
use history::History;
use live::{Live, Outcome};
pub use rows::RowArgs;
use rows::{Format, Likely, Row};
use sink::Sink;
pub use sliding::{LongVideos, SlidingArgs};
use span::Span;
pub use whole::WholeVideos;
