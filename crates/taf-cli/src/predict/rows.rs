use std::io::{IsTerminal, stdout};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For reading.
    Table,
    /// Comma-separated values with a line of names.
    Csv,
    /// A JSON object on every line.
    Jsonl,
}

/// How answers are written, and where.
#[derive(Clone, Debug, Args)]
pub struct RowArgs {
    /// How many of the likeliest classes to tell of a whole video
    #[arg(long, value_name = "N", default_value_t = 5, conflicts_with = "every", value_parser = clap::value_parser!(u16).range(1..))]
    pub top: u16,
    /// How to write the answers [default: table on a terminal, else csv; by the ending of --out]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// The same as --format csv
    #[arg(long, conflicts_with_all = ["format", "json_lines"])]
    pub csv: bool,
    /// The same as --format jsonl
    #[arg(long, conflicts_with = "format")]
    pub json_lines: bool,
    /// Write the answers to this file (.csv, .jsonl or .txt)
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

impl RowArgs {
    /// The format that was asked for.
    pub fn format(&self) -> Format {
        let of_ending = |ending: &str| match ending.to_ascii_lowercase().as_str() {
            "csv" => Format::Csv,
            "jsonl" => Format::Jsonl,
            _ => Format::Table,
        };
        let ending = self.out.as_ref().map(|out| out.extension().unwrap_or_default().to_string_lossy().into_owned());
        match (self.format, ending) {
            _ if self.csv => Format::Csv,
            _ if self.json_lines => Format::Jsonl,
            (Some(format), _) => format,
            (None, Some(ending)) => of_ending(&ending),
            (None, None) if stdout().is_terminal() => Format::Table,
            (None, None) => Format::Csv,
        }
    }

    /// The endings that `--out` may have.
    pub fn endings(&self) -> &'static [&'static str] {
        match (self.format, self.csv, self.json_lines) {
            (Some(Format::Table), ..) => &["txt"],
            (Some(Format::Csv), ..) | (_, true, _) => &["csv"],
            (Some(Format::Jsonl), ..) | (.., true) => &["jsonl"],
            (None, ..) => &["csv", "jsonl", "txt"],
        }
    }
}

/// What is told of one video.
#[derive(Serialize)]
pub struct Row<'a> {
    /// Its name.
    pub video: &'a str,
    /// Its class, where it is known.
    pub label: Option<&'a str>,
    /// The likeliest classes, the likeliest first.
    pub top: Vec<Likely<'a>>,
}

/// A class and its probability.
#[derive(Serialize)]
pub struct Likely<'a> {
    /// The class.
    pub class: &'a str,
    /// Its probability.
    pub probability: f32,
}

impl Format {
    /// What comes before all rows of videos of which so many classes are told.
    pub fn heading(self, top: usize) -> String {
        let ranked = (1..=top).flat_map(|rank| [format!("class{rank}"), format!("probability{rank}")]);
        match self {
            Self::Csv => csv_line(["video".to_owned(), "label".to_owned()].into_iter().chain(ranked)),
            Self::Table | Self::Jsonl => String::new(),
        }
    }

    /// What is told of one video, as lines.
    pub fn row(self, row: &Row) -> String {
        match self {
            Self::Csv => {
                let ranked = row.top.iter().flat_map(|likely| [likely.class.to_owned(), fixed(likely.probability)]);
                let of_video = [row.video.to_owned(), row.label.unwrap_or_default().to_owned()];
                csv_line(of_video.into_iter().chain(ranked))
            }
            Self::Jsonl => json_line(row),
            Self::Table => table(row),
        }
    }
}

/// The likeliest classes under the name of the video, or behind the only one.
fn table(row: &Row) -> String {
    let line = |likely: &Likely| format!("  {:5.1} %  {}", 100.0 * likely.probability, likely.class);
    let label = row.label.map_or(String::new(), |label| format!("  (is {label})"));
    match row.top.as_slice() {
        [only] => format!("{}  {}{label}\n", line(only), row.video),
        all => format!("{}{label}\n", row.video) + &all.iter().map(|likely| line(likely) + "\n").collect::<String>(),
    }
}

/// A probability in figures.
pub fn fixed(probability: f32) -> String {
    format!("{probability:.6}")
}

/// A value as a line of JSON.
pub fn json_line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a row is made of JSON's types") + "\n"
}

/// Values as a line of CSV.
pub fn csv_line(values: impl IntoIterator<Item = String>) -> String {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(values).expect("memory takes every row");
    String::from_utf8(writer.into_inner().expect("memory takes every row")).expect("text is written as text")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row<'static> {
        let likely = |class, probability| Likely { class, probability };
        Row { video: "a, \"b\".mp4", label: Some("left"), top: vec![likely("left, up", 0.75), likely("right", 0.25)] }
    }

    #[test]
    fn a_row_is_one_line_that_other_programs_read() {
        assert_eq!(Format::Csv.heading(2), "video,label,class1,probability1,class2,probability2\n");
        assert_eq!(Format::Csv.row(&row()), "\"a, \"\"b\"\".mp4\",left,\"left, up\",0.750000,right,0.250000\n");
        let line = Format::Jsonl.row(&row());
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((line.matches('\n').count(), &read["top"][1]["class"]), (1, &serde_json::json!("right")));
    }

    #[test]
    fn a_table_is_for_reading() {
        assert_eq!(Format::Table.row(&row()), "a, \"b\".mp4  (is left)\n   75.0 %  left, up\n   25.0 %  right\n");
        let first = Row { top: row().top.into_iter().take(1).collect(), label: None, ..row() };
        assert_eq!(Format::Table.row(&first), "   75.0 %  left, up  a, \"b\".mp4\n");
    }
}
