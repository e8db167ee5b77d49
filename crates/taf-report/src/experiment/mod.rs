//! A grid of runs after they are trained: what each leaves behind, which candidate was chosen, and the table of all.
//!
//! | file in the folder of results | holds |
//! |---|---|
//! | `DATA/MODEL/RUN/seedN.json` | [`CellResult`]: what a run got right of the validation clips, and how it was made |
//! | `DATA/MODEL/RUN/seedN.test.json` | the same of the test clips |
//! | `clips/DATA.SPLITS.json` | [`ClipList`]: the clips that the bits of results stand for |
//! | `choices.json` | [`Choices`]: which candidates were chosen before the test clips were read |
//! | `validation.{md,json,html}`, `test.{md,json,html}` | [`ExperimentTable`] |
//!
//! Nothing here is a weight, so that a grid's results can be kept beside its source and the table drawn anew.

mod bits;
mod cell_name;
mod choice;
mod clip_list;
mod error;
mod file;
mod findings;
mod folder;
mod known;
mod plan;
mod result;
mod table;
#[cfg(test)]
mod testing;

pub use cell_name::{CellName, Split};
pub use choice::{Candidate, Choice, Choices, choose};
pub use clip_list::ClipList;
pub use error::{Error, Result};
pub use folder::ResultsFolder;
pub use plan::{RunLine, SuiteLine, TablePlan};
pub use result::{Answered, CellResult, ProcessorSeconds};
pub use table::{Block, ExperimentTable, Row};
