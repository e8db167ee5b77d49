use std::collections::HashSet;

use taf_video::Result;
use taf_video::dataset::Manifest;

/// Videos with the labels of a network, and what had to be left out for it.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// The videos whose class the network knows, labelled by its place there; perhaps none.
    pub videos: Manifest,
    /// Classes of other videos, which the network does not know.
    pub unknown_classes: Vec<String>,
    /// How many videos have no label.
    pub unlabelled: usize,
}

impl Labelled {
    /// Of the videos of `list` those whose class is among `classes`; `list` may lack some of them.
    ///
    /// # Errors
    /// If `classes` names a class twice.
    pub fn by(list: &Manifest, classes: &[String]) -> Result<Self> {
        let every = Self::with_unlabelled(list, classes)?;
        let unlabelled = list.records().iter().filter(|record| record.label.is_none()).count();
        Ok(Self { videos: every.videos.labelled(), unlabelled, ..every })
    }

    /// The same with the videos that have no label, which so are not left out.
    ///
    /// # Errors
    /// If `classes` names a class twice.
    pub fn with_unlabelled(list: &Manifest, classes: &[String]) -> Result<Self> {
        let used: HashSet<usize> = list.records().iter().filter_map(|record| record.label).collect();
        let is_unknown = |label: &usize| used.contains(label) && !classes.contains(&list.classes()[*label]);
        let unknown = (0..list.classes().len()).filter(is_unknown);
        Ok(Self {
            videos: list.labelled_by(classes)?,
            unknown_classes: unknown.map(|label| list.classes()[label].clone()).collect(),
            unlabelled: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use taf_video::dataset::Record;

    use super::*;

    fn video(path: &str, label: Option<usize>) -> Record {
        Record { path: path.into(), label, split: "test".into(), frames: 9, ..Record::default() }
    }

    #[test]
    fn videos_get_the_networks_labels_and_those_of_other_classes_or_none_are_left_out() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let records = [("a", Some(0)), ("b", Some(1)), ("c", Some(2)), ("d", Some(0)), ("e", None)];
        let records = records.map(|(path, label)| video(path, label)).to_vec();
        let list = Manifest::new(Path::new("/"), names(&["up", "left", "down", "unused"]), None, records).unwrap();
        let Labelled { videos, unknown_classes, unlabelled } =
            Labelled::by(&list, &names(&["down", "right", "up"])).unwrap();
        let kept: Vec<_> = videos.records().iter().map(|record| (record.path.as_str(), record.label)).collect();
        assert_eq!(kept, [("a", Some(2)), ("c", Some(0)), ("d", Some(2))]);
        assert_eq!((unknown_classes, unlabelled), (names(&["left"]), 1));
        let every = Labelled::with_unlabelled(&list, &names(&["down", "right", "up"])).unwrap();
        let kept: Vec<_> = every.videos.records().iter().map(|record| (record.path.as_str(), record.label)).collect();
        assert_eq!(kept, [("a", Some(2)), ("c", Some(0)), ("d", Some(2)), ("e", None)]);
        assert_eq!(every.unlabelled, 0);
    }
}
