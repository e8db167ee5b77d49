//! Files that PyTorch wrote (parity/make_checkpoints.py), in the layouts of the repositories.

use std::path::PathBuf;

use taf_checkpoint::layout::{Home, Layout, Network, Weight};
use taf_checkpoint::{Allowed, Container, Matched, Mismatch, Tensor, match_weights, read, read_under, to_safetensors};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn tensors(name: &str) -> Vec<Tensor> {
    read(&fixture(name)).unwrap().tensors
}

/// The value that parity/make_golden.py gives element `index` of the parameter of this published name.
fn value(name: &str, shape: &[usize], index: usize) -> f32 {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let mut z = hash.wrapping_add(index as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    let unit = (z >> 40) as f32 / 16_777_216.0;
    let fan_in: usize = shape.iter().skip(1).product();
    let (low, high) = match name.rsplit('.').next().unwrap() {
        "running_var" => (0.5, 1.5),
        "running_mean" | "bias" => (-0.2, 0.2),
        _ if shape.len() == 1 => (0.5, 1.5),
        _ => (-((6.0 / fan_in as f64).sqrt() as f32), (6.0 / fan_in as f64).sqrt() as f32),
    };
    low + (high - low) * unit
}

/// The network that has the weights of a fixture, and shifts where the file says so.
fn network(name: &str) -> Network {
    let tensors = tensors(name);
    let layout = Layout::detect(tensors.iter().map(|tensor| tensor.name.as_str())).unwrap();
    let weight = |tensor: &Tensor| {
        let key = layout.read(&tensor.name).unwrap();
        let name = Home::TSN.name(&key.part).unwrap();
        let classifier = name.starts_with("new_fc.");
        let shifted = key.shifted == Some(true);
        Weight { name, part: key.part, shape: tensor.shape.clone(), classifier, shifted }
    };
    Network::new(tensors.iter().map(weight).collect())
}

/// `network` with one property of its weights changed.
fn with(network: &Network, change: impl Fn(&mut Weight)) -> Network {
    let mut weights = network.weights().to_vec();
    weights.iter_mut().for_each(change);
    Network::new(weights)
}

/// The weights of a fixture by their published names, with the network that has all of them.
fn published(name: &str) -> (Network, Matched) {
    let network = network(name);
    let matched = match_weights(tensors(name), &network, Allowed::default()).unwrap();
    (network, matched)
}

/// Rounding to a half-precision number, relatively.
const HALF: f32 = 1.0 / 2048.0;

#[test]
fn every_container_holds_the_weights_and_nothing_else() {
    for (name, container, home) in [
        ("tsm.pth.tar", Container::Zip, Some("state_dict")),
        ("tam-legacy.pth.tar", Container::Legacy, Some("state_dict")),
        ("gst-legacy.pth.tar", Container::Legacy, Some("state_dict")),
        ("resnet.pth", Container::Zip, None),
        ("mmaction2-half-legacy.pth", Container::Legacy, Some("state_dict")),
    ] {
        // The optimiser's state beside the weights is full of NaN; reading it would fail.
        let contents = read(&fixture(name)).unwrap();
        assert_eq!((contents.container, contents.home.as_deref()), (container, home), "{name}");
        assert!(contents.ignored.is_empty(), "{name}: {:?}", contents.ignored);
        assert!(
            contents
                .tensors
                .iter()
                .all(|tensor| !tensor.name.contains("num_batches") && !tensor.name.starts_with("module"))
        );
    }
}

#[test]
fn every_value_is_the_one_pytorch_wrote() {
    for (name, layout, tolerance) in [
        ("tsm.pth.tar", Layout::Tsm, 0.0),
        ("tam-legacy.pth.tar", Layout::Tam, 0.0),
        ("gst-legacy.pth.tar", Layout::Gst, 0.0),
        ("mmaction2-half-legacy.pth", Layout::Mmaction2, HALF),
    ] {
        let (network, matched) = published(name);
        assert_eq!((matched.layout, matched.tensors.len()), (layout, network.weights().len()), "{name}");
        assert!(matched.fresh.is_empty() && matched.left.is_empty() && matched.reshaped.is_empty(), "{name}");
        for Tensor { name, shape, values } in &matched.tensors {
            for (index, &found) in values.iter().enumerate() {
                let expected = value(name, shape, index);
                assert!(
                    (found - expected).abs() <= tolerance * expected.abs().max(1e-3),
                    "{name}[{index}]: {found} {expected}"
                );
            }
        }
    }
}

#[test]
fn what_was_imported_is_exported_with_the_same_keys_and_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["tsm.pth.tar", "tam-legacy.pth.tar", "gst-legacy.pth.tar"] {
        let (network, matched) = published(name);
        let key = |name: &str| matched.layout.key(&Home::TSN.part(name).unwrap(), &network).unwrap();
        let exported: Vec<Tensor> =
            matched.tensors.iter().map(|tensor| Tensor { name: key(&tensor.name), ..tensor.clone() }).collect();
        let path = folder.path().join("weights.safetensors");
        std::fs::write(&path, to_safetensors(&exported, &["base_model.bn1.num_batches_tracked".into()])).unwrap();
        let sorted = |mut tensors: Vec<Tensor>| {
            tensors.sort_by(|a, b| a.name.cmp(&b.name));
            tensors
        };
        let again = read(&path).unwrap();
        assert_eq!(again.container, Container::Safetensors);
        let bits = |tensors: &[Tensor]| tensors.iter().flat_map(|t| &t.values).map(|v| v.to_bits()).collect::<Vec<_>>();
        let (again, original) = (sorted(again.tensors), sorted(tensors(name)));
        assert_eq!(bits(&again), bits(&original), "{name}");
        assert_eq!(again, original, "{name}");
    }
}

#[test]
fn an_image_network_starts_gst_with_a_time_axis_and_cut_channels() {
    let matched = match_weights(tensors("resnet.pth"), &network("gst-legacy.pth.tar"), Allowed::default()).unwrap();
    let find = |name: &str| matched.tensors.iter().find(|tensor| tensor.name == name).unwrap();
    assert_eq!(find("base_model.conv1.weight").shape, [8, 3, 1, 7, 7]);
    // alpha 4 keeps three quarters of what it makes, beta 2 half of what it sees.
    let cut = find("base_model.layer1.0.conv2.weight");
    assert_eq!(cut.shape, [6, 4, 1, 3, 3]);
    let whole = tensors("resnet.pth").into_iter().find(|tensor| tensor.name == "layer1.0.conv2.weight").unwrap();
    assert_eq!(cut.values[..36], whole.values[..36]);
    assert_eq!(cut.values[36..72], whole.values[72..108]);
    assert_eq!(matched.fresh, ["base_model.layer1.0.Tconv.weight", "new_fc.weight", "new_fc.bias"]);
    assert_eq!(matched.left, ["fc.weight", "fc.bias"]);
    assert_eq!(matched.reshaped.iter().filter(|reshaped| reshaped.sliced).count(), 1);
}

#[test]
fn an_image_network_starts_tsm_and_tam() {
    for (name, fresh) in [("tsm.pth.tar", 2), ("tam-legacy.pth.tar", 14)] {
        let matched = match_weights(tensors("resnet.pth"), &network(name), Allowed::default()).unwrap();
        assert_eq!((matched.fresh.len(), matched.left.len()), (fresh, 2), "{name}: {:?}", matched.fresh);
        assert!(matched.fresh.iter().all(|name| name.contains(".tam.") || name.starts_with("new_fc")));
    }
}

#[test]
fn a_file_that_does_not_hold_the_whole_network_is_refused() {
    let (tam, tsm) = (network("tam-legacy.pth.tar"), network("tsm.pth.tar"));
    let tsn = with(&tsm, |weight| weight.shifted = false);
    let shifted_tam =
        with(&tam, |weight| weight.shifted = tsm.weight(&weight.part).is_some_and(|weight| weight.shifted));
    let tried = |file: &str, network: &Network, allowed| match_weights(tensors(file), network, allowed);
    // The shapes of TSN and TSM are the same; only the keys tell that one shifts.
    let shift = tried("tsm.pth.tar", &tsn, Allowed::default()).unwrap_err().to_string();
    assert!(shift.contains("expected no temporal shift in front of base_model.layer1.0.conv1.net.weight"), "{shift}");
    let left = tried("tam-legacy.pth.tar", &tsn, Allowed::default()).unwrap_err();
    assert!(matches!(&left, Mismatch::Parts { missing, left } if missing.is_empty() && left.len() == 12), "{left}");
    let missing = tried("tsm.pth.tar", &shifted_tam, Allowed::default()).unwrap_err();
    assert!(matches!(&missing, Mismatch::Parts { missing, .. } if missing.len() == 12), "{missing}");
    assert!(missing.to_string().contains("--partial"), "{missing}");
    let partial = Allowed { partial: true, ..Allowed::default() };
    assert_eq!(tried("tsm.pth.tar", &shifted_tam, partial).unwrap().fresh.len(), 12);
    // Batch norms of an image network may not be missing either.
    let mut cut = tensors("resnet.pth");
    cut.retain(|tensor| !tensor.name.ends_with("running_var"));
    assert!(matches!(match_weights(cut, &tsm, Allowed::default()), Err(Mismatch::Parts { .. })));
}

#[test]
fn a_classifier_of_other_classes_is_replaced_only_when_asked() {
    let seven = with(&network("tsm.pth.tar"), |weight| {
        if weight.classifier {
            weight.shape[0] = 7;
        }
    });
    let refused = match_weights(tensors("tsm.pth.tar"), &seven, Allowed::default()).unwrap_err();
    assert!(matches!(refused, Mismatch::Classes { expected: 7, found: 5, .. }), "{refused}");
    let allowed = Allowed { new_classifier: true, ..Allowed::default() };
    let matched = match_weights(tensors("tsm.pth.tar"), &seven, allowed).unwrap();
    assert_eq!(
        (matched.fresh, matched.left),
        (vec!["new_fc.weight".into(), "new_fc.bias".into()], vec!["new_fc.weight".into(), "new_fc.bias".to_string()])
    );
}

/// Something-Something V1 and V2 have as many classes, and are not of the same.
#[test]
fn a_new_classifier_is_fresh_though_the_file_has_as_many_classes() {
    for name in ["tsm.pth.tar", "mmaction2-half-legacy.pth"] {
        let (network, whole) = published(name);
        let allowed = Allowed { new_classifier: true, ..Allowed::default() };
        let matched = match_weights(tensors(name), &network, allowed).unwrap();
        assert_eq!(matched.fresh, ["new_fc.weight", "new_fc.bias"], "{name}");
        assert_eq!((matched.left.len(), matched.tensors.len()), (2, whole.tensors.len() - 2), "{name}");
        assert!(matched.tensors.iter().all(|tensor| !tensor.name.starts_with("new_fc.")), "{name}");
    }
}

#[test]
fn shapes_that_differ_are_named() {
    let longer = with(&network("tam-legacy.pth.tar"), |weight| {
        if weight.name.contains("tam.G.0.weight") {
            weight.shape = vec![32, 16];
        }
    });
    let refused = match_weights(tensors("tam-legacy.pth.tar"), &longer, Allowed::default()).unwrap_err().to_string();
    assert!(refused.contains("[32, 16]") && refused.contains("[16, 8]") && refused.contains("--frames"), "{refused}");
}

#[test]
fn files_of_unknown_keys_and_of_twins_are_refused() {
    let tensor = |name: &str| Tensor { name: name.into(), shape: vec![1], values: vec![1.0] };
    let unknown =
        match_weights(vec![tensor("s1.pathway0_stem.conv.weight")], &Network::new(Vec::new()), Allowed::default())
            .unwrap_err();
    assert!(unknown.to_string().contains("s1.pathway0_stem"), "{unknown}");
    let twins = vec![tensor("base_model.layer1.0.conv1.net.weight"), tensor("base_model.layer1.0.conv1.weight")];
    let partial = Allowed { partial: true, ..Allowed::default() };
    let small = with(&network("tsm.pth.tar"), |weight| weight.shape = vec![1]);
    let refused = match_weights(twins, &small, partial).unwrap_err();
    assert!(matches!(refused, Mismatch::Twice { .. }), "{refused}");
}

#[test]
fn of_a_network_and_its_average_the_one_that_is_named_is_read() {
    let network = tensors("tsm.pth.tar");
    let wrapped = |front: &'static str| {
        let renamed = move |tensor: &Tensor| Tensor { name: format!("{front}{}", tensor.name), ..tensor.clone() };
        network.iter().map(renamed)
    };
    let average = |tensor: Tensor| Tensor { values: vec![0.5; tensor.values.len()], ..tensor };
    let both: Vec<Tensor> = wrapped("model.").chain(wrapped("ema.module.").map(average)).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("both.safetensors");
    std::fs::write(&path, to_safetensors(&both, &["n_averaged".into()])).unwrap();
    let refused = read(&path).unwrap_err().to_string();
    assert!(refused.contains("--under: ") && refused.contains("ema.module") && refused.contains("model"), "{refused}");
    let averaged = read_under(&path, Some("ema.module")).unwrap();
    assert!(averaged.tensors.iter().all(|tensor| tensor.values.iter().all(|&value| value == 0.5)));
    assert_eq!((averaged.tensors.len(), averaged.wrappers), (network.len(), vec!["ema.module.".to_owned()]));
    assert_eq!(averaged.ignored, ["model (another network)"]);
}
