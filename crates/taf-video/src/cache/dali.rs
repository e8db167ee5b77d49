//! The index of a tar file that NVIDIA DALI's WebDataset reader takes: for each sample, ending, place, size and name of
//! each member (version 1.2, as its own `wds2idx` writes it).

use std::fmt::Write as _;

use super::sample::Member;

/// The line of a sample that begins at `start` in the file.
pub(super) fn line(start: u64, members: &[Member]) -> String {
    let mut line = String::new();
    for Member { name, offset, bytes } in members {
        let ending = name.split_once('.').map_or("", |(_, ending)| ending);
        let separator = if line.is_empty() { "" } else { " " };
        let _ = write!(line, "{separator}{ending} {} {bytes} {name}", start + offset);
    }
    line
}

/// The whole file.
pub(super) fn page(lines: &[String]) -> String {
    format!("v1.2 {}\n{}\n", lines.len(), lines.join("\n"))
}
