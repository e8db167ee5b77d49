//! Weights of other programs: in with `taf import`, out with `taf export`.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::{manifest, path, recipe, taf, trained, video};
use taf_checkpoint::{Tensor, read, to_safetensors};

/// Files of `torch.save`: networks of one stage with one bottleneck of width 8, 5 classes.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../taf-checkpoint/tests/fixtures").join(name)
}

/// Five of the ten classes of the videos, which the fixtures are told to know.
const CLASSES: &str = "approaching\nmoving down\nmoving left\nmoving right\nmoving up\n";

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("classes.txt"), CLASSES).unwrap();
        Self { folder }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `taf import` of a small network of this kind into the run `out`.
    fn import(&self, file: &Path, model: &str, out: &str, more: &[&str]) -> support::Ended {
        let (classes, out) = (self.at("classes.txt"), self.at(out));
        let small = ["--set", "model.width=8", "--set", "model.layers=[1]", "--size", "32"];
        let args = ["import", path(file), "--model", model, "--classes", path(&classes), "--out", path(&out)];
        taf(&[&args[..], &small, more].concat())
    }

    /// The tensors that `taf export` writes, by name.
    fn export(&self, run: &str, layout: &str) -> Vec<Tensor> {
        let out = self.at(&format!("{run}-{layout}.safetensors"));
        taf(&["export", path(&self.at(run)), "--layout", layout, "--out", path(&out)]).done();
        sorted(read(&out).unwrap().tensors)
    }

    fn checkpoint(&self, run: &str) -> Vec<u8> {
        fs::read(self.at(run).join("checkpoints/step-000000000.safetensors")).unwrap()
    }
}

fn sorted(mut tensors: Vec<Tensor>) -> Vec<Tensor> {
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    tensors
}

#[test]
fn imported_weights_are_a_run_that_every_command_accepts() {
    let bench = Bench::new();
    let told = bench.import(&fixture("tsm.pth.tar"), "tsm-resnet50", "tsm", &["--json"]).json();
    assert_eq!((told["layout"].as_str(), told["found_under"].as_str()), (Some("tsm"), Some("state_dict")));
    assert_eq!(told["matched"], 27);
    assert!(told["fresh"].as_array().unwrap().is_empty() && told["left"].as_array().unwrap().is_empty());
    let (run, videos) = (bench.at("tsm"), manifest());
    let (run, videos) = (path(&run), path(&videos));
    let answers = taf(&["attend", path(&video()), "--run", run, "--json"]).json();
    assert_eq!(answers["natural"]["top5"].as_array().unwrap().len(), 5);
    let results = taf(&["eval", "--run", run, "--data", videos, "--suite", "clean", "--json"]).json();
    assert_eq!(results["results"][0]["scores"]["count"].as_u64().or(Some(10)), Some(10));
    let listed = taf(&["runs", run, "--json"]).json();
    assert_eq!((&listed[0]["state"], &listed[0]["steps"]), (&"imported".into(), &0.into()), "{listed}");
    assert!(!taf(&["runs", run]).done().contains("0/"), "no epochs were asked for");
    let info = taf(&["info", run, "--json"]).json();
    assert_eq!(info["network"]["classes"][2], "moving left");
    let tuned = bench.at("tuned");
    let set = ["--set", "train.epochs=1", "--set", "train.batch_size=4"];
    let classes = "approaching,moving down,moving left,moving right,moving up";
    let args = ["finetune", "--from", run, "--out", path(&tuned), "--data", videos, "--classes", classes];
    taf(&[&args[..], &set].concat()).done();
    assert!(tuned.join("report.html").is_file());
}

/// Keys as `torch.compile` and Lightning write them, beside a weight that is not the network's.
#[test]
fn what_programs_put_around_a_network_is_taken_out_of_its_keys_and_told() {
    let bench = Bench::new();
    bench.import(&fixture("tsm.pth.tar"), "tsm-resnet50", "tsm", &[]).done();
    let tensors = read(&fixture("tsm.pth.tar")).unwrap().tensors;
    let wrap = |prefix: &str, tensor: &Tensor| Tensor { name: format!("{prefix}{}", tensor.name), ..tensor.clone() };
    for (prefix, told) in [("_orig_mod.", &["_orig_mod."][..]), ("model._orig_mod.", &["model.", "_orig_mod."])] {
        let wrapped: Vec<Tensor> = tensors.iter().map(|tensor| wrap(prefix, tensor)).collect();
        let file = bench.at("wrapped.safetensors");
        fs::write(&file, to_safetensors(&wrapped, &[])).unwrap();
        let json = bench.import(&file, "tsm-resnet50", "wrapped", &["--force", "--json"]).json();
        assert_eq!(json["wrappers"], serde_json::json!(told));
        assert_eq!(bench.checkpoint("wrapped"), bench.checkpoint("tsm"), "{prefix}");
        let page = bench.import(&file, "tsm-resnet50", "wrapped", &["--force"]).done();
        assert!(page.contains(&format!("keys without {:?}", told[0])), "{page}");
    }
}

#[test]
fn classes_that_are_numbers_in_another_order_are_pointed_out() {
    let bench = Bench::new();
    let (file, classes, run) = (fixture("tsm.pth.tar"), bench.at("numbers.txt"), bench.at("numbers"));
    fs::write(&classes, "0\n1\n3\n4\n2\n").unwrap();
    let args = ["import", path(&file), "--model", "tsm", "--classes", path(&classes), "--out", path(&run), "--force"];
    let small = ["--set", "model.width=8", "--set", "model.layers=[1]", "--size", "32"];
    let ended = taf(&[&args[..], &small].concat());
    let note = "row 2 of the file's classifier is taken for class \"3\"; --label-order numeric";
    assert!(ended.err.contains(note), "{}", ended.err);
    let ended = taf(&[&args[..], &small, &["--label-order", "numeric"]].concat());
    assert!(!ended.err.contains("row 2"), "{}", ended.err);
    let bias = |tensors: &[Tensor]| tensors.iter().find(|tensor| tensor.name == "new_fc.bias").unwrap().values.clone();
    let (theirs, ours) = (bias(&read(&file).unwrap().tensors), bias(&bench.export("numbers", "tsm")));
    assert_eq!(ours, [0, 1, 3, 4, 2].map(|row| theirs[row]));
}

#[test]
fn another_network_than_that_of_the_weights_is_told_by_what_differs() {
    let bench = Bench::new();
    bench.import(&fixture("tsm.pth.tar"), "tsm-resnet50", "tsm", &[]).done();
    let (run, tuned, videos) = (bench.at("tsm"), bench.at("tuned"), manifest());
    let args = ["finetune", "--from", path(&run), "--out", path(&tuned), "--data", path(&videos)];
    let message = taf(&[&args[..], &["--set", "model.width=16"]].concat()).refused();
    assert!(message.contains("found another: model.width is 8 there and 16 in the recipe"), "{message}");
    assert!(!message.contains(", ,") && !message.contains("dropout"), "{message}");
}

#[test]
fn what_was_imported_is_exported_bit_for_bit() {
    let bench = Bench::new();
    let file = fixture("tsm.pth.tar");
    bench.import(&file, "tsm-resnet50", "tsm", &[]).done();
    assert_eq!(bench.export("tsm", "tsm"), sorted(read(&file).unwrap().tensors));
    for layout in ["tsm", "mmaction2"] {
        let exported = bench.export("tsm", layout);
        assert!(exported.iter().any(|tensor| tensor.name.ends_with(".net.weight")), "{layout}");
        let again = format!("again-{layout}");
        bench.import(&bench.at(&format!("tsm-{layout}.safetensors")), "tsm-resnet50", &again, &[]).done();
        assert_eq!(bench.checkpoint(&again), bench.checkpoint("tsm"), "{layout}");
    }
    let images = bench.export("tsm", "torchvision");
    assert!(images.iter().any(|tensor| tensor.name == "layer1.0.conv1.weight"));
    let (run, out) = (bench.at("tsm"), bench.at("x.safetensors"));
    let foreign = taf(&["export", path(&run), "--layout", "gst", "--out", path(&out)]).refused();
    assert!(foreign.contains("gst layout") && foreign.contains("torchvision, tsm, mmaction2"), "{foreign}");
}

#[test]
fn networks_of_other_repositories_come_back_bit_for_bit_too() {
    let bench = Bench::new();
    for (file, model, layout) in
        [("tam-legacy.pth.tar", "tam-resnet50", "tam"), ("gst-legacy.pth.tar", "gst-resnet50", "gst")]
    {
        bench.import(&fixture(file), model, layout, &[]).done();
        assert_eq!(bench.export(layout, layout), sorted(read(&fixture(file)).unwrap().tensors), "{layout}");
    }
    let frames = bench.import(&fixture("tam-legacy.pth.tar"), "tam-resnet50", "x", &["--frames", "16"]).refused();
    assert!(frames.contains("[32, 16], found [16, 8]") && frames.contains("--frames"), "{frames}");
    let started = bench.import(&fixture("resnet.pth"), "gst-resnet50", "gst-start", &["--json"]).json();
    let sliced = started["reshaped"].as_array().unwrap().iter().filter(|change| change["sliced"] == true).count();
    assert_eq!(sliced, 1);
}

#[test]
fn an_image_network_starts_a_video_network_with_a_fresh_classifier() {
    let bench = Bench::new();
    let page = bench.import(&fixture("resnet.pth"), "tsm-resnet50", "start", &[]).done();
    assert!(page.contains("layout      torchvision") && page.contains("fresh       2\n  new_fc.bias"), "{page}");
    assert!(page.contains("left over   2\n  fc.weight"), "{page}");
    let image = read(&fixture("resnet.pth")).unwrap().tensors;
    let started = bench.export("start", "torchvision");
    let find = |tensors: &[Tensor], name: &str| tensors.iter().find(|tensor| tensor.name == name).cloned().unwrap();
    for name in ["conv1.weight", "layer1.0.bn3.running_var", "layer1.0.downsample.0.weight"] {
        assert_eq!(find(&image, name), find(&started, name));
    }
    assert_ne!(find(&image, "fc.weight"), find(&started, "fc.weight"));
}

#[test]
fn the_rows_of_a_classifier_follow_the_label_order() {
    let bench = Bench::new();
    let file = fixture("tsm.pth.tar");
    let order = bench.at("order.txt");
    fs::write(&order, "moving up\napproaching\nmoving right\nmoving left\nmoving down\n").unwrap();
    bench.import(&file, "tsm-resnet50", "tsm", &["--label-order", path(&order)]).done();
    let bias = |tensors: &[Tensor]| tensors.iter().find(|tensor| tensor.name == "new_fc.bias").unwrap().values.clone();
    let (theirs, ours) = (bias(&read(&file).unwrap().tensors), bias(&bench.export("tsm", "tsm")));
    assert_eq!(ours, [1, 4, 3, 2, 0].map(|row| theirs[row]));
    let wrong = bench.import(&file, "tsm-resnet50", "x", &["--label-order", "v1-file"]).refused();
    assert!(wrong.contains("expected an order of 5 classes, found 174"), "{wrong}");
}

#[test]
fn weights_that_do_not_fit_are_refused_unless_an_option_allows_it() {
    let bench = Bench::new();
    let refused = |file: &str, model: &str, more: &[&str], parts: &[&str]| {
        let message = bench.import(&fixture(file), model, "x", more).refused();
        assert!(parts.iter().all(|part| message.contains(part)), "expected {parts:?} in {message}");
        assert!(!bench.at("x").exists());
    };
    refused("tsm.pth.tar", "tsn-resnet50", &[], &["no temporal shift", "conv1.net.weight"]);
    refused("tam-legacy.pth.tar", "tsn-resnet50", &[], &["12 left over", "tam.G.0.weight", "--partial"]);
    refused("tsm.pth.tar", "tsm-resnet50", &["--classes", "7"], &["--classes"]);
    refused(
        "tsm.pth.tar",
        "tsm-resnet50",
        &["--set", "model.width=16"],
        &["to have shape [16, 3, 7, 7]", "[8, 3, 7, 7]"],
    );
    refused("tsm.pth.tar", "tsm-resnet18", &[], &["expected"]);
    refused("tsm.pth.tar", "i3d-resnet50", &[], &["i3d"]);
    bench.import(&fixture("tam-legacy.pth.tar"), "tsn-resnet50", "partial", &["--partial"]).done();
    fs::write(bench.at("classes.txt"), "a\nb\nc\n").unwrap();
    refused("tsm.pth.tar", "tsm-resnet50", &[], &["3 classes, found 5", "--new-classifier"]);
    let page = bench.import(&fixture("tsm.pth.tar"), "tsm-resnet50", "new", &["--new-classifier"]).done();
    assert!(page.contains("3 classes") && page.contains("fresh       2"), "{page}");
}

#[test]
fn files_that_are_no_weights_are_named_and_nothing_in_them_runs() {
    let bench = Bench::new();
    let file = bench.at("weights.pth");
    let whole = fs::read(fixture("tam-legacy.pth.tar")).unwrap();
    let witness = bench.at("witness");
    let mut evil = whole.clone();
    // The dictionary that is saved begins with a call instead.
    let at = evil.windows(4).rposition(|window| window == b"X\x05\x00\x00").unwrap_or(0);
    evil.splice(at..at, format!("cos\nsystem\n(S'touch {}'\ntR0", witness.display()).into_bytes());
    for (bytes, part) in [
        (evil, "os.system"),
        (whole[..whole.len() / 2].to_vec(), "expected"),
        (b"not weights".to_vec(), "torch.save or safetensors"),
        (Vec::new(), "an empty file"),
    ] {
        fs::write(&file, bytes).unwrap();
        let message = bench.import(&file, "tam-resnet50", "x", &[]).refused();
        assert!(message.contains(part) && message.contains("weights.pth"), "expected {part:?} in {message}");
    }
    assert!(!witness.exists() && !bench.at("x").exists());
}

#[test]
fn the_auxiliary_branch_is_not_exported() {
    let bench = Bench::new();
    let base = trained(bench.folder.path());
    let file = recipe(bench.folder.path(), "[taf]\nbranch = \"auxiliary\"\n");
    let tuned = bench.at("tuned");
    let set = ["--set", "train.epochs=1"];
    let args = ["finetune", path(&file), "--from", path(&base), "--out", path(&tuned)];
    taf(&[&args[..], &set].concat()).done();
    let exported = |run: &str| bench.export(run, "tsm").into_iter().map(|t| (t.name, t.shape)).collect::<Vec<_>>();
    assert_eq!(exported("base"), exported("tuned"));
    assert_ne!(bench.export("base", "tsm"), bench.export("tuned", "tsm"));
}

#[test]
fn a_run_is_exported_as_onnx_with_its_classes() {
    let bench = Bench::new();
    bench.import(&fixture("tsm.pth.tar"), "tsm-resnet50", "tsm", &[]).done();
    let (run, out) = (bench.at("tsm"), bench.at("tsm.onnx"));
    let export = ["export", path(&run), "--out", path(&out)];
    let told = taf(&[&export[..], &["--format", "onnx", "--size", "64", "--json"]].concat()).json();
    let written = fs::read(&out).unwrap();
    assert_eq!(told["bytes"], written.len());
    let holds = |text: &str| written.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds(r#"["approaching","moving down","moving left","moving right","moving up"]"#));
    assert!(holds("tsm on resnet50") && holds("base_model.layer1.0.conv1.weight"));
    assert!(!holds("height"), "the size is fixed");
    let layout = taf(&[&export[..], &["--format", "onnx", "--layout", "tsm"]].concat()).refused();
    assert!(layout.contains("--layout goes with --format safetensors"), "{layout}");
    let size = taf(&[&export[..], &["--size", "64"]].concat()).refused();
    assert!(size.contains("--frames and --size go with --format onnx"), "{size}");
    let long = taf(&[&export[..], &["--format", "onnx", "--frames", "18446744073709551615"]].concat()).refused();
    assert!(long.contains("frames must lie between 1 and 512, got 18446744073709551615"), "{long}");
}

#[test]
fn classes_without_names_have_no_order() {
    let bench = Bench::new();
    let (file, run) = (fixture("tsm.pth.tar"), bench.at("x"));
    let args = ["import", path(&file), "--model", "tsm", "--classes", "5", "--out", path(&run)];
    let message = taf(&[&args[..], &["--label-order", "sorted"]].concat()).refused();
    let expected = "--label-order needs the names of the classes: a file for --classes, got a number";
    assert!(message.contains(expected) && !run.exists(), "{message}");
}

#[test]
fn data_is_a_manifest_whatever_its_file_is_called() {
    let bench = Bench::new();
    let (file, run, list) = (fixture("tsm.pth.tar"), bench.at("run"), bench.at("manifest.txt"));
    fs::copy(manifest(), &list).unwrap();
    let args = ["import", path(&file), "--model", "tsm", "--data", path(&list), "--out", path(&run)];
    let small = ["--set", "model.width=8", "--set", "model.layers=[1]", "--size", "32", "--new-classifier", "--json"];
    let told = taf(&[&args[..], &small].concat()).json();
    let classes: Vec<&str> = told["classes"].as_array().unwrap().iter().filter_map(|class| class.as_str()).collect();
    assert!(classes.len() == 10 && classes.contains(&"moving left"), "{classes:?}");
}

#[test]
fn a_run_without_videos_says_how_to_name_some() {
    let bench = Bench::new();
    bench.import(&fixture("tsm.pth.tar"), "tsm", "tsm", &[]).done();
    let run = bench.at("tsm");
    let message = taf(&["eval", "--run", path(&run), "--suite", "clean"]).refused();
    assert!(message.contains("--data MANIFEST") && message.contains("manifest.jsonl"), "{message}");
    let message = taf(&["eval", "--run", path(&run), "--suite", "clean", "--data", "gone.jsonl"]).refused();
    assert!(message.contains("gone.jsonl") && !message.contains("--data MANIFEST"), "{message}");
    let message = taf(&["finetune", "--from", path(&run), "--out", path(&run.with_extension("tuned"))]).refused();
    assert!(message.contains("--data MANIFEST") && message.contains("manifest.jsonl"), "{message}");
}

#[test]
fn the_cost_of_a_run_is_that_of_its_weights() {
    let bench = Bench::new();
    bench.import(&fixture("tsm.pth.tar"), "tsm", "tsm", &[]).done();
    let run = bench.at("tsm");
    let info = || taf(&["info", "--run", path(&run), "--json"]).json()["network"].clone();
    let before = info();
    let file = run.join("recipe.toml");
    let recipe = fs::read_to_string(&file).unwrap();
    fs::write(&file, recipe.replace("frames = 8", "frames = 4").replace("width = 8", "width = 16")).unwrap();
    assert_ne!(fs::read_to_string(&file).unwrap(), recipe);
    assert_eq!(info(), before);
}
