use std::collections::HashSet;

use taf_video::Result;
use taf_video::dataset::{Manifest, Record};

/// The videos of `list` whose class is among `classes`, labelled by its place in `classes`; and those classes of the
/// videos of `list` that are not among them. `list` may lack some of `classes`, or have no video left.
///
/// # Errors
/// If `classes` names a class twice.
pub fn labelled_by(list: &Manifest, classes: &[String]) -> Result<(Manifest, Vec<String>)> {
    let place = |name: &String| classes.iter().position(|class| class == name);
    let labels: Vec<Option<usize>> = list.classes().iter().map(place).collect();
    let kept = |record: &Record| Some(Record { label: labels[record.label]?, ..record.clone() });
    let records = list.records().iter().filter_map(kept).collect();
    let used: HashSet<usize> = list.records().iter().map(|record| record.label).collect();
    let unknown = (0..labels.len()).filter(|label| labels[*label].is_none() && used.contains(label));
    let unknown = unknown.map(|label| list.classes()[label].clone()).collect();
    Ok((Manifest::new(list.folder(), classes.to_vec(), list.frame_names().cloned(), records)?, unknown))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn video(path: &str, label: usize) -> Record {
        Record { path: path.into(), label, split: "test".into(), frames: 9, ..Record::default() }
    }

    #[test]
    fn videos_get_the_networks_labels_and_those_of_other_classes_are_left_out() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let records = vec![video("a", 0), video("b", 1), video("c", 2), video("d", 0)];
        let list = Manifest::new(Path::new("/"), names(&["up", "left", "down", "unused"]), None, records).unwrap();
        let (kept, unknown) = labelled_by(&list, &names(&["down", "right", "up"])).unwrap();
        let kept: Vec<_> = kept.records().iter().map(|record| (record.path.as_str(), record.label)).collect();
        assert_eq!(kept, [("a", 2), ("c", 0), ("d", 2)]);
        assert_eq!(unknown, ["left"]);
    }
}
