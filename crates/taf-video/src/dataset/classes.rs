//! The names of classes: which lists of them are sound, and in which order they get their label ids.

use std::collections::HashSet;

/// What is wrong with a list of class names, as (expected, found).
pub(super) fn class_fault(classes: &[String]) -> Option<(&'static str, String)> {
    if classes.is_empty() {
        return Some(("at least one class", "no classes".into()));
    }
    let mut seen = HashSet::new();
    classes.iter().find_map(|class| {
        if class.trim().is_empty() {
            Some(("class names that are not empty", format!("{class:?}")))
        } else if !seen.insert(class) {
            Some(("every class once", format!("{class:?} twice")))
        } else {
            None
        }
    })
}

/// The distinct names in the order of their label ids: that of their values if all are whole numbers, so that class 10
/// does not come before class 2; otherwise that of the alphabet, which published label lists rest on.
pub(super) fn in_label_order(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    let number = |name: &String| name.parse::<u64>().ok();
    if names.iter().all(|name| number(name).is_some()) {
        // The sort is stable: "01" and "1" stay in the order of the alphabet.
        names.sort_by_key(number);
    }
    names
}

/// The names, or the first few of many.
pub(super) fn shortened<S: AsRef<str>>(names: &[S]) -> String {
    const SHOWN: usize = 8;
    let list = names.iter().take(SHOWN).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{list}, ... {} in all", names.len()) } else { list }
}
