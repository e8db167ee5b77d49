use super::*;

/// Keys as the repositories write them, and the published names they stand for.
const EXAMPLES: [(Layout, Home, &str, &str); 26] = [
    (
        Layout::Torchvision,
        Home::TSN,
        "layer1.0.downsample.1.running_var",
        "base_model.layer1.0.downsample.1.running_var",
    ),
    (Layout::Torchvision, Home::TSN, "conv1.weight", "base_model.conv1.weight"),
    (Layout::Torchvision, Home::TPN, "bn1.bias", "backbone.bn1.bias"),
    (Layout::Torchvision, Home::TSN, "fc.bias", "new_fc.bias"),
    (Layout::Tsm, Home::TSN, "base_model.layer2.3.conv1.net.weight", "base_model.layer2.3.conv1.weight"),
    (Layout::Tsm, Home::TSN, "base_model.layer2.3.conv2.weight", "base_model.layer2.3.conv2.weight"),
    (Layout::Tsm, Home::TSN, "new_fc.weight", "new_fc.weight"),
    (Layout::Gst, Home::TSN, "base_model.layer1.0.Tconv.weight", "base_model.layer1.0.Tconv.weight"),
    (Layout::Tpn, Home::TPN, "necks.level_fusion_op.ops.0.norm.bias", "necks.level_fusion_op.ops.0.norm.bias"),
    (Layout::Tpn, Home::TPN, "cls_head.fc_cls.weight", "cls_head.fc_cls.weight"),
    (Layout::Mmaction2, Home::TSN, "backbone.conv1.conv.weight", "base_model.conv1.weight"),
    (Layout::Mmaction2, Home::TSN, "backbone.conv1.bn.weight", "base_model.bn1.weight"),
    (Layout::Mmaction2, Home::TSN, "backbone.layer1.0.conv1.conv.net.weight", "base_model.layer1.0.conv1.weight"),
    (Layout::Mmaction2, Home::TSN, "backbone.layer1.0.conv3.bn.running_mean", "base_model.layer1.0.bn3.running_mean"),
    (
        Layout::Mmaction2,
        Home::TSN,
        "backbone.layer1.0.downsample.conv.weight",
        "base_model.layer1.0.downsample.0.weight",
    ),
    (Layout::Mmaction2, Home::TSN, "cls_head.fc_cls.bias", "new_fc.bias"),
    (
        Layout::Mmaction2,
        Home::TPN,
        "neck.temporal_modulation_ops.1.conv.conv.weight",
        "necks.temporal_modulation_ops.1.conv.weight",
    ),
    (Layout::Mmaction2, Home::TPN, "neck.downsample_ops.0.conv.conv.weight", "necks.downsampling_ops.0.conv.weight"),
    (
        Layout::Mmaction2,
        Home::TPN,
        "neck.level_fusion_1.downsamples.0.conv.bn.weight",
        "necks.level_fusion_op2.ops.0.norm.weight",
    ),
    (
        Layout::Mmaction2,
        Home::TPN,
        "neck.level_fusion_2.downsamples.1.conv.conv.weight",
        "necks.level_fusion_op.ops.1.conv.weight",
    ),
    (
        Layout::Mmaction2,
        Home::TPN,
        "neck.level_fusion_2.fusion_conv.bn.bias",
        "necks.level_fusion_op.fusion_conv.1.bias",
    ),
    (Layout::Mmaction2, Home::TPN, "neck.pyramid_fusion.conv.weight", "necks.pyramid_fusion_op.0.weight"),
    (Layout::Mmaction2, Home::TPN, "neck.aux_head.conv.bn.weight", "necks.aux_head.convs.bn.weight"),
    (Layout::Mmaction2, Home::TPN, "neck.aux_head.fc.bias", "necks.aux_head.fc.bias"),
    (
        Layout::Mmaction2,
        Home::TPN,
        "neck.spatial_modulation.spatial_modulation.0.0.conv.weight",
        "necks.spatial_modulation.spatial_modulation.0.0.conv.weight",
    ),
    (Layout::Mmaction2, Home::TPN, "backbone.layer4.2.conv1.conv.net.weight", "backbone.layer4.2.conv1.weight"),
];

/// A network of these weights, each by its published name and whether a shift goes in front of it.
fn network(home: Home, weights: &[(&str, bool)]) -> Network {
    let weight = |&(name, shifted): &(&str, bool)| {
        let part = home.part(name).expect("a published name");
        Weight { name: name.to_owned(), part, shape: vec![1], classifier: false, shifted }
    };
    Network::new(weights.iter().map(weight).collect())
}

#[track_caller]
fn same_both_ways(layout: Layout, home: Home, key: &str, name: &str, network: &Network) {
    let read = layout.read(key).unwrap_or_else(|| panic!("{key} is no key of {layout}"));
    assert_eq!(home.name(&read.part).as_deref(), Some(name));
    assert_eq!(layout.key(&home.part(name).unwrap(), network).as_deref(), Some(key));
}

#[test]
fn keys_become_published_names_and_back() {
    for (layout, home, key, name) in EXAMPLES {
        let network = network(home, &[(name, key.contains(".net."))]);
        same_both_ways(layout, home, key, name, &network);
    }
}

#[test]
fn tam_blocks_are_wrapped_in_their_repository_and_in_mmaction2() {
    let adaptive = network(Home::TSN, &[("base_model.layer1.0.tam.G.0.weight", false)]);
    for (layout, key, name) in [
        (Layout::Tam, "base_model.layer1.0.net.conv1.weight", "base_model.layer1.0.conv1.weight"),
        (Layout::Tam, "base_model.layer1.0.tam.G.1.running_mean", "base_model.layer1.0.tam.G.1.running_mean"),
        (Layout::Tam, "base_model.conv1.weight", "base_model.conv1.weight"),
        (Layout::Mmaction2, "backbone.layer1.0.block.conv1.conv.weight", "base_model.layer1.0.conv1.weight"),
        (Layout::Mmaction2, "backbone.layer1.0.block.downsample.bn.bias", "base_model.layer1.0.downsample.1.bias"),
        (Layout::Mmaction2, "backbone.layer1.0.tam.L.3.weight", "base_model.layer1.0.tam.L.3.weight"),
        (Layout::Mmaction2, "backbone.conv1.bn.bias", "base_model.bn1.bias"),
    ] {
        same_both_ways(layout, Home::TSN, key, name, &adaptive);
    }
}

#[test]
fn mobilenet_is_counted_differently_by_torchvision_and_tsm() {
    let shifted = "base_model.features.3.conv.0.0.weight";
    let mobile = network(Home::TSN, &[("base_model.features.0.0.weight", false), (shifted, true)]);
    for (torchvision, tsm) in [
        ("features.0.0.weight", "features.0.0.weight"),
        ("features.1.conv.0.0.weight", "features.1.conv.0.weight"),
        ("features.1.conv.0.1.bias", "features.1.conv.1.bias"),
        ("features.1.conv.1.weight", "features.1.conv.3.weight"),
        ("features.1.conv.2.running_var", "features.1.conv.4.running_var"),
        ("features.2.conv.0.0.weight", "features.2.conv.0.weight"),
        ("features.3.conv.0.0.weight", "features.3.conv.0.net.weight"),
        ("features.4.conv.0.0.weight", "features.4.conv.0.weight"),
        ("features.2.conv.1.1.weight", "features.2.conv.4.weight"),
        ("features.2.conv.2.weight", "features.2.conv.6.weight"),
        ("features.2.conv.3.bias", "features.2.conv.7.bias"),
        ("features.18.1.running_mean", "features.18.1.running_mean"),
    ] {
        let published = format!("base_model.{torchvision}");
        same_both_ways(Layout::Torchvision, Home::TSN, torchvision, &published, &mobile);
        same_both_ways(Layout::Tsm, Home::TSN, &format!("base_model.{tsm}"), &published, &mobile);
    }
    same_both_ways(Layout::Torchvision, Home::TSN, "classifier.1.weight", "new_fc.weight", &mobile);
}

#[test]
fn layouts_are_told_apart_by_their_keys() {
    let detect = |keys: &[&str]| Layout::detect(keys.iter().copied());
    assert_eq!(detect(&["conv1.weight", "layer1.0.conv1.weight"]), Some(Layout::Torchvision));
    assert_eq!(detect(&["features.0.0.weight"]), Some(Layout::Torchvision));
    assert_eq!(Layout::Tsm.read("base_model.features.2.conv.1.weight.of.nothing"), None);
    assert_eq!(detect(&["base_model.conv1.weight", "base_model.layer1.0.conv1.net.weight"]), Some(Layout::Tsm));
    assert_eq!(detect(&["base_model.conv1.weight", "base_model.layer1.0.tam.G.0.weight"]), Some(Layout::Tam));
    assert_eq!(detect(&["base_model.conv1.weight", "base_model.layer1.0.Tconv.weight"]), Some(Layout::Gst));
    assert_eq!(detect(&["base_model.conv1.weight", "base_model.layer1.0.me.conv1.weight"]), Some(Layout::Tea));
    assert_eq!(detect(&["backbone.conv1.weight", "necks.pyramid_fusion_op.0.weight"]), Some(Layout::Tpn));
    assert_eq!(detect(&["data_preprocessor.mean", "backbone.conv1.conv.weight"]), Some(Layout::Mmaction2));
    assert_eq!(detect(&["model.trunk.stem.conv.weight", "s1.pathway0_stem.conv.weight"]), None);
}

#[test]
fn a_layout_holds_the_networks_of_its_repository() {
    let held = |network: &Network| {
        Layout::ALL.into_iter().filter(|layout| layout.holds(network)).map(Layout::name).collect::<Vec<_>>().join(" ")
    };
    for (home, weight, shifted, layouts) in [
        (Home::TSN, "base_model.layer1.0.conv1.weight", true, "torchvision tsm mmaction2"),
        (Home::TSN, "base_model.layer1.0.tam.G.0.weight", false, "tam mmaction2"),
        (Home::TSN, "base_model.layer1.0.Tconv.weight", false, "gst"),
        (Home::TSN, "base_model.layer1.0.me.conv1.weight", false, "tea"),
        (Home::TSN, "base_model.features.3.conv.0.0.weight", true, "torchvision tsm"),
        (Home::TPN, "backbone.layer1.0.downsample.0.weight", false, "mmaction2"),
        (Home::TPN, "backbone.layer1.0.downsample.0.weight", true, "tpn"),
    ] {
        let neck = (home == Home::TPN).then_some(("necks.pyramid_fusion_op.0.weight", false));
        let weights: Vec<(&str, bool)> = std::iter::once((weight, shifted)).chain(neck).collect();
        assert_eq!(held(&network(home, &weights)), layouts, "{weight}");
    }
}

#[test]
fn a_network_is_exported_in_the_layout_of_its_repository_unless_told_otherwise() {
    for (home, weight, layout) in [
        (Home::TSN, "base_model.layer1.0.conv1.weight", Layout::Tsm),
        (Home::TSN, "base_model.layer1.0.tam.G.0.weight", Layout::Tam),
        (Home::TSN, "base_model.layer1.0.Tconv.weight", Layout::Gst),
        (Home::TSN, "base_model.layer1.0.me.conv1.weight", Layout::Tea),
        (Home::TPN, "necks.pyramid_fusion_op.0.weight", Layout::Mmaction2),
    ] {
        assert_eq!(Layout::own(&network(home, &[(weight, false)])), layout, "{weight}");
    }
}

#[test]
fn what_is_of_no_layout_is_no_part() {
    assert_eq!(Layout::Torchvision.read("layer5.0.conv1.weight"), None);
    assert_eq!(Layout::Mmaction2.read("backbone.layer1.0.bn1.weight"), None);
    assert_eq!(Layout::Tsm.key(&Part::Neck("pyramid_fusion_op.0.weight".into()), &network(Home::TSN, &[])), None);
}

#[test]
fn layouts_have_names() {
    for layout in Layout::ALL {
        assert_eq!(layout.name().parse(), Ok(layout));
    }
    assert!("caffe".parse::<Layout>().unwrap_err().contains("mmaction2"));
}
