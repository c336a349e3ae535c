//! Addresses of people and of sites.

use super::super::problem::ProblemCode;
use super::CellFault;
use crate::domain::{EmailAddress, SiteUrl};

/// Reads an e-mail address, or says which one the cell seems to hold.
pub(in crate::assign) fn email(cell: &str) -> Result<EmailAddress, CellFault> {
    match EmailAddress::parse(cell) {
        // The grammar allows it, and no mailbox is called so: it is left of a list, a comment or a formula.
        Ok(_) if cell.starts_with(is_sign) => Err(begins_with_sign(cell)),
        Ok(email) if cell.is_ascii() || !cell.contains(is_typographic) => Ok(email),
        _ => Err(super::nothing(cell).map_or_else(|| not_an_address(cell), no_user)),
    }
}

/// The address that a piece of text without a blank may be, whatever stands around it.
pub(in crate::assign) fn address_in(text: &str) -> Option<EmailAddress> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+@".contains(&byte);
    let is_bare = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    if text.bytes().all(is_plain) && is_bare(text.as_bytes().first()) && is_bare(text.as_bytes().last()) {
        return EmailAddress::parse(text).ok();
    }
    EmailAddress::parse(bare(text).trim_start_matches(is_sign)).ok()
}

/// Signs that the grammar of addresses allows at their beginning, all but `_`.
const fn is_sign(c: char) -> bool {
    c.is_ascii_punctuation() && c != '_'
}

fn begins_with_sign(cell: &str) -> CellFault {
    let message = "the address begins with a character that no address begins with";
    match cell.strip_prefix('\'') {
        // What a spreadsheet is told by that a cell is text.
        Some(rest) if EmailAddress::parse(bare(rest).as_str()).is_ok() => {
            CellFault::write(ProblemCode::BadEmail, message, bare(rest).trim_end_matches('\'').to_owned())
        }
        _ => CellFault::new(ProblemCode::BadEmail, message, "write the bare address, or take the row out"),
    }
}

fn no_user(fault: CellFault) -> CellFault {
    CellFault { remedy: "give the user's e-mail address, or a personId".into(), fix: None, ..fault }
}

/// Apostrophes and quotes as word processors write them.
const fn is_typographic(c: char) -> bool {
    matches!(
        c,
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '\u{b4}' | '\u{201c}' | '\u{201d}' | '\u{201e}'
    )
}

fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn not_an_address(cell: &str) -> CellFault {
    let parts = cell.split(|c: char| c.is_whitespace() || matches!(c, ';' | ',' | '|'));
    let addresses: Vec<String> = parts.filter(|part| part.contains('@')).map(bare).collect();
    let mut addresses: Vec<&String> =
        addresses.iter().filter(|address| EmailAddress::parse(address).is_ok()).collect();
    addresses.dedup();
    if let [first, second, ..] = addresses.as_slice() {
        let message = "the cell holds several addresses";
        let remedy = format!("give each a row of its own: {first}, {second}");
        return CellFault::new(ProblemCode::TwoAddresses, message, remedy);
    }
    let whole = bare(cell);
    if whole != cell && EmailAddress::parse(&whole).is_ok() {
        return CellFault::write(ProblemCode::BadEmail, beside(cell), whole);
    }
    // The one address in a text of several words, as in `Ada Lovelace <ada@example.com>`.
    if let ([address], true) = (addresses.as_slice(), cell.contains(['<', '(', '[', '"', ',', ';'])) {
        return CellFault::write(ProblemCode::BadEmail, beside(cell), (*address).clone());
    }
    CellFault::new(ProblemCode::BadEmail, reason(cell), "write the bare address, as in user@example.com")
}

fn beside(cell: &str) -> &'static str {
    if cell.contains(is_unseen) {
        "the address has characters in it that nobody sees"
    } else if cell.contains(is_typographic) {
        "the address has an apostrophe or quote as word processors write it"
    } else {
        "the address has something around it"
    }
}

/// The address without what is often put around it.
fn bare(text: &str) -> String {
    let text: String =
        text.chars()
            .filter(|c| !is_unseen(*c))
            .map(|c| {
                if matches!(c, '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '\u{b4}') {
                    '\''
                } else {
                    c
                }
            })
            .collect();
    let around = |c: char| {
        c.is_whitespace()
            || matches!(c, '<' | '>' | '"' | '(' | ')' | '[' | ']' | ',' | ';' | '.')
            || is_typographic(c)
    };
    let mut text = text.trim_matches(around);
    // Markdown, as in `[ada@example.com](mailto:ada@example.com)`.
    if let Some((first, second)) = text.split_once("](") {
        let second = prefixless(second.trim_matches(around));
        if first.trim_matches(around).eq_ignore_ascii_case(second) {
            text = second;
        }
    }
    let text = prefixless(text).trim_matches(around);
    let quoted = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    quoted.unwrap_or(text).to_owned()
}

fn prefixless(text: &str) -> &str {
    let schemes = ["mailto:", "smtp:", "sip:", "email:", "e-mail:"];
    let scheme = schemes.iter().find(|scheme| {
        text.get(..scheme.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(scheme))
    });
    scheme.map_or(text, |scheme| text.get(scheme.len()..).unwrap_or_default())
}

fn reason(cell: &str) -> &'static str {
    let Some((local, domain)) = cell.split_once('@') else { return "not an e-mail address: it has no @" };
    if domain.contains('@') {
        "not an e-mail address: it has more than one @"
    } else if local.is_empty() {
        "not an e-mail address: nothing stands before the @"
    } else if domain.is_empty() {
        "not an e-mail address: nothing stands behind the @"
    } else if cell.contains(char::is_whitespace) {
        "not an e-mail address: it has a blank in it"
    } else if local.contains("..") || domain.contains("..") {
        "not an e-mail address: two dots stand side by side"
    } else if local.starts_with('.') || local.ends_with('.') {
        "not an e-mail address: the part before the @ begins or ends with a dot"
    } else if !domain.contains('.') {
        "not an e-mail address: the domain has no dot in it"
    } else if local.chars().count() > 64 {
        "not an e-mail address: more than 64 characters stand before the @"
    } else {
        "not an e-mail address: it has a character in it that no address has"
    }
}

/// Reads the host of a meetings site.
pub(in crate::assign) fn site(cell: &str) -> Result<SiteUrl, CellFault> {
    let label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-') && !label.starts_with('-')
    };
    let is_host = |text: &str| text.contains('.') && text.split('.').all(label);
    if is_host(cell)
        && let Some(site) = SiteUrl::parse(cell)
    {
        return Ok(site);
    }
    if let Some(fault) = super::nothing(cell) {
        return Err(fault);
    }
    let behind = cell.split_once("://").map_or(cell, |(_, rest)| rest);
    let host = behind.split(['/', ':', '?', '#']).next().unwrap_or_default().trim_matches(['.', ' ']);
    let code = ProblemCode::BadSite;
    if host != cell && is_host(host) {
        return Err(CellFault::write(
            code,
            "the address of a page where the site's bare host is meant",
            host.to_owned(),
        ));
    }
    Err(CellFault::new(code, "not the host of a site", "write the bare host, as in example.webex.com"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fix(cell: &str) -> Option<String> {
        email(cell).unwrap_err().fix
    }

    #[test]
    fn honest_addresses_pass() {
        for cell in [
            "o'brien@example.com",
            "o''brien@example.com",
            "O'BRIEN@EXAMPLE.COM",
            "user+webex@example.com",
            "josé@example.com",
            "user@bücher.example",
            "user@xn--bcher-kva.example",
            "user#EXT#@example.com",
        ] {
            assert!(email(cell).is_ok(), "{cell}");
        }
    }

    #[test]
    fn the_address_in_a_cell_is_what_to_write() {
        for (cell, address) in [
            ("mailto:user3@example.com", "user3@example.com"),
            ("SMTP:user13@example.com", "user13@example.com"),
            ("User Four <user4@example.com>", "user4@example.com"),
            ("<user5@example.com>", "user5@example.com"),
            ("user6@example.com,", "user6@example.com"),
            ("user12@example.com.", "user12@example.com"),
            ("[user14@example.com](mailto:user14@example.com)", "user14@example.com"),
            ("'user@example.com'", "user@example.com"),
            ("\"user@example.com\"", "user@example.com"),
            ("o\u{2019}brien@example.com", "o'brien@example.com"),
            ("user\u{200b}1@example.com", "user1@example.com"),
        ] {
            assert_eq!(fix(cell).as_deref(), Some(address), "{cell}");
        }
    }

    #[test]
    fn what_is_not_certain_is_not_proposed() {
        for cell in [
            "user 8@example.com",
            "user9@example",
            "user10@@example.com",
            "user11@example..com",
            "nobody",
            "user.@example.com",
            "@example.com",
            "user@",
        ] {
            let fault = email(cell).unwrap_err();
            assert_eq!((fault.code, fault.fix), (ProblemCode::BadEmail, None), "{cell}");
            assert!(!fault.message.contains("character in it that no"), "{cell}: {}", fault.message);
        }
        for cell in ["user1@example.com\nuser1b@example.com", "user2@example.com; user2b@example.com"] {
            assert_eq!(email(cell).unwrap_err().code, ProblemCode::TwoAddresses, "{cell}");
        }
    }

    #[test]
    fn no_address_begins_with_a_sign() {
        for cell in [
            "#user2@example.com",
            "-user@example.com",
            "=user@example.com",
            "*user@example.com",
            "+u@example.com",
        ] {
            let fault = email(cell).unwrap_err();
            assert_eq!((fault.code, fault.fix), (ProblemCode::BadEmail, None), "{cell}");
            assert!(fault.message.contains("begins with a character"), "{cell}: {}", fault.message);
        }
        assert_eq!(fix("'user@example.com").as_deref(), Some("user@example.com"));
        assert!(email("_service@example.com").is_ok());
    }

    #[test]
    fn a_site_is_a_bare_host() {
        assert_eq!(site("Meet.example.com").unwrap().as_str(), "Meet.example.com");
        for cell in [
            "https://meet.example.com/",
            "meet.example.com/join?x=1",
            "http://meet.example.com:443",
            "meet.example.com.",
        ] {
            assert_eq!(site(cell).unwrap_err().fix.as_deref(), Some("meet.example.com"), "{cell}");
        }
        for cell in ["meet", "a b.example.com", "https://", "N/A"] {
            assert!(site(cell).unwrap_err().fix.is_none_or(|fix| fix.is_empty()), "{cell}");
        }
    }
}
