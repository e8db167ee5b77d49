use sha2::{Digest as _, Sha256};

/// SHA-256 of some bytes, in hexadecimal.
pub(crate) fn sha256_of(bytes: &[u8]) -> String {
    in_hex(Sha256::new_with_prefix(bytes))
}

/// What a hasher has found, in hexadecimal.
pub(crate) fn in_hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
