//! A list of addresses as people keep it: one a line or several, with names around them, under a header or none.

use super::cells;
use super::field::Field;
use super::words;
use crate::domain::{EmailAddress, Line, address_key};

/// A line of such a list of which nobody can tell whom it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressFault {
    /// The line.
    pub line: Line,
    /// What cannot be read.
    pub text: String,
    /// Why.
    pub what: String,
}

/// The addresses of a text by their keys, sorted, each once.
///
/// # Errors
/// Every line that names nobody and is no header, comment or blank.
pub fn addresses(text: &str) -> Result<Vec<String>, Vec<AddressFault>> {
    let (mut keys, mut faults, mut is_begun) = (Vec::new(), Vec::new(), false);
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if line.is_empty() || (!std::mem::replace(&mut is_begun, true) && is_header(line)) {
            continue;
        }
        let fault =
            |text: &str, what: String| AddressFault { line: Line::new(number), text: text.to_owned(), what };
        if !line.contains('@') {
            if !line.starts_with('#') {
                faults.push(fault(line, "there is no address in it".to_owned()));
            }
            continue;
        }
        for word in line.split(is_apart).filter(|word| word.contains('@')) {
            match address(word) {
                Ok(email) => keys.push(address_key(&email).into_owned()),
                Err(what) => faults.push(fault(word, what)),
            }
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

/// Signs that stand between addresses, or around them.
const fn is_apart(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ';' | '|' | '"' | '<' | '>' | '(' | ')' | '[' | ']')
}

/// One address, by the rules of a file's cells; what is certainly meant is taken.
fn address(word: &str) -> Result<String, String> {
    match cells::email(word) {
        Ok(email) => Ok(email.as_str().to_owned()),
        Err(fault) => fault.fix.filter(|fix| EmailAddress::parse(fix).is_ok()).ok_or(fault.message),
    }
}

/// Whether a line names a column of users.
fn is_header(line: &str) -> bool {
    let cells = line.split([',', ';', '\t']);
    let names = cells.map(|cell| cell.trim().trim_matches('"'));
    names.filter_map(words::field).any(|field| Field::USER.contains(&field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_among_names_under_a_header_and_in_any_spelling() {
        let text = "\u{feff}\nName;E-Mail\n# the board\n\"Boss\" <U1@Example.com>; u2@example.com\r\n\nmailto:u3@example.com\nu1@example.com\n";
        assert_eq!(addresses(text).unwrap(), ["u1@example.com", "u2@example.com", "u3@example.com"]);
    }

    #[test]
    fn what_cannot_be_read_is_told_line_by_line() {
        let faults =
            addresses("boss\nu1@example.com, u2@example\nThe whole board\n#u3@example.com\n").unwrap_err();
        let told: Vec<(u32, &str)> =
            faults.iter().map(|fault| (fault.line.get(), fault.text.as_str())).collect();
        assert_eq!(told, [(1, "boss"), (2, "u2@example"), (3, "The whole board"), (4, "#u3@example.com")]);
    }
}
