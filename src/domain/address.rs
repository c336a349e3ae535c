//! How a person is reached: e-mail address and phone number.

use std::borrow::Cow;
use std::fmt;

use email_address::{EmailAddress as Grammar, Options};

use super::clean::is_invisible;

/// A well-formed e-mail address, as the file gives it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(Box<str>);

/// Why a text is not an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address: {0}")]
pub struct AddressError(String);

impl EmailAddress {
    /// Takes a bare address: no display name, no domain literal, no domain without a dot.
    ///
    /// # Errors
    /// [`AddressError`] with the grammar's reason.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if is_plain(text) {
            return Ok(Self(text.into()));
        }
        let options = Options::default().without_display_text().without_domain_literal().with_required_tld();
        Grammar::parse_with_options(text, options)
            .map(|_| Self(text.into()))
            .map_err(|error| AddressError(error.to_string()))
    }

    /// The address as it travels.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two spellings of one address have in common.
    #[must_use]
    pub fn key(&self) -> String {
        address_key(&self.0).into_owned()
    }
}

/// Whether this is an address as nearly all are: what the grammar makes of it need not be asked.
fn is_plain(text: &str) -> bool {
    let Some(at) = memchr::memchr(b'@', text.as_bytes()) else { return false };
    let (local, domain) = text.as_bytes().split_at(at);
    let domain = domain.get(1..).unwrap_or_default();
    local.len() <= 64
        && domain.len() <= 63
        && domain.contains(&b'.')
        && is_dotted(local, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+'))
        && is_dotted(domain, |byte| byte.is_ascii_alphanumeric())
}

/// Whether the bytes are parts of a word, with single dots, and in a host's name hyphens, between them.
fn is_dotted(bytes: &[u8], is_part: impl Fn(u8) -> bool) -> bool {
    let mut is_open = true;
    for byte in bytes {
        let part = is_part(*byte);
        if !part && (is_open || !matches!(byte, b'.' | b'-')) {
            return false;
        }
        is_open = !part;
    }
    !is_open
}

/// What two spellings of one address have in common: case does not distinguish addresses, nor do blanks
/// around them, characters that nobody sees, or the form in which the domain's name is written.
#[must_use]
pub fn address_key(text: &str) -> Cow<'_, str> {
    let plain = |is_plain: bool, byte: &u8| is_plain & byte.is_ascii_graphic() & !byte.is_ascii_uppercase();
    // Without a branch a byte, since nearly all are.
    if text.as_bytes().iter().fold(true, plain) {
        return Cow::Borrowed(text);
    }
    let seen = visible(text);
    let Some((local, domain)) = seen.rsplit_once('@') else { return Cow::Owned(seen.to_lowercase()) };
    Cow::Owned(format!("{}@{}", local.to_lowercase(), host_key(domain)))
}

/// A host's name in its ASCII form, without case and without the dot of the root.
pub(super) fn host_key(host: &str) -> Cow<'_, str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    idna::domain_to_ascii_cow(host.as_bytes(), idna::AsciiDenyList::EMPTY)
        .unwrap_or_else(|_| Cow::Owned(host.to_lowercase()))
}

/// The text without blanks around it and without characters that nobody sees.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(|character: char| is_invisible(character) || character.is_control()) {
        return Cow::Borrowed(text.trim());
    }
    let seen: String =
        text.chars().filter(|c| !is_invisible(*c) && (!c.is_control() || c.is_whitespace())).collect();
    Cow::Owned(seen.trim().to_owned())
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A phone number in E.164: `+`, a country code that does not begin with 0, at most 15 digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber(Box<str>);

/// The text is not in E.164 form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an E.164 number: a plus sign, then 2 to 15 digits that do not begin with 0")]
pub struct PhoneNumberError;

impl PhoneNumber {
    /// Takes a number in E.164 form only: separators would be sent to the service as they are.
    ///
    /// # Errors
    /// [`PhoneNumberError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, PhoneNumberError> {
        let digits = text.strip_prefix('+').ok_or(PhoneNumberError)?;
        let well_formed = (2..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|b| b.is_ascii_digit());
        well_formed.then(|| Self(text.into())).ok_or(PhoneNumberError)
    }

    /// The number with its plus sign.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_their_spelling_and_share_a_key() {
        let address = EmailAddress::parse("Ada.Lovelace+x@Example.com").unwrap();
        assert_eq!(address.as_str(), "Ada.Lovelace+x@Example.com");
        assert_eq!(address.key(), "ada.lovelace+x@example.com");
    }

    proptest::proptest! {
        #[test]
        fn what_is_taken_at_a_glance_is_an_address_by_the_grammar(
            text in "[a-zA-Z0-9.+_-]{0,70}@([a-zA-Z0-9-]{0,66}\\.){0,4}[a-zA-Z0-9.-]{0,66}",
        ) {
            let options =
                Options::default().without_display_text().without_domain_literal().with_required_tld();
            let by_grammar = Grammar::parse_with_options(&text, options).is_ok();
            proptest::prop_assert!(by_grammar || !is_plain(&text), "{}", text);
        }
    }

    #[test]
    fn most_addresses_are_taken_at_a_glance() {
        for text in ["ada@example.com", "Ada.Love-lace_1+x@Sub.ex-ample.co"] {
            assert!(is_plain(text), "{text}");
        }
        for text in [
            "ada",
            "a@example",
            ".a@example.com",
            "a..b@example.com",
            "a@-b.com",
            "a@b..com",
            "o'h@example.com",
        ] {
            assert!(!is_plain(text), "{text}");
        }
    }

    #[test]
    fn spellings_of_one_address_share_a_key() {
        for (text, key) in [
            ("ada@example.com", "ada@example.com"),
            (" Ada@Example.COM\u{a0}", "ada@example.com"),
            ("\u{feff}ada@exam\u{ad}ple.com\u{200b}", "ada@example.com"),
            ("zoë@BÜCHER.example", "zoë@xn--bcher-kva.example"),
            ("zoë@xn--bcher-kva.example", "zoë@xn--bcher-kva.example"),
            ("zoe\u{2060}@bu\u{308}cher.example", "zoe@xn--bcher-kva.example"),
            ("ada@example。com", "ada@example.com"),
            ("Not An Address", "not an address"),
            ("a@b..c", "a@b..c"),
        ] {
            assert_eq!(address_key(text), key, "{text:?}");
        }
        assert_ne!(address_key("ada@example.com"), address_key("ada@example.org"));
        assert_ne!(address_key("zoe@example.com"), address_key("zoë@example.com"));
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for text in [
            "",
            "user1",
            "user1@example",
            "@example.com",
            "a@",
            "a b@example.com",
            "A <a@example.com>",
            "a@b@c",
            "a@[127.0.0.1]",
        ] {
            assert!(EmailAddress::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_e164_is_a_phone_number() {
        for text in ["+14085550100", "+4930123456", "+123456789012345"] {
            assert!(PhoneNumber::parse(text).is_ok(), "{text}");
        }
        for text in ["", "+", "14085550100", "+0123", "+1 408 555", "+1", "+1234567890123456", "+12a"] {
            assert!(PhoneNumber::parse(text).is_err(), "{text}");
        }
    }
}
