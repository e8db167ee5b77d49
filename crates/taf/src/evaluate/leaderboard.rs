use std::collections::HashSet;
use std::path::Path;

use taf_video::dataset::Manifest;

/// The file of answers that the server of a benchmark takes, one line for each video, as TSM's `test_models.py` writes it. A
/// video is called by the name of its file or folder without ending.
///
/// Something-Something V1 and Jester want `id;name`, of the likeliest class. Something-Something V2 wants `id;n;n;n;n;n`, the
/// numbers of the five likeliest classes, the likeliest first: a class's number is its place among the names of all classes
/// in alphabetical order, from 0, which is the order of the official list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaderboard {
    /// What each video is called.
    ids: Vec<String>,
    /// What is written for each class of the network.
    answers: Vec<String>,
    /// How many classes a line names.
    answers_per_line: usize,
}

/// Why there is no such file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaderboardError {
    /// Nobody takes answers to these videos, or nothing tells which they are.
    #[error(
        "a leaderboard file needs videos of {}, found {}", LABEL_SETS.map(|(name, _)| name).join(", "),
        found.as_deref().unwrap_or("a manifest without label_set")
    )]
    LabelSet {
        /// Which labels the videos have.
        found: Option<String>,
    },
    /// The network answers with a class that the list of the benchmark lacks.
    #[error("expected a class of the manifest, found that the network answers with {class:?}")]
    Class {
        /// The name of the class.
        class: String,
    },
    /// Names are wanted of classes that are numbers.
    #[error("expected classes with names, which the server wants, found numbers; prepare the list with --classes FILE")]
    Unnamed,
    /// Two videos would be one line.
    #[error("expected file names that tell the videos apart, found {id:?} twice")]
    Twice {
        /// The name without its ending.
        id: String,
    },
}

/// How classes are called in a file.
#[derive(Clone, Copy)]
enum Form {
    /// By name, and only the likeliest.
    Name,
    /// By number, the five likeliest.
    Numbers,
}

const LABEL_SETS: [(&str, Form); 3] =
    [("something-something-v1", Form::Name), ("something-something-v2", Form::Numbers), ("jester", Form::Name)];

impl Leaderboard {
    /// A file for these videos, whose classes are those of the network; `all_classes` are those of the data set. All that can
    /// be wrong is found here, before a network is asked.
    ///
    /// # Errors
    /// If no server takes answers to these videos, two videos have one name, or a number is wanted of a class that has none.
    pub fn new(videos: &Manifest, all_classes: &[String]) -> Result<Self, LeaderboardError> {
        let found = videos.label_set();
        let known = LABEL_SETS.into_iter().find(|(name, _)| Some(*name) == found);
        let (_, form) = known.ok_or_else(|| LeaderboardError::LabelSet { found: found.map(str::to_owned) })?;
        let ids: Vec<String> = videos.records().iter().map(|record| stem(&record.path).to_owned()).collect();
        let mut seen = HashSet::new();
        if let Some(twice) = ids.iter().find(|id| !seen.insert(*id)) {
            return Err(LeaderboardError::Twice { id: twice.clone() });
        }
        Ok(match form {
            Form::Name if all_classes.iter().all(|class| is_number(class)) => return Err(LeaderboardError::Unnamed),
            Form::Name => Self { ids, answers: videos.classes().to_vec(), answers_per_line: 1 },
            Form::Numbers => Self { ids, answers: numbers(videos.classes(), all_classes)?, answers_per_line: 5 },
        })
    }

    /// The file; `scores` has a row for each video over the classes of the network. Of equal scores the lower class is likelier.
    pub fn text<'a>(&self, scores: impl IntoIterator<Item = &'a [f32]>) -> String {
        let line = |(id, row): (&String, &[f32])| {
            let likeliest = likeliest(row, self.answers_per_line);
            let answers: Vec<&str> = likeliest.into_iter().map(|class| self.answers[class].as_str()).collect();
            format!("{id};{}\n", answers.join(";"))
        };
        self.ids.iter().zip(scores).map(line).collect()
    }
}

/// The places of `classes` in the alphabetical order of all; of classes that are numbers, those numbers.
fn numbers(classes: &[String], all: &[String]) -> Result<Vec<String>, LeaderboardError> {
    let mut sorted = all.to_vec();
    sorted.sort_unstable();
    let are_numbers = all.iter().all(|class| is_number(class));
    let number = |class: &String| {
        let place = sorted.binary_search(class).map_err(|_| LeaderboardError::Class { class: class.clone() })?;
        Ok(if are_numbers { class.clone() } else { place.to_string() })
    };
    classes.iter().map(number).collect()
}

fn is_number(class: &str) -> bool {
    class.parse::<u64>().is_ok()
}

/// The name of a file or folder without ending.
fn stem(path: &str) -> &str {
    Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or(path)
}

/// At most `count` classes by falling score, of equal scores the lower class first.
pub(crate) fn likeliest(row: &[f32], count: usize) -> Vec<usize> {
    let mut ranked: Vec<usize> = (0..row.len()).collect();
    ranked.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
    ranked.truncate(count);
    ranked
}

#[cfg(test)]
mod tests {
    use taf_video::dataset::Record;

    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn videos(label_set: Option<&str>, paths: &[&str], classes: &[&str]) -> Manifest {
        let video = |path: &&str| Record { path: (*path).into(), split: "test".into(), frames: 9, ..Record::default() };
        let records = paths.iter().map(video).collect();
        let list = Manifest::new(Path::new("/"), names(classes), None, records).unwrap();
        list.with_label_set(label_set.map(str::to_owned)).unwrap()
    }

    const V1: Option<&str> = Some("something-something-v1");
    const V2: Option<&str> = Some("something-something-v2");

    #[test]
    fn the_second_version_wants_the_numbers_of_the_five_likeliest_in_alphabetical_order() {
        // The network's classes in an order of its own; their numbers are 5 2 0 4 1 3.
        let classes = ["Wiping", "Holding", "Approaching", "Turning", "Closing", "Opening"];
        let scores: [&[f32]; 2] = [&[0.0, 5.0, 4.0, 3.0, 2.0, 1.0], &[1.0, 1.0, 1.0, 1.0, 1.0, 9.0]];
        let file = Leaderboard::new(&videos(V2, &["v/78687.webm", "9"], &classes), &names(&classes)).unwrap();
        assert_eq!(file.text(scores), "78687;2;0;4;1;3\n9;3;5;2;0;4\n");
        let few = Leaderboard::new(&videos(V2, &["1"], &["b", "a"]), &names(&["a", "b", "c"])).unwrap();
        assert_eq!(few.text([[0.0, 1.0].as_slice()]), "1;0;1\n");
    }

    #[test]
    fn classes_that_are_numbers_keep_them_and_cannot_be_names() {
        let classes: Vec<String> = (0..=10).map(|class| class.to_string()).collect();
        let classes: Vec<&str> = classes.iter().map(String::as_str).collect();
        let file = Leaderboard::new(&videos(V2, &["1"], &classes), &names(&classes)).unwrap();
        let scores: Vec<f32> = (0..=10).map(|class| class as f32).collect();
        assert_eq!(file.text([scores.as_slice()]), "1;10;9;8;7;6\n");
        let unnamed = Leaderboard::new(&videos(V1, &["1"], &classes), &names(&classes));
        assert_eq!(unnamed.unwrap_err(), LeaderboardError::Unnamed);
    }

    #[test]
    fn the_first_version_wants_the_name_of_the_likeliest() {
        let classes = ["Holding something", "Turning something upside down"];
        let file = Leaderboard::new(&videos(V1, &["frames/100218"], &classes), &names(&classes)).unwrap();
        assert_eq!(file.text([[0.1, 0.2].as_slice()]), "100218;Turning something upside down\n");
    }

    #[test]
    fn labels_without_a_leaderboard_are_refused_with_those_that_have_one() {
        let refused = |label_set| Leaderboard::new(&videos(label_set, &["1"], &["a"]), &names(&["a"])).unwrap_err();
        let error = refused(Some("diving48-v2")).to_string();
        assert!(error.contains("something-something-v1, something-something-v2") && error.ends_with("diving48-v2"));
        assert!(refused(None).to_string().contains("without label_set"));
    }

    #[test]
    fn videos_of_one_name_and_classes_without_number_are_refused() {
        let twice = Leaderboard::new(&videos(V1, &["x/1.webm", "y/1.webm"], &["a"]), &names(&["a"]));
        assert_eq!(twice.unwrap_err(), LeaderboardError::Twice { id: "1".into() });
        let foreign = Leaderboard::new(&videos(V2, &["1"], &["a", "b"]), &names(&["a", "c"]));
        assert_eq!(foreign.unwrap_err(), LeaderboardError::Class { class: "b".into() });
    }
}
