//! Files that lie, are damaged, or want something run: a clear error each, nothing executed, memory bounded.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use taf_checkpoint::read;

fn fixture(name: &str) -> Vec<u8> {
    fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

/// What reading these bytes is refused with.
fn refusal(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.pth");
    fs::write(&path, bytes).unwrap();
    let message = read(&path).expect_err("the file is refused").to_string();
    assert!(message.ends_with("weights.pth"), "{message}");
    message
}

#[track_caller]
fn refused(bytes: &[u8], parts: &[&str]) {
    let message = refusal(bytes);
    assert!(parts.iter().all(|part| message.contains(part)), "expected {parts:?} in: {message}");
}

/// A zip container of these entries, stored. Nothing looks at their checksums.
fn container(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in entries {
        let start = (zip.len() as u32).to_le_bytes();
        let (size, name_size) = ((bytes.len() as u32).to_le_bytes(), (name.len() as u16).to_le_bytes());
        let common = [&[20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &size, &size, &name_size, &[0, 0]].concat();
        zip.extend([b"PK\x03\x04", &common[..], name.as_bytes(), bytes].concat());
        directory.extend([b"PK\x01\x02\x14\x00", &common[..], &[0; 10], &start, name.as_bytes()].concat());
    }
    let count = (entries.len() as u16).to_le_bytes();
    let (size, start) = ((directory.len() as u32).to_le_bytes(), (zip.len() as u32).to_le_bytes());
    zip.extend([&directory[..], b"PK\x05\x06\0\0\0\0", &count, &count, &size, &start, &[0, 0]].concat());
    zip
}

/// The pickle of `{key: tensor}` in a storage "0" of so many floats.
fn tensor_pickle(keys: &[&str], stored: u64, offset: u64, shape: &[u64], strides: &[u64]) -> Vec<u8> {
    let mut pickle = b"\x80\x02}(".to_vec();
    for key in keys {
        push_text(&mut pickle, key);
        pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n(");
        push_storage(&mut pickle, "0", stored);
        pickle.push(b'Q');
        push_number(&mut pickle, offset);
        push_tuple(&mut pickle, shape);
        push_tuple(&mut pickle, strides);
        pickle.extend(b"\x89NtR");
    }
    pickle.extend(b"u.");
    pickle
}

/// What a persistent id says of a storage.
fn push_storage(pickle: &mut Vec<u8>, key: &str, stored: u64) {
    pickle.push(b'(');
    push_text(pickle, "storage");
    pickle.extend(b"ctorch\nFloatStorage\n");
    push_text(pickle, key);
    push_text(pickle, "cpu");
    push_number(pickle, stored);
    pickle.push(b't');
}

fn push_text(pickle: &mut Vec<u8>, text: &str) {
    pickle.push(b'X');
    pickle.extend((text.len() as u32).to_le_bytes());
    pickle.extend(text.as_bytes());
}

fn push_number(pickle: &mut Vec<u8>, number: u64) {
    pickle.extend(b"\x8a\x08");
    pickle.extend(number.to_le_bytes());
}

fn push_tuple(pickle: &mut Vec<u8>, numbers: &[u64]) {
    pickle.push(b'(');
    numbers.iter().for_each(|&number| push_number(pickle, number));
    pickle.push(b't');
}

fn saved(pickle: &[u8], storage: &[u8]) -> Vec<u8> {
    container(&[("a/data.pkl", pickle), ("a/data/0", storage), ("a/version", b"3\n")])
}

#[test]
fn a_sound_file_made_by_hand_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.pth");
    fs::write(&path, saved(&tensor_pickle(&["w"], 4, 0, &[2, 2], &[1, 2]), &floats(&[1., 2., 3., 4.]))).unwrap();
    let tensors = read(&path).unwrap().tensors;
    assert_eq!((tensors[0].shape.as_slice(), tensors[0].values.as_slice()), (&[2, 2][..], &[1., 3., 2., 4.][..]));
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn of_several_pickles_the_outermost_is_read() {
    let pickle = tensor_pickle(&["w"], 1, 0, &[1], &[1]);
    let (other, value) = (&b"\x80\x02K\x01."[..], floats(&[2.]));
    let entries = [("a/code/data.pkl", other), ("metadata.pkl", other), ("a/data.pkl", &pickle), ("a/data/0", &value)];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("several.pth");
    fs::write(&path, container(&entries)).unwrap();
    for _ in 0..20 {
        assert_eq!(read(&path).unwrap().tensors[0].values, [2.]);
    }
    refused(&container(&[("metadata.pkl", other)]), &["data.pkl", "none"]);
}

#[test]
fn files_that_are_no_weights_are_named() {
    refused(b"", &["torch.save or safetensors", "an empty file"]);
    refused(b"\x7fELF\x02\x01\x01\x00\x00", &["torch.save or safetensors", "ELF"]);
    refused(b"PK\x03\x04 and then nothing", &["zip container"]);
    refused(&container(&[("a/readme", b"hello")]), &["data.pkl", "none"]);
    refused(&saved(b"\x80\x02K\x01.", &[]), &["a dictionary of weights", "a whole number"]);
    refused(&saved(b"\x80\x02cmodels\nTSN\n)\x81}b.", &[]), &["state_dict()", "an object of models.TSN"]);
    refused(&saved(b"\x80\x02}X\x05\x00\x00\x00epochK\x05s.", &[]), &["weights", "epoch"]);
}

#[test]
fn pickles_that_call_programs_are_refused_and_nothing_runs() {
    let folder = tempfile::tempdir().unwrap();
    let witness = folder.path().join("witness");
    let command = format!("touch {}", witness.display());
    let call = |module: &str| {
        let mut pickle = format!("\u{2}c{module}\nsystem\n(").into_bytes();
        pickle.splice(..1, *b"\x80\x02}X\x01\x00\x00\x00w");
        push_text(&mut pickle, &command);
        pickle.extend(b"tRs.");
        pickle
    };
    for module in ["os", "posix", "nt"] {
        refused(&saved(&call(module), &[]), &[&format!("{module}.system"), "nothing was executed"]);
    }
    refused(&saved(b"\x80\x04\x8c\x08builtins\x8c\x04exec\x93\x8c\x04pass\x85R.", &[]), &["builtins.exec"]);
    // Python walks from a module to those that it imports.
    let walked = b"\x80\x04\x8c\x06shutil\x8c\x09os.system\x93\x8c\x04pass\x85R.";
    refused(&saved(walked, &[]), &["shutil.os.system", "nothing was executed"]);
    refused(&saved(b"\x80\x02cimportlib.machinery\nSourceFileLoader\n)R.", &[]), &["SourceFileLoader"]);
    refused(&saved(b"\x80\x02csubprocess\nPopen\n)R.", &[]), &["subprocess.Popen"]);
    refused(&call("os"), &["torch.save or safetensors"]); // a pickle without a container holds no tensors
    assert!(!witness.exists());
}

/// `{w: tensor, args: an object of this class}`, as training programs save their options beside the weights.
fn with_options(class: &str) -> Vec<u8> {
    let (module, name) = class.rsplit_once('.').unwrap();
    let mut pickle = tensor_pickle(&["w"], 1, 0, &[1], &[1]);
    pickle.pop();
    push_text(&mut pickle, "args");
    pickle.extend(format!("c{module}\n{name}\n").bytes());
    // An object without arguments, whose only attribute is lr = 1.0.
    pickle.extend(b")\x81}");
    push_text(&mut pickle, "lr");
    pickle.extend(b"G\x3f\xf0\0\0\0\0\0\0sbs.");
    pickle
}

/// A training program may have a module of its own called `code`, and what it saves runs nothing.
#[test]
fn options_of_a_module_named_like_one_of_pythons_are_left_out_like_any_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("options.pth");
    for module in ["code", "sys", "os", "socket", "pip", "commands", "requests", "urllib", "multiprocessing", "asyncio"]
    {
        for class in [format!("{module}.opts.Opts"), format!("{module}.Opts")] {
            fs::write(&path, saved(&with_options(&class), &floats(&[2.]))).unwrap();
            let contents = read(&path).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(contents.tensors[0].values, [2.], "{class}");
            assert_eq!(contents.ignored, [format!("args (an object of {class})")]);
        }
    }
}

#[test]
fn sizes_that_no_file_can_hold_are_refused_before_memory_is_taken() {
    let absurd: [(u64, u64, &[u64], &[u64]); 8] = [
        (4, 0, &[1 << 40], &[1]),
        (4, 0, &[u64::MAX >> 1, u64::MAX >> 1], &[1, 1]),
        (u64::MAX >> 1, 0, &[1 << 40], &[1]),
        (4, 0, &[1 << 40], &[0]),
        (4, u64::MAX >> 1, &[2], &[1]),
        (4, 0, &[2, 2], &[u64::MAX >> 1, u64::MAX >> 1]),
        (1 << 30, 1 << 29, &[2], &[1]),
        (1 << 30, 0, &[2], &[1 << 29]),
    ];
    for (stored, offset, shape, strides) in absurd {
        let message = refusal(&saved(&tensor_pickle(&["w"], stored, offset, shape, strides), &floats(&[0.; 4])));
        assert!(message.contains("expected") && message.contains("found"), "{message}");
    }
    refused(&saved(&tensor_pickle(&["w"], 4, 0, &[1; 40], &[1; 40]), &floats(&[0.; 4])), &["w to have at most 8 axes"]);
}

#[test]
fn tensors_that_share_a_storage_cannot_multiply_a_file() {
    let values = vec![0.5; 1000];
    let names: Vec<String> = (0..50).map(|index| format!("w{index}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    // Each reads the whole storage, though two values of it are all it takes.
    let pickle = tensor_pickle(&names, 1000, 0, &[2], &[999]);
    refused(&saved(&pickle, &floats(&values)), &["as many values as the file has bytes", "of shape [2]"]);
}

#[test]
fn entries_that_occur_twice_are_refused() {
    refused(&saved(&tensor_pickle(&["w", "w"], 4, 0, &[4], &[1]), &floats(&[0.; 4])), &["every name once", "w twice"]);
    let mut twins = container(&[("a/data.pkl", b"N."), ("a/data/0", b""), ("a/data/1", b"")]);
    for at in 0..twins.len() - 8 {
        if &twins[at..at + 8] == b"a/data/1" {
            twins[at + 7] = b'0';
        }
    }
    refused(&twins, &["once", "two of one name"]);
}

#[test]
fn values_that_are_not_finite_are_named() {
    let pickle = tensor_pickle(&["layer1.0.conv1.weight"], 2, 0, &[2], &[1]);
    refused(&saved(&pickle, &floats(&[1.0, f32::NAN])), &["finite", "NaN", "layer1.0.conv1.weight"]);
    refused(&saved(&pickle, &floats(&[f32::INFINITY, 1.0])), &["finite", "inf", "layer1.0.conv1.weight"]);
}

#[test]
fn compressed_and_big_endian_containers_are_refused() {
    let mut compressed = saved(&tensor_pickle(&["w"], 4, 0, &[4], &[1]), &floats(&[0.; 4]));
    // The method in the local header and in the directory: 8 is deflate.
    for at in 0..compressed.len() - 12 {
        match &compressed[at..at + 4] {
            b"PK\x03\x04" => compressed[at + 8] = 8,
            b"PK\x01\x02" => compressed[at + 10] = 8,
            _ => {}
        }
    }
    refused(&compressed, &["stored, as torch.save does", "compressed"]);
    let empty = b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0";
    refused(&[&b"PK\x03\x04"[..], empty].concat(), &["zip directory", "65535 entries"]);
    let pickle = tensor_pickle(&["w"], 1, 0, &[1], &[1]);
    let big = container(&[("a/data.pkl", &pickle), ("a/data/0", &[0; 4]), ("a/byteorder", b"big")]);
    refused(&big, &["little-endian", "big-endian"]);
    let mut legacy = fixture("tam-legacy.pth.tar");
    let at = legacy.windows(13).position(|window| window == b"little_endian").unwrap();
    let flag = at + legacy[at..].iter().position(|&byte| byte == 0x88).unwrap();
    legacy[flag] = 0x89;
    refused(&legacy, &["little-endian", "big-endian"]);
}

#[test]
fn unusual_tensors_are_refused_by_name() {
    let odd = |text: &str, by: &str| {
        let pickle = tensor_pickle(&["w"], 4, 0, &[4], &[1]);
        let at = pickle.windows(text.len()).position(|window| window == text.as_bytes()).unwrap();
        [&pickle[..at], by.as_bytes(), &pickle[at + text.len()..]].concat()
    };
    refused(&saved(&odd("FloatStorage", "ComplexFloatStorage"), &[0; 16]), &["real numbers", "ComplexFloatStorage"]);
    refused(
        &saved(&odd("_rebuild_tensor_v2", "_rebuild_sparse_tensor"), &[0; 16]),
        &["a plain tensor", "_rebuild_sparse_tensor"],
    );
}

#[test]
fn safetensors_that_lie_are_refused() {
    let file = |header: &str, data: &[u8]| [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat();
    let tensor =
        |shape: &str, end: usize| format!(r#"{{"w":{{"dtype":"F32","shape":{shape},"data_offsets":[0,{end}]}}}}"#);
    refused(&file(&tensor("[2]", 8), &floats(&[1.0, f32::NAN])), &["NaN", "w"]);
    refused(&file(&tensor("[2]", 8), &[0; 4]), &["as its header says"]);
    refused(&file(&tensor("[2]", 8), &[0; 4000]), &["as its header says"]);
    refused(&file(&tensor("[99]", 8), &[0; 8]), &["header"]);
    refused(&file(&tensor("[4611686018427387904, 4]", 8), &[0; 8]), &["header"]);
    refused(&[&u64::MAX.to_le_bytes()[..], b"{"].concat(), &["header"]);
    refused(&file("{}", &[]), &["weights", "none"]);
    refused(
        &file(r#"{"w":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}"#, &[0]),
        &["w of real numbers", "F8_E4M3"],
    );
    let twins = r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#;
    refused(&file(twins, &[0; 8]), &["header"]);
    refused(&file(&format!(r#"{{"a":{}"#, "[".repeat(100_000)), &[]), &["header"]);
    // Nine tensors that end at the last number of 64 bits.
    let most = (1u64 << 61) - 1;
    let ends: Vec<u64> = (0..=8).map(|index| index * most).chain([u64::MAX]).collect();
    let huge = |(index, ends): (usize, &[u64])| {
        let size = ends[1] - ends[0];
        format!(r#""w{index}":{{"dtype":"U8","shape":[{size}],"data_offsets":[{},{}]}}"#, ends[0], ends[1])
    };
    let tensors: Vec<String> = ends.windows(2).enumerate().map(huge).collect();
    refused(&file(&format!("{{{}}}", tensors.join(",")), &[]), &["18446744073709551615", "as its header says"]);
}

#[test]
fn files_cut_short_anywhere_are_refused() {
    for name in ["tsm.pth.tar", "tam-legacy.pth.tar"] {
        let whole = fixture(name);
        for cut in (1..40).map(|part| whole.len() * part / 40) {
            refusal(&whole[..cut]);
        }
        refusal(&whole[..whole.len() - 1]);
    }
}

/// Whatever happens to the bytes, reading ends with weights or an error, in bounded time and memory.
#[test]
fn thousands_of_mutated_files_are_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mutated.pth");
    let mut random = Random(20_231_117);
    let mut outcomes = [0; 2];
    for name in ["tsm.pth.tar", "tam-legacy.pth.tar", "mmaction2-half-legacy.pth", "resnet.pth"] {
        let whole = fixture(name);
        // Most of a file is values; what can go wrong lies in the pickle and at the end.
        let pickle = whole.windows(5).position(|window| window == b"ctorc").unwrap_or(0);
        for _ in 0..1000 {
            overwrite(&path, &mutated(&whole, pickle, &mut random));
            outcomes[usize::from(read(&path).is_err())] += 1;
        }
    }
    assert!(outcomes.iter().all(|&count| count > 100), "{outcomes:?}");
    assert!(peak_memory(Path::new("/proc/self/status")).is_none_or(|kib| kib < 1_000_000), "memory stays bounded");
}

/// Puts other bytes into a file without emptying it first, for which some file systems wait on the disk.
fn overwrite(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
    file.write_all(bytes).unwrap();
}

/// Instructions that rearrange a pickle.
const OPCODES: &[u8] = b"(.)Rtub}]0129\x80\x85\x8a\xffqhNcQ";

fn mutated(whole: &[u8], pickle: usize, random: &mut Random) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for _ in 0..=random.below(4) {
        let at = match random.below(3) {
            0 => random.below(bytes.len()),
            1 => (pickle + random.below(4000)).min(bytes.len() - 1),
            _ => bytes.len() - 1 - random.below(bytes.len().min(3000)),
        };
        match random.below(5) {
            0 => bytes[at] = random.below(256) as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => drop(bytes.remove(at)),
            3 => bytes.insert(at, OPCODES[random.below(OPCODES.len())]),
            _ => {
                let end = (at + 8).min(bytes.len());
                bytes[at..end].fill(0xff);
            }
        }
    }
    bytes
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }
}

/// The most memory this process has held, where the system tells.
fn peak_memory(status: &Path) -> Option<u64> {
    let status = fs::read_to_string(status).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse().ok())
}

#[test]
fn pickles_that_unfold_take_bounded_memory() {
    // Eight megabytes of Nones, texts, a memo that refers to itself, and lists in lists in lists.
    let nones = [&b"\x80\x02("[..], &vec![b'N'; 8 << 20], b"t."].concat();
    refused(&saved(&nones, &[]), &["at most", "more"]);
    let texts: Vec<u8> = (0..135_000).flat_map(|_| [&b"X\x00\x02\x00\x00"[..], &[b'a'; 512]].concat()).collect();
    refused(&saved(&[&b"\x80\x02("[..], &texts, b"t."].concat(), &[]), &["bytes of text", "more"]);
    refused(&saved(&[&b"\x80\x02]q\x00"[..], &b"h\x00".repeat(5_000_000), b"."].concat(), &[]), &["depth"]);
    refused(&saved(&[&b"\x80\x02"[..], &vec![b']'; 1_000_000], &vec![b'a'; 999_999], b"."].concat(), &[]), &["a list"]);
    // A long text that everything shares.
    let long = "k".repeat(4096);
    let mut entries = b"\x80\x02}".to_vec();
    push_text(&mut entries, &long);
    entries.extend([&b"q\x000"[..], &b"h\x00Ns".repeat(1_000_000), b"."].concat());
    refused(&saved(&entries, &[]), &["at most 100000 weights", "1000000 entries"]);
    refused(&saved(&named_alike(&long, 300_000), &[0; 4]), &["at most 100000 weights", "300000 entries"]);
    refused(&saved(&named_alike(&long, 90_000), &[0; 4]), &["a storage in at most 512 bytes", "4096"]);
    let mut storages = b"\x80\x02(".to_vec();
    push_storage(&mut storages, &long[..512], 1);
    storages.extend([&b"q\x00"[..], &b"h\x00Q".repeat(1_900_000), b"t."].concat());
    refused(&legacy(&storages, b"\x80\x02]."), &["a dictionary of weights", "a tuple"]);
    let mut keys = b"\x80\x02](".to_vec();
    push_text(&mut keys, &long);
    keys.extend([&b"q\x00"[..], &b"h\x00".repeat(999_999), b"e."].concat());
    refused(&legacy(b"\x80\x02}.", &keys), &["at most 100000 storages", "1000000"]);
    let peak = peak_memory(Path::new("/proc/self/status"));
    assert!(peak.is_none_or(|kib| kib < 1_000_000), "{peak:?} KiB");
}

/// The pickle of one tensor under many names, in a storage of this key.
fn named_alike(storage: &str, count: usize) -> Vec<u8> {
    let mut pickle = b"\x80\x02}(".to_vec();
    push_text(&mut pickle, "w");
    pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n(");
    push_storage(&mut pickle, storage, 1);
    pickle.extend(b"QK\x00))tRq\x00");
    for index in 1..count {
        push_text(&mut pickle, &index.to_string());
        pickle.extend(b"h\x00");
    }
    pickle.extend(b"u.");
    pickle
}

/// A file as PyTorch wrote them before 1.6, without the bytes of storages.
fn legacy(saved: &[u8], keys: &[u8]) -> Vec<u8> {
    let mut start = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}".to_vec();
    push_text(&mut start, "little_endian");
    start.extend(b"\x88s.");
    [&start, saved, keys].concat()
}
