//! Reading golden files and rebuilding the weights they were made with.

use std::path::PathBuf;

use burn::tensor::Tensor;
use safetensors::SafeTensors;
use serde::de::DeserializeOwned;

/// One golden file, in memory.
pub struct Golden {
    kind: String,
    bodies: &'static str,
    bytes: Vec<u8>,
}

impl Golden {
    /// Reads `<kind>.safetensors` from `TAF_GOLDEN_DIR` or the repository's own copy, for a check of the named bodies.
    pub fn read(kind: &str, bodies: &'static str) -> Self {
        let own = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
        let folder = std::env::var_os("TAF_GOLDEN_DIR").map_or_else(|| PathBuf::from(own), PathBuf::from);
        let path = folder.join(format!("{kind}.safetensors"));
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{error}: {}", path.display()));
        Self { kind: kind.to_owned(), bodies, bytes }
    }

    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Which bodies of the operations are checked.
    pub fn bodies(&self) -> &'static str {
        self.bodies
    }

    /// A JSON value of the file's metadata.
    pub fn meta<T: DeserializeOwned>(&self, key: &str) -> T {
        self.find_meta(key).unwrap_or_else(|| panic!("the metadata has {key}"))
    }

    /// [`Golden::meta`] of what only some files say.
    pub fn find_meta<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let (_, header) = SafeTensors::read_metadata(&self.bytes).expect("a safetensors header");
        let text = header.metadata().as_ref().expect("metadata").get(key)?;
        Some(serde_json::from_str(text).expect("metadata holds JSON"))
    }

    pub fn integers(&self, name: &str) -> Vec<i64> {
        let bytes = self.raw(name);
        bytes.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap())).collect()
    }

    pub fn assert_close<const D: usize>(&self, name: &str, found: &Tensor<D>, tolerance: f32) {
        self.assert_close_values(name, &found.to_data().try_to_vec::<f32>().unwrap(), tolerance);
    }

    /// As [`Golden::assert_close_values`] for gradients that may have crossed a kink: where an activation stands within
    /// rounding of a ReLU's corner, the slope on either side is right. So where single values differ by more, the length of
    /// the difference decides, relative to that of the gradient.
    pub fn assert_close_but_for_kinks(&self, name: &str, found: &[f32], tolerance: f32) {
        const KINKED: f64 = 4e-2;
        let expected = self.floats(name);
        let scale = expected.iter().fold(0.0f32, |most, e| most.max(e.abs()));
        if found.len() != expected.len() || expected.iter().zip(found).all(|(e, f)| (e - f).abs() <= tolerance * scale)
        {
            return self.assert_close_values(name, found, tolerance);
        }
        let length = |values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        let difference = length(&mut expected.iter().zip(found).map(|(e, f)| e - f));
        let relative = difference / length(&mut expected.iter().copied());
        println!("  {name}: past a kink, length of the difference relative to that of the gradient {relative:.2e}");
        assert!(relative <= KINKED, "{name}: {relative:.2e} exceeds {KINKED:.0e}");
    }

    /// Prints the largest difference and fails if it exceeds `tolerance` times the largest expected magnitude.
    pub fn assert_close_values(&self, name: &str, found: &[f32], tolerance: f32) {
        let expected = self.floats(name);
        assert_eq!(expected.len(), found.len(), "{name}: number of values");
        let scale = expected.iter().fold(f32::MIN_POSITIVE, |most, e| most.max(e.abs()));
        let worst = expected.iter().zip(found).map(|(e, f)| (e - f).abs()).fold(0.0, f32::max);
        assert!(found.iter().all(|f| f.is_finite()), "{name}: finite values");
        println!("  {name}: max difference {worst:.2e}, relative to the largest value {:.2e}", worst / scale);
        assert!(worst <= tolerance * scale, "{name}: {:.2e} exceeds {tolerance:.0e}", worst / scale);
    }

    fn floats(&self, name: &str) -> Vec<f32> {
        self.raw(name).chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
    }

    fn raw(&self, name: &str) -> Vec<u8> {
        let file = SafeTensors::deserialize(&self.bytes).expect("a safetensors file");
        file.tensor(name).unwrap_or_else(|_| panic!("the file has {name}")).data().to_vec()
    }
}

/// The value every weight of a golden model has: uniform numbers from a hash of the tensor's PyTorch name, in a range
/// that its name and shape decide.
pub fn fill(name: &str, shape: &[usize]) -> Vec<f32> {
    let (low, high) = range(name, shape);
    let count: usize = shape.iter().product();
    unit(name, count).map(|u| low + (high - low) * u).collect()
}

fn range(name: &str, shape: &[usize]) -> (f32, f32) {
    if name == "input" {
        (-1.0, 1.0)
    } else if name.ends_with("running_var") {
        (0.5, 1.5)
    } else if name.ends_with("running_mean") || name.ends_with("bias") {
        (-0.2, 0.2)
    } else if shape.len() == 1 {
        (0.5, 1.5)
    } else {
        let fan_in: usize = shape[1..].iter().product();
        let limit = (6.0 / fan_in as f64).sqrt() as f32;
        (-limit, limit)
    }
}

/// `count` numbers in [0, 1): the top 24 bits of SplitMix64 seeded with FNV-1a-64 of the name.
fn unit(name: &str, count: usize) -> impl Iterator<Item = f32> {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    (0..count as u64).map(move |i| {
        let mut z = seed.wrapping_add(i).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / 16_777_216.0
    })
}
