//! What to do about a problem.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use crate::domain::Listing;

/// What to do about a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Remedy {
    /// A list to look at first.
    pub listing: Option<Listing>,
    /// In words.
    pub text: Cow<'static, str>,
}

impl Remedy {
    /// The same, after a look at a list.
    pub(super) fn after_a_look_at(self, listing: Listing) -> Self {
        Self { listing: Some(listing), ..self }
    }
}

impl<T: Into<Cow<'static, str>>> From<T> for Remedy {
    fn from(text: T) -> Self {
        Self { listing: None, text: text.into() }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.listing {
            Some(listing) => write!(f, "{listing}. {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

impl Serialize for Remedy {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
