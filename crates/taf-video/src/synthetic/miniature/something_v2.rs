//! Something-Something V2: `20bn-something-something-v2/<id>.webm` and JSON lists, of which there are two generations of
//! names. The classes are those of V1, in the order of the alphabet.

use serde::Serialize;
use serde_json::json;

use super::sample::{List, Sample, Samples, Split, rows};
use super::something_v1;
use super::store::{FileKind, Store};
use super::traits::Traits;
use crate::VideoCodec;

/// What covers, where a class names a second thing.
const SECOND_OBJECT: &str = "paper";

/// A row of the labelled lists.
#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    label: String,
    template: String,
    placeholders: Vec<&'a str>,
}

pub(super) fn traits() -> Traits {
    Traits {
        name: "ssv2",
        clips_folder: "20bn-something-something-v2",
        store: Store::File(FileKind { codec: VideoCodec::Vp9, quality: 36, ending: "webm", frames_per_second: 12.0 }),
        short_side: 240,
        lists,
        ..something_v1::traits()
    }
}

pub(super) fn traits_by_20bn() -> Traits {
    Traits { name: "ssv2-20bn", lists: lists_named_by_20bn, ..traits() }
}

/// `labels/train.json` and so on, with the answers to the test.
fn lists(samples: &Samples) -> Vec<List> {
    let answer = |sample: &Sample| format!("{};{}", sample.id, samples.class(sample));
    let answers = ("labels/test-answers.csv".to_owned(), rows(samples.of(Split::Test).map(answer)));
    lists_named("labels/", samples).into_iter().chain([answers]).collect()
}

/// `something-something-v2-train.json` and so on; nobody knew the answers then.
fn lists_named_by_20bn(samples: &Samples) -> Vec<List> {
    lists_named("something-something-v2-", samples)
}

fn lists_named(prefix: &str, samples: &Samples) -> Vec<List> {
    let list = |name: &str, text| (format!("{prefix}{name}.json"), text);
    let test = samples.of(Split::Test).map(|sample| json!({ "id": sample.id }).to_string());
    vec![
        list("labels", labels(samples)),
        list("train", array(samples.of(Split::Train).map(|sample| row(samples, sample)))),
        list("validation", array(samples.of(Split::Val).map(|sample| row(samples, sample)))),
        list("test", array(test)),
    ]
}

/// The classes with their ids, which are strings.
fn labels(samples: &Samples) -> String {
    let mut classes: Vec<_> = samples.classes().collect();
    classes.sort_unstable();
    let pairs = classes.iter().enumerate().map(|(id, class)| format!(" {}:\"{id}\"", json!(class)));
    format!("{{\n{}\n}}\n", pairs.collect::<Vec<_>>().join(",\n"))
}

fn row(samples: &Samples, sample: &Sample) -> String {
    let class = samples.class(sample);
    let second = class.matches("something").count() > 1;
    let label = class.replacen("something", sample.object, 1).replace("something", SECOND_OBJECT);
    let row = Row {
        id: &sample.id,
        label: label.to_lowercase(),
        template: class.replace("something", "[something]"),
        placeholders: [sample.object].into_iter().chain(second.then_some(SECOND_OBJECT)).collect(),
    };
    serde_json::to_string(&row).expect("strings are always JSON")
}

fn array(rows: impl Iterator<Item = String>) -> String {
    format!("[\n{}\n]\n", rows.collect::<Vec<_>>().join(",\n"))
}
