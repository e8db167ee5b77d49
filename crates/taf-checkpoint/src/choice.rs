//! Which of the networks in a file is meant: training programs keep averaged copies, teachers and students side by side.

use crate::error::{Fault, Result};
use crate::wrappers::{prefixes, without_stand_ins};

/// The keys of weights that lie together in a file, without stand-ins.
pub(crate) struct Dictionary {
    /// Where it lies; none where it is the whole file.
    home: Option<String>,
    keys: Vec<String>,
}

impl Dictionary {
    pub(crate) fn new<'a>(home: Option<String>, keys: impl Iterator<Item = &'a str>) -> Self {
        Self { home, keys: keys.map(without_stand_ins).collect() }
    }
}

/// The network that is meant.
#[derive(Debug, PartialEq)]
pub(crate) struct Choice {
    /// The place of its dictionary among all.
    pub(crate) dictionary: usize,
    /// What is in front of its keys.
    pub(crate) prefix: String,
    /// What is in front of the keys of other networks in the same dictionary.
    others: Vec<String>,
    /// The other networks of the file, in words.
    pub(crate) left: Vec<String>,
}

impl Choice {
    /// Whether a key without stand-ins is no other network's.
    pub(crate) fn takes(&self, key: &str) -> bool {
        let inside = |prefix: &&String| key.starts_with(prefix.as_str());
        let deepest = self.others.iter().filter(inside).map(String::len).max();
        deepest.is_none_or(|deepest| key.starts_with(&self.prefix) && self.prefix.len() > deepest)
    }
}

/// Where one network of a known layout lies.
struct Place {
    dictionary: usize,
    prefix: String,
    /// What it is called where one of several is to be named.
    name: String,
}

/// The only network of a known layout, or the one `under` which is named; of a file without any, all of its first
/// dictionary.
pub(crate) fn choose(dictionaries: &[Dictionary], under: Option<&str>) -> Result<Choice> {
    let places = places(dictionaries);
    let names = || places.iter().map(|place| place.name.clone()).collect::<Vec<_>>();
    let chosen = match (under, places.as_slice()) {
        (None, []) => return Ok(Choice { dictionary: 0, prefix: String::new(), others: Vec::new(), left: Vec::new() }),
        (None, [only]) => only,
        (None, _) => return Err(Fault::Several { names: names() }),
        (Some(name), _) => {
            let named = name.strip_suffix('.').filter(|rest| !rest.is_empty()).unwrap_or(name);
            let found = places.iter().find(|place| place.name == named);
            found.ok_or_else(|| Fault::NoneUnder { name: name.to_owned(), names: names() })?
        }
    };
    let beside = || places.iter().filter(|place| place.name != chosen.name);
    let same = |place: &&Place| place.dictionary == chosen.dictionary;
    Ok(Choice {
        dictionary: chosen.dictionary,
        prefix: chosen.prefix.clone(),
        others: beside().filter(same).map(|place| place.prefix.clone()).collect(),
        left: beside().map(|place| format!("{} (another network)", place.name)).collect(),
    })
}

fn places(dictionaries: &[Dictionary]) -> Vec<Place> {
    let place = |(dictionary, Dictionary { home, keys }): (usize, &Dictionary)| {
        let home = home.as_deref().filter(|_| dictionaries.len() > 1);
        let named = move |prefix: String| Place { dictionary, name: name(home, &prefix), prefix };
        prefixes(keys).into_iter().map(named).collect::<Vec<_>>()
    };
    dictionaries.iter().enumerate().flat_map(place).collect()
}

/// `state_dict.ema`; a dot for what lies in nothing.
fn name(home: Option<&str>, prefix: &str) -> String {
    let parts: Vec<&str> = home.into_iter().chain(prefix.strip_suffix('.')).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join(".") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: &str = "layer1.0.conv1.weight";

    fn dictionary(home: Option<&str>, keys: &[&str]) -> Dictionary {
        Dictionary::new(home.map(str::to_owned), keys.iter().copied())
    }

    #[test]
    fn one_network_needs_no_choice_and_may_be_named() {
        let file = [dictionary(Some("state_dict"), &["model.layer1.0.conv1.weight", "loss.weight"])];
        let only = choose(&file, None).unwrap();
        assert_eq!((only.dictionary, only.prefix.as_str(), only.left.len()), (0, "model.", 0));
        assert!(only.takes("loss.weight"), "what lies beside it is told by whoever matches the weights");
        assert_eq!(choose(&file, Some("model.")).unwrap(), only);
    }

    #[test]
    fn of_several_networks_one_must_be_named() {
        let file = [
            dictionary(Some("state_dict"), &[TOP, "ema.layer1.0.conv1.weight", "ema.fc.bias", "fc.bias"]),
            dictionary(Some("state_dict_ema"), &[TOP]),
        ];
        let refused = choose(&file, None).unwrap_err().to_string();
        assert!(refused.contains("state_dict, state_dict.ema, state_dict_ema"), "{refused}");
        let top = choose(&file, Some("state_dict")).unwrap();
        assert_eq!((top.dictionary, top.prefix.as_str()), (0, ""));
        assert_eq!(top.left, ["state_dict.ema (another network)", "state_dict_ema (another network)"]);
        assert_eq!([TOP, "ema.fc.bias", "fc.bias"].map(|key| top.takes(key)), [true, false, true]);
        let ema = choose(&file, Some("state_dict.ema")).unwrap();
        assert_eq!(["ema.layer1.0.conv1.weight", "fc.bias"].map(|key| ema.takes(key)), [true, false]);
        let unknown = choose(&file, Some("teacher")).unwrap_err().to_string();
        assert!(unknown.contains("teacher") && unknown.contains("state_dict_ema"), "{unknown}");
    }

    #[test]
    fn a_network_that_lies_in_nothing_is_called_a_dot() {
        let file = [dictionary(None, &[TOP, "ema.layer1.0.conv1.weight"])];
        assert_eq!(choose(&file, Some(".")).unwrap().prefix, "");
        assert!(choose(&file, Some("")).is_err());
    }
}
