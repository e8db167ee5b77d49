use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use csv::{ReaderBuilder, StringRecord, Trim};

/// The videos of a list, and their labels where it has some: a CSV file (.tsv with tabs) whose first line names a column `path` and
/// perhaps one `label`, or a text file (.txt) with a path on every line. Paths start from the folder of the list.
pub fn read(path: &Path) -> Result<Vec<(PathBuf, Option<String>)>> {
    let folder = path.parent().unwrap_or(Path::new(""));
    match path.extension().and_then(|ending| ending.to_str()) {
        Some(ending) if ending.eq_ignore_ascii_case("txt") => lines(path, folder),
        Some(ending) if ending.eq_ignore_ascii_case("tsv") => columns(path, folder, b'\t'),
        _ => columns(path, folder, b','),
    }
}

fn lines(path: &Path, folder: &Path) -> Result<Vec<(PathBuf, Option<String>)>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read the list {}", path.display()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| (folder.join(line), None)).collect())
}

fn columns(path: &Path, folder: &Path, delimiter: u8) -> Result<Vec<(PathBuf, Option<String>)>> {
    let cannot = || format!("cannot read the list {}", path.display());
    let mut reader = ReaderBuilder::new().delimiter(delimiter).trim(Trim::All).from_path(path).with_context(cannot)?;
    let header = reader.headers().with_context(cannot)?.clone();
    let place = |name: &str| header.iter().position(|column| column.trim_start_matches('\u{feff}') == name);
    let found = header.iter().collect::<Vec<_>>().join(", ");
    let Some(video) = place("path") else {
        ensure!(false, "expected a column \"path\" in the first line, found the columns {found}: {}", path.display());
        unreachable!("what is not so was refused")
    };
    let label = place("label");
    let entry = |line: csv::Result<StringRecord>| {
        let line = line.with_context(cannot)?;
        let label = label.map(|label| line[label].to_owned()).filter(|label| !label.is_empty());
        Ok((folder.join(&line[video]), label))
    };
    reader.records().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(name: &str, text: &str) -> Result<Vec<(String, Option<String>)>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        let found = read(&path)?.into_iter();
        let name = |path: PathBuf| path.strip_prefix(folder.path()).unwrap_or(&path).display().to_string();
        Ok(found.map(|(path, label)| (name(path), label)).collect())
    }

    #[test]
    fn a_table_names_videos_and_perhaps_labels() {
        let left = Some("moving left".to_owned());
        let found = listed("a.csv", "\u{feff}label,path,other\r\nmoving left,a b.mp4,1\r\n,/c.mp4,2\r\n").unwrap();
        assert_eq!(found, [("a b.mp4".to_owned(), left), ("/c.mp4".to_owned(), None)]);
        assert_eq!(listed("a.TSV", "path\nx,y.mp4\n").unwrap(), [("x,y.mp4".to_owned(), None)]);
        let refused = listed("a.csv", "video,label\na,b\n").unwrap_err().to_string();
        assert!(refused.contains("expected a column \"path\"") && refused.contains("video, label"), "{refused}");
        assert!(listed("a.csv", "path,label\na\n").is_err());
    }

    #[test]
    fn a_text_has_a_path_on_every_line() {
        let found = listed("a.txt", "one.mp4\n\n  sub/two, 2.webm \r\n").unwrap();
        assert_eq!(found.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["one.mp4", "sub/two, 2.webm"]);
    }
}
