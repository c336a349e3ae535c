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

/// The longest decoded ID that is looked into. Those of the service have some 90 bytes.
const LONGEST: usize = 384;

/// What an encoded ID says: `<KIND>/<rest>`, which cluster it is from aside.
struct Meaning {
    bytes: [u8; LONGEST],
    from: usize,
    to: usize,
    kind: usize,
}

impl Meaning {
    /// Reads base64 in either alphabet, padded or not; `None` where the text does not decode to a
    /// `ciscospark:` URI.
    fn of(encoded: &str) -> Option<Self> {
        // What every Webex ID begins with: `ciscospark://` up to the last whole group of three bytes.
        const BEGINNING: &str = "Y2lzY29zcGFyazov";
        if !encoded.starts_with(BEGINNING) {
            return None;
        }
        let mut bytes = [0; LONGEST];
        let to = STANDARD
            .decode_slice(encoded, &mut bytes)
            .or_else(|_| URL_SAFE.decode_slice(encoded, &mut bytes))
            .ok()?;
        let text = std::str::from_utf8(bytes.get(..to)?).ok()?;
        let (_cluster, meaning) = text.strip_prefix("ciscospark://")?.split_once('/')?;
        let kind = meaning.find('/')?;
        let from = to - meaning.len();
        Some(Self { bytes, from, to, kind })
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(self.from..self.to).unwrap_or_default()
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    fn kind(&self) -> &str {
        self.as_str().get(..self.kind).unwrap_or_default()
    }

    fn rest(&self) -> &str {
        self.as_str().get(self.kind + 1..).unwrap_or_default()
    }
}

/// Hands over what an ID says, in bytes that two spellings of one ID have in common: what it decodes
/// to, the cluster aside, or its own bytes where it does not decode. Nothing is allocated.
pub fn with_id_key<R>(id: &str, then: impl FnOnce(&[u8]) -> R) -> R {
    let id = id.trim();
    match Meaning::of(id) {
        Some(meaning) => then(meaning.as_bytes()),
        None => then(id.as_bytes()),
    }
}

/// What an ID says, apart from how it is spelled: equal for two spellings of one ID.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdKey(Box<[u8]>);

impl IdKey {
    /// Of an ID from anywhere.
    #[must_use]
    pub fn of(id: &str) -> Self {
        with_id_key(id, |bytes| Self(bytes.into()))
    }

    /// The bytes that spellings of one ID have in common.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// IDs that do not decode are accepted: the service owns their form and may change it.
fn checked(text: &str, expected: IdKind) -> Result<Arc<str>, IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    match Meaning::of(text) {
        Some(found) if found.kind() != expected.marker() => {
            Err(IdError::WrongKind { expected, found: found.kind().to_owned() })
        }
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

            /// What it has in common with every other spelling of the same ID.
            #[must_use]
            pub fn key(&self) -> IdKey {
                IdKey::of(&self.0)
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
        let is_license = Meaning::of(text).is_some_and(|id| id.kind() == IdKind::License.marker());
        is_license.then(|| Self(text.into()))
    }

    /// The organization that the license belongs to, where the ID says it: what the [`OrgId`] of that
    /// organization has as its key.
    #[must_use]
    pub fn organization(&self) -> Option<IdKey> {
        let meaning = Meaning::of(&self.0)?;
        let (org, _license) = meaning.rest().split_once(':')?;
        Some(IdKey(format!("{}/{org}", IdKind::Organization.marker()).into_bytes().into()))
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
    fn spellings_of_one_id_share_a_key_and_other_ids_do_not() {
        let padded = |uri: &str| base64::engine::general_purpose::STANDARD.encode(uri);
        let url_safe = |uri: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(uri);
        for uri in
            ["ciscospark://us/PEOPLE/1f2e", "ciscospark://us/PEOPLE/1f2e?>", "ciscospark://us/PEOPLE/1~~~"]
        {
            let other_cluster = uri.replace("//us/", "//urn:TEAM:us-east-2_a/");
            for spelling in
                [padded(uri), url_safe(uri), encoded(&other_cluster), format!(" {} ", encoded(uri))]
            {
                assert_eq!(IdKey::of(&spelling), IdKey::of(&encoded(uri)), "{uri}: {spelling}");
            }
        }
        let key = |uri| IdKey::of(&encoded(uri));
        assert_ne!(key("ciscospark://us/PEOPLE/1f2e"), key("ciscospark://us/PEOPLE/1f2f"));
        assert_ne!(key("ciscospark://us/PEOPLE/1f2e"), key("ciscospark://us/LICENSE/1f2e"));
        // What does not decode is what it is.
        assert_eq!(IdKey::of("L1").as_bytes(), b"L1");
        assert_ne!(IdKey::of("L1"), IdKey::of("l1"));
        assert_ne!(IdKey::of("L1="), IdKey::of("L1"));
        let endless = encoded(&format!("ciscospark://us/PEOPLE/{}", "1".repeat(2000)));
        assert_eq!(IdKey::of(&endless).as_bytes(), endless.as_bytes());
    }

    #[test]
    fn a_license_says_whose_it_is() {
        let org = "5a4d1c00-0000-4000-8000-00000000c0de";
        let license = encoded(&format!("ciscospark://us/LICENSE/{org}:MS_5eba0000-0000"));
        let of_org = OrgId::parse(&encoded(&format!("ciscospark://eu/ORGANIZATION/{org}"))).unwrap();
        assert_eq!(LicenseId::parse(&license).unwrap().organization(), Some(of_org.key()));
        let silent = encoded("ciscospark://us/LICENSE/MS_5eba");
        for other in [silent.as_str(), "L1"] {
            assert_eq!(LicenseId::parse(other).unwrap().organization(), None);
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
