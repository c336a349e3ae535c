//! Webex IDs: unpadded base64 of `ciscospark://<cluster>/<KIND>/<rest>`.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// What an ID names, as it stands in the decoded ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdKind {
    /// `PEOPLE`
    Person,
    /// `LICENSE`
    License,
    /// `LOCATION`
    Location,
    /// `ORGANIZATION`
    Organization,
}

impl IdKind {
    const fn marker(self) -> &'static str {
        match self {
            Self::Person => "PEOPLE",
            Self::License => "LICENSE",
            Self::Location => "LOCATION",
            Self::Organization => "ORGANIZATION",
        }
    }
}

impl fmt::Display for IdKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.marker())
    }
}

/// Why a text cannot be an ID of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing there.
    #[error("the ID is empty")]
    Empty,
    /// It decodes, and names something else.
    #[error("this is the ID of a {found}, not of a {expected}")]
    WrongKind {
        /// The kind that belongs here.
        expected: IdKind,
        /// The kind that the decoded ID carries.
        found: String,
    },
}

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The kind that an encoded ID names; `None` where it does not decode to a `ciscospark:` URI.
fn decoded_kind(encoded: &str) -> Option<String> {
    let bytes = STANDARD.decode(encoded).or_else(|_| URL_SAFE.decode(encoded)).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (_cluster, rest) = text.strip_prefix("ciscospark://")?.split_once('/')?;
    rest.split_once('/').map(|(kind, _)| kind.to_owned())
}

/// IDs that do not decode are accepted: the service owns their form and may change it.
fn checked(text: &str, expected: IdKind) -> Result<Arc<str>, IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    match decoded_kind(text) {
        Some(found) if found != expected.marker() => Err(IdError::WrongKind { expected, found }),
        _ => Ok(text.into()),
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes any non-empty text that does not decode to an ID of another kind.
            ///
            /// # Errors
            /// [`IdError`] for an empty text or an ID of another kind.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                checked(text, $kind).map(Self)
            }

            /// The ID as it travels.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// The ID of a person.
    PersonId,
    IdKind::Person
);
id!(
    /// The ID of a license.
    LicenseId,
    IdKind::License
);
id!(
    /// The ID of a Webex Calling location.
    LocationId,
    IdKind::Location
);
id!(
    /// The ID of an organization.
    OrgId,
    IdKind::Organization
);

impl LicenseId {
    /// The ID, where the text decodes to one of a license; `None` where it may as well be a name.
    #[must_use]
    pub fn recognized(text: &str) -> Option<Self> {
        (decoded_kind(text).as_deref() == Some(IdKind::License.marker())).then(|| Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(uri: &str) -> String {
        base64::engine::general_purpose::STANDARD_NO_PAD.encode(uri)
    }

    #[test]
    fn an_id_of_the_right_kind_is_taken_from_any_cluster() {
        for cluster in ["us", "eu-central-1"] {
            let id = encoded(&format!("ciscospark://{cluster}/PEOPLE/1f2e"));
            assert_eq!(PersonId::parse(&id).unwrap().as_str(), id);
        }
    }

    #[test]
    fn an_id_of_another_kind_says_both_kinds() {
        let id = encoded("ciscospark://us/PEOPLE/1f2e");
        let error = LicenseId::parse(&id).unwrap_err();
        assert_eq!(error.to_string(), "this is the ID of a PEOPLE, not of a LICENSE");
    }

    #[test]
    fn padding_and_the_url_safe_alphabet_are_understood() {
        let uri = "ciscospark://us/LICENSE/aa?>~~";
        for text in [
            base64::engine::general_purpose::STANDARD.encode(uri),
            base64::engine::general_purpose::URL_SAFE.encode(uri),
        ] {
            assert!(LicenseId::recognized(&text).is_some(), "{text}");
            assert!(PersonId::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_does_not_decode_is_accepted_and_not_recognized() {
        for text in ["LIC-1", "Webex Calling - Professional", "aGVsbG8"] {
            assert!(LicenseId::parse(text).is_ok());
            assert!(LicenseId::recognized(text).is_none());
        }
        assert_eq!(OrgId::parse(""), Err(IdError::Empty));
    }
}
