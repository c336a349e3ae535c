//! Numbers among the arguments.

use std::str::FromStr;

/// A number that may be 0.
pub(super) fn whole<T: FromStr>(text: &str) -> Result<T, &'static str> {
    text.parse().map_err(|_| "write a whole number")
}

/// A number that may not.
pub(super) fn counted<T: FromStr>(text: &str) -> Result<T, &'static str> {
    text.parse().map_err(|_| "write a whole number, 1 or more")
}
