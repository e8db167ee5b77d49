use std::time::Duration;

use serde::Serialize;

use super::Format;
use super::rows::{csv_line, fixed, json_line};
use crate::progress::clock;

/// What is told of a part of a long video.
#[derive(Serialize)]
pub struct Span<'a> {
    /// The video's name.
    pub video: &'a str,
    /// Where it begins, in seconds from the first frame.
    pub start_secs: f64,
    /// Where it ends.
    pub end_secs: f64,
    /// The likeliest class.
    pub class: &'a str,
    /// Its probability, the mean over the windows.
    pub probability: f32,
    /// How many windows were looked at.
    pub windows: usize,
}

impl Span<'_> {
    /// What comes before the parts of all videos.
    pub fn heading(format: Format) -> String {
        let columns = ["video", "start_secs", "end_secs", "class", "probability", "windows"];
        if format == Format::Csv { csv_line(columns.map(str::to_owned)) } else { String::new() }
    }

    /// As a line.
    pub fn line(&self, format: Format) -> String {
        let Self { video, start_secs, end_secs, class, probability, windows } = self;
        match format {
            Format::Csv => {
                let [start, end] = [start_secs, end_secs].map(|secs| format!("{secs:.3}"));
                let (video, class) = ((*video).to_owned(), (*class).to_owned());
                csv_line([video, start, end, class, fixed(*probability), windows.to_string()])
            }
            Format::Jsonl => json_line(self),
            Format::Table => {
                let [start, end] = [start_secs, end_secs].map(|secs| tenths(*secs));
                format!("{start:>9} to {end:>9}  {:5.1} %  {class}\n", 100.0 * probability)
            }
        }
    }
}

/// A time with tenths of seconds: `1:05:09.5`.
fn tenths(secs: f64) -> String {
    let tenths = (secs * 10.0).round() as u64;
    format!("{}.{}", clock(Duration::from_secs(tenths / 10)), tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_parts_are_told_to_the_tenth() {
        let span = Span { video: "v", start_secs: 9.97, end_secs: 3909.5, class: "up", probability: 0.5, windows: 3 };
        assert_eq!(span.line(Format::Table), "   0:10.0 to 1:05:09.5   50.0 %  up\n");
        assert_eq!(span.line(Format::Csv), "v,9.970,3909.500,up,0.500000,3\n");
        assert_eq!(Span::heading(Format::Csv).matches(',').count(), 5);
    }
}
