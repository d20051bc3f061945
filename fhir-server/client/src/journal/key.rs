//! Names for what a journal notes.

use std::fmt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

/// Names a request by what it holds and its place in its file: the same again has the same key,
/// whichever run sends it. Names a whole file by its path, length and time of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(u128);

impl Key {
    pub(crate) fn of(place: u64, body: &[u8]) -> Self {
        let mut digest = Sha256::new();
        digest.update(place.to_be_bytes());
        digest.update(body);
        let bytes: [u8; 32] = digest.finalize().into();
        Self(bytes.iter().take(16).fold(0, |key, byte| (key << 8) | u128::from(*byte)))
    }

    /// Of a file as it is now.
    pub(crate) fn of_file(path: &Path, bytes: u64, changed: SystemTime) -> Self {
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let mut name = since_1970(changed).as_nanos().to_be_bytes().to_vec();
        name.extend_from_slice(whole.as_os_str().as_encoded_bytes());
        Self::of(bytes, &name)
    }

    /// Of a round that begins now.
    pub(crate) fn of_now() -> Self {
        Self(since_1970(SystemTime::now()).as_nanos())
    }

    /// Reads what [`fmt::Display`] writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let whole = text.len() == 32;
        u128::from_str_radix(text, 16).ok().filter(|_| whole).map(Self)
    }
}

fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}
