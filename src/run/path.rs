//! Paths in JSON: as text where they are text, else as their own bytes, so that every path comes back.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum KeptPath {
    Text(String),
    Bytes {
        /// In base64.
        bytes: String,
    },
}

pub(super) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    let kept = match path.to_str() {
        Some(text) => KeptPath::Text(text.to_owned()),
        None => KeptPath::Bytes { bytes: STANDARD.encode(path.as_os_str().as_encoded_bytes()) },
    };
    kept.serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    match KeptPath::deserialize(deserializer)? {
        KeptPath::Text(text) => Ok(text.into()),
        KeptPath::Bytes { bytes } => {
            let bytes = STANDARD.decode(bytes).map_err(de::Error::custom)?;
            from_bytes(bytes).ok_or_else(|| de::Error::custom("a path of another system"))
        }
    }
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere not every path can be taken over")]
fn from_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    Some(std::ffi::OsString::from_vec(bytes).into())
}

#[cfg(not(unix))]
fn from_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    String::from_utf8(bytes).ok().map(Into::into)
}
