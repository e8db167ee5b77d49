use super::*;

/// Keys as the repositories write them, and the published names they stand for.
const EXAMPLES: [(Layout, Published, &str, &str); 26] = [
    (
        Layout::Torchvision,
        Published::Recognizer,
        "layer1.0.downsample.1.running_var",
        "base_model.layer1.0.downsample.1.running_var",
    ),
    (Layout::Torchvision, Published::Recognizer, "conv1.weight", "base_model.conv1.weight"),
    (Layout::Torchvision, Published::Tpn, "bn1.bias", "backbone.bn1.bias"),
    (Layout::Torchvision, Published::Recognizer, "fc.bias", "new_fc.bias"),
    (Layout::Tsm, Published::Recognizer, "base_model.layer2.3.conv1.net.weight", "base_model.layer2.3.conv1.weight"),
    (Layout::Tsm, Published::Recognizer, "base_model.layer2.3.conv2.weight", "base_model.layer2.3.conv2.weight"),
    (Layout::Tsm, Published::Recognizer, "new_fc.weight", "new_fc.weight"),
    (Layout::Gst, Published::Recognizer, "base_model.layer1.0.Tconv.weight", "base_model.layer1.0.Tconv.weight"),
    (Layout::Tpn, Published::Tpn, "necks.level_fusion_op.ops.0.norm.bias", "necks.level_fusion_op.ops.0.norm.bias"),
    (Layout::Tpn, Published::Tpn, "cls_head.fc_cls.weight", "cls_head.fc_cls.weight"),
    (Layout::Mmaction2, Published::Recognizer, "backbone.conv1.conv.weight", "base_model.conv1.weight"),
    (Layout::Mmaction2, Published::Recognizer, "backbone.conv1.bn.weight", "base_model.bn1.weight"),
    (
        Layout::Mmaction2,
        Published::Recognizer,
        "backbone.layer1.0.conv1.conv.net.weight",
        "base_model.layer1.0.conv1.weight",
    ),
    (
        Layout::Mmaction2,
        Published::Recognizer,
        "backbone.layer1.0.conv3.bn.running_mean",
        "base_model.layer1.0.bn3.running_mean",
    ),
    (
        Layout::Mmaction2,
        Published::Recognizer,
        "backbone.layer1.0.downsample.conv.weight",
        "base_model.layer1.0.downsample.0.weight",
    ),
    (Layout::Mmaction2, Published::Recognizer, "cls_head.fc_cls.bias", "new_fc.bias"),
    (
        Layout::Mmaction2,
        Published::Tpn,
        "neck.temporal_modulation_ops.1.conv.conv.weight",
        "necks.temporal_modulation_ops.1.conv.weight",
    ),
    (
        Layout::Mmaction2,
        Published::Tpn,
        "neck.downsample_ops.0.conv.conv.weight",
        "necks.downsampling_ops.0.conv.weight",
    ),
    (
        Layout::Mmaction2,
        Published::Tpn,
        "neck.level_fusion_1.downsamples.0.conv.bn.weight",
        "necks.level_fusion_op2.ops.0.norm.weight",
    ),
    (
        Layout::Mmaction2,
        Published::Tpn,
        "neck.level_fusion_2.downsamples.1.conv.conv.weight",
        "necks.level_fusion_op.ops.1.conv.weight",
    ),
    (
        Layout::Mmaction2,
        Published::Tpn,
        "neck.level_fusion_2.fusion_conv.bn.bias",
        "necks.level_fusion_op.fusion_conv.1.bias",
    ),
    (Layout::Mmaction2, Published::Tpn, "neck.pyramid_fusion.conv.weight", "necks.pyramid_fusion_op.0.weight"),
    (Layout::Mmaction2, Published::Tpn, "neck.aux_head.conv.bn.weight", "necks.aux_head.convs.bn.weight"),
    (Layout::Mmaction2, Published::Tpn, "neck.aux_head.fc.bias", "necks.aux_head.fc.bias"),
    (
        Layout::Mmaction2,
        Published::Tpn,
        "neck.spatial_modulation.spatial_modulation.0.0.conv.weight",
        "necks.spatial_modulation.spatial_modulation.0.0.conv.weight",
    ),
    (Layout::Mmaction2, Published::Tpn, "backbone.layer4.2.conv1.conv.net.weight", "backbone.layer4.2.conv1.weight"),
];

const PLAIN: Network = Network { shift_every: None, adaptive: false, grouped: false, pyramid: false, mobile: false };
const SHIFTED: Network = Network { shift_every: Some(1), ..PLAIN };
const ADAPTIVE: Network = Network { adaptive: true, ..PLAIN };

#[track_caller]
fn same_both_ways(layout: Layout, family: Published, key: &str, name: &str, network: &Network) {
    let part = layout.part(key).unwrap_or_else(|| panic!("{key} is no key of {layout}"));
    assert_eq!(family.key(&part).as_deref(), Some(name));
    let part = family.part(name).unwrap();
    assert_eq!(layout.key(&part, network).as_deref(), Some(key));
}

#[test]
fn keys_become_published_names_and_back() {
    for (layout, family, key, name) in EXAMPLES {
        same_both_ways(layout, family, key, name, &SHIFTED);
    }
}

#[test]
fn tam_blocks_are_wrapped_in_their_repository_and_in_mmaction2() {
    for (layout, key, name) in [
        (Layout::Tam, "base_model.layer1.0.net.conv1.weight", "base_model.layer1.0.conv1.weight"),
        (Layout::Tam, "base_model.layer1.0.tam.G.1.running_mean", "base_model.layer1.0.tam.G.1.running_mean"),
        (Layout::Tam, "base_model.conv1.weight", "base_model.conv1.weight"),
        (Layout::Mmaction2, "backbone.layer1.0.block.conv1.conv.weight", "base_model.layer1.0.conv1.weight"),
        (Layout::Mmaction2, "backbone.layer1.0.block.downsample.bn.bias", "base_model.layer1.0.downsample.1.bias"),
        (Layout::Mmaction2, "backbone.layer1.0.tam.L.3.weight", "base_model.layer1.0.tam.L.3.weight"),
        (Layout::Mmaction2, "backbone.conv1.bn.bias", "base_model.bn1.bias"),
    ] {
        same_both_ways(layout, Published::Recognizer, key, name, &ADAPTIVE);
    }
}

#[test]
fn mobilenet_is_counted_differently_by_torchvision_and_tsm() {
    let mobile = Network { mobile: true, ..SHIFTED };
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
        same_both_ways(Layout::Torchvision, Published::Recognizer, torchvision, &published, &mobile);
        same_both_ways(Layout::Tsm, Published::Recognizer, &format!("base_model.{tsm}"), &published, &mobile);
    }
    same_both_ways(Layout::Torchvision, Published::Recognizer, "classifier.1.weight", "new_fc.weight", &mobile);
}

#[test]
fn deep_trunks_shift_every_other_block() {
    let deep = Network { shift_every: Some(2), ..Network::default() };
    assert!(deep.shifts("layer3.22.conv1.weight") && !deep.shifts("layer3.21.conv1.weight"));
    assert!(!deep.shifts("layer3.22.conv2.weight") && !deep.shifts("conv1.weight"));
    assert!(!Network::default().shifts("layer1.0.conv1.weight"));
}

#[test]
fn layouts_are_told_apart_by_their_keys() {
    let detect = |keys: &[&str]| Layout::detect(keys.iter().copied());
    assert_eq!(detect(&["conv1.weight", "layer1.0.conv1.weight"]), Some(Layout::Torchvision));
    assert_eq!(detect(&["features.0.0.weight"]), Some(Layout::Torchvision));
    assert_eq!(Layout::Tsm.part("base_model.features.2.conv.1.weight.of.nothing"), None);
    assert_eq!(detect(&["base_model.conv1.weight", "base_model.layer1.0.conv1.net.weight"]), Some(Layout::Tsm));
    assert_eq!(detect(&["base_model.conv1.weight", "base_model.layer1.0.tam.G.0.weight"]), Some(Layout::Tam));
    assert_eq!(detect(&["base_model.conv1.weight", "base_model.layer1.0.Tconv.weight"]), Some(Layout::Gst));
    assert_eq!(detect(&["backbone.conv1.weight", "necks.pyramid_fusion_op.0.weight"]), Some(Layout::Tpn));
    assert_eq!(detect(&["data_preprocessor.mean", "backbone.conv1.conv.weight"]), Some(Layout::Mmaction2));
    assert_eq!(detect(&["model.trunk.stem.conv.weight", "s1.pathway0_stem.conv.weight"]), None);
}

#[test]
fn a_layout_holds_the_networks_of_its_repository() {
    let held = |network: &Network| {
        Layout::ALL.into_iter().filter(|layout| layout.holds(network)).map(Layout::name).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(held(&SHIFTED), "torchvision tsm mmaction2");
    assert_eq!(held(&ADAPTIVE), "tam mmaction2");
    assert_eq!(held(&Network::of(["base_model.layer1.0.Tconv.weight"], None)), "gst");
    assert_eq!(held(&Network::of(["necks.pyramid_fusion_op.0.weight"], Some(1))), "tpn mmaction2");
    assert_eq!(held(&Network::of(["base_model.features.0.0.weight"], Some(1))), "torchvision tsm");
}

#[test]
fn what_is_of_no_layout_is_no_part() {
    assert_eq!(Layout::Torchvision.part("layer5.0.conv1.weight"), None);
    assert_eq!(Layout::Mmaction2.part("backbone.layer1.0.bn1.weight"), None);
    assert_eq!(Layout::Tsm.key(&Part::Neck("pyramid_fusion_op.0.weight".into()), &SHIFTED), None);
}

#[test]
fn layouts_have_names() {
    for layout in Layout::ALL {
        assert_eq!(layout.name().parse(), Ok(layout));
    }
    assert!("caffe".parse::<Layout>().unwrap_err().contains("mmaction2"));
}
