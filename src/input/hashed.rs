//! The SHA-256 of what is read, taken while it is read: the hash is of those very bytes.

use std::io::{self, Read};
use std::sync::{Arc, OnceLock};

use sha2::{Digest as _, Sha256};

/// A source whose bytes are hashed as they pass.
pub(super) struct Hashed<R> {
    source: R,
    hash: Sha256,
    sum: HashAtEnd,
}

/// The hash in lower-case hexadecimal digits, once the source has been read to its end.
#[derive(Debug, Clone, Default)]
pub(super) struct HashAtEnd(Arc<OnceLock<String>>);

impl HashAtEnd {
    pub(super) fn get(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

impl<R> Hashed<R> {
    pub(super) fn new(source: R) -> (Self, HashAtEnd) {
        let sum = HashAtEnd::default();
        (Self { source, hash: Sha256::new(), sum: sum.clone() }, sum)
    }

    /// The source, which is then read without being hashed.
    pub(super) fn into_inner(self) -> R {
        self.source
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.hash.update(buffer.get(..read).unwrap_or_default());
        if read == 0 && !buffer.is_empty() {
            let digits = || self.hash.finalize_reset().iter().map(|byte| format!("{byte:02x}")).collect();
            self.sum.0.get_or_init(digits);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_known_at_the_end_and_stays() {
        let (mut source, sum) = Hashed::new(&b"abc"[..]);
        let mut buffer = [0; 2];
        for expected in [2, 1] {
            assert_eq!(source.read(&mut buffer).unwrap(), expected);
            assert_eq!(sum.get(), None);
        }
        assert_eq!(source.read(&mut []).unwrap(), 0);
        assert_eq!(sum.get(), None);
        for _ in 0..2 {
            assert_eq!(source.read(&mut buffer).unwrap(), 0);
            let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
            assert_eq!(sum.get(), Some(expected));
        }
    }
}
