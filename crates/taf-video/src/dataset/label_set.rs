/// Sets of labels that are published, and how many classes they have.
const PUBLISHED: [(&str, usize); 5] = [
    ("something-something-v1", 174),
    ("something-something-v2", 174),
    ("diving48-v1", 48),
    ("diving48-v2", 48),
    ("jester", 27),
];

/// What is wrong with so many classes of a set of labels, as (expected, found). A list of far fewer is a chosen part or a
/// miniature; one that lacks some of them was meant to be whole.
pub(super) fn class_count_fault(label_set: &str, classes: usize) -> Option<(String, String)> {
    let (_, whole) = PUBLISHED.into_iter().find(|(name, _)| *name == label_set)?;
    let meant_whole = classes != whole && 10 * classes > 9 * whole;
    meant_whole.then(|| (format!("the {whole} classes of {label_set}"), classes.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_set_of_labels_and_a_small_part_are_right_and_all_but_one_are_not() {
        for (classes, is_wrong) in [(174, false), (12, false), (100, false), (173, true), (160, true), (175, true)] {
            let fault = class_count_fault("something-something-v2", classes);
            assert_eq!(fault.is_some(), is_wrong, "{classes}");
        }
        let (expected, found) = class_count_fault("diving48-v2", 47).unwrap();
        assert_eq!((expected.as_str(), found.as_str()), ("the 48 classes of diving48-v2", "47"));
        assert_eq!(class_count_fault("my-own", 3), None);
    }
}
