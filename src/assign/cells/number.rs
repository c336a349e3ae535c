//! Phone numbers and extensions, as spreadsheets leave them.

use super::super::problem::ProblemCode;
use super::super::words;
use super::CellFault;
use crate::domain::PhoneNumber;

/// Reads a phone number in E.164 form.
pub(in crate::assign) fn phone_number(cell: &str) -> Result<PhoneNumber, CellFault> {
    PhoneNumber::parse(cell).map_err(|_| super::nothing(cell).unwrap_or_else(|| not_a_number(cell)))
}

fn not_a_number(cell: &str) -> CellFault {
    let code = ProblemCode::BadPhoneNumber;
    if is_scientific(cell) {
        return CellFault::new(
            code,
            "a spreadsheet has rounded this number, and its digits are lost",
            "format the column as text, and put the numbers in again",
        );
    }
    if cell.starts_with("REMOVE|") {
        return CellFault::new(code, "seatbatch does not take phone numbers away", "empty the cell");
    }
    let plain: String = cell.chars().filter(char::is_ascii_digit).collect();
    let separators = cell
        .chars()
        .all(|c| c.is_ascii_digit() || c.is_whitespace() || "+-./()\u{2011}\u{2013}\u{a0}".contains(c));
    let message = "not an E.164 number: a plus sign, then 2 to 15 digits that do not begin with 0";
    if separators && cell.starts_with('+') && !cell.contains("(0)") {
        let number = format!("+{plain}");
        if PhoneNumber::parse(&number).is_ok() {
            return CellFault::write(code, message, number);
        }
    }
    CellFault::new(
        code,
        message,
        "write it as +14085550100; spreadsheets drop the plus sign unless the cell is text",
    )
}

/// As in `1.40856E+10`, with a comma in some languages.
fn is_scientific(cell: &str) -> bool {
    let Some((digits, exponent)) = cell.split_once(['E', 'e']) else { return false };
    let digits_ok =
        !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '-'));
    let exponent = exponent.trim_start_matches(['+', '-']);
    digits_ok && !exponent.is_empty() && exponent.chars().all(|c| c.is_ascii_digit())
}

/// What a spreadsheet has made of an ID, if that is what it looks like.
pub(super) fn made_of(cell: &str) -> Option<&'static str> {
    if cell.len() > 24 {
        return None;
    }
    let decimal = cell.strip_suffix(".0").or_else(|| cell.strip_suffix(",0"));
    let is_decimal =
        decimal.is_some_and(|whole| !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit()));
    if is_decimal || (is_scientific(cell) && cell.contains("E+")) {
        Some("a number")
    } else if words::boolean(cell).is_some() {
        Some("TRUE or FALSE")
    } else if is_month(cell) {
        Some("a date")
    } else {
        None
    }
}

/// As in `04-Dec` or `Dec-04`, in the months' English letters.
fn is_month(cell: &str) -> bool {
    let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let Some((one, other)) = cell.split_once('-') else { return false };
    let is_day = |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_month = |text: &str| months.contains(&text.to_ascii_lowercase().as_str());
    (is_day(one) && is_month(other)) || (is_month(one) && is_day(other))
}

/// Reads an extension: 2 to 10 digits.
pub(in crate::assign) fn extension(cell: &str) -> Result<&str, CellFault> {
    if is_extension(cell) {
        return Ok(cell);
    }
    Err(super::nothing(cell).unwrap_or_else(|| not_an_extension(cell)))
}

fn is_extension(text: &str) -> bool {
    (2..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn not_an_extension(cell: &str) -> CellFault {
    let code = ProblemCode::BadExtension;
    let message = "not an extension: 2 to 10 digits from 0 to 9";
    let as_text = "format the column as text, and put the extensions in again";
    if is_scientific(cell) {
        return CellFault::new(
            code,
            "a spreadsheet has rounded this extension, and its digits are lost",
            as_text,
        );
    }
    if is_date(cell) {
        return CellFault::new(code, "a spreadsheet has turned this extension into a date", as_text);
    }
    let decimal = cell.strip_suffix(".0").or_else(|| cell.strip_suffix(",0"));
    if let Some(whole) = decimal.filter(|whole| is_extension(whole)) {
        return CellFault::write(
            code,
            "a spreadsheet has turned this extension into a number with a decimal point",
            whole.to_owned(),
        );
    }
    let lower = cell.to_ascii_lowercase();
    let named = ["extension", "ext.", "ext", "x"].iter().find_map(|word| lower.strip_prefix(word));
    if let Some(bare) =
        named.map(|rest| rest.trim_start_matches([' ', ':', '.'])).filter(|bare| is_extension(bare))
    {
        return CellFault::write(code, message, bare.to_owned());
    }
    let digits: Option<String> =
        cell.chars().map(|c| western(c).map(|digit| char::from(b'0' + digit))).collect();
    if let Some(digits) = digits.filter(|digits| is_extension(digits)) {
        return CellFault::write(code, message, digits);
    }
    CellFault::new(code, message, "write the digits alone, as in 2001")
}

/// The value of an Arabic or full-width digit, beside ours.
fn western(c: char) -> Option<u8> {
    let zero = ['0', '\u{660}', '\u{6f0}', '\u{966}', '\u{ff10}']
        .into_iter()
        .find(|zero| (u32::from(*zero)..u32::from(*zero) + 10).contains(&u32::from(c)))?;
    u8::try_from(u32::from(c) - u32::from(zero)).ok()
}

/// As in `04-Dec`, what a spreadsheet makes of `04-12`.
fn is_date(cell: &str) -> bool {
    let Some((day, month)) = cell.split_once(['-', '.', '/', ' ']) else { return false };
    let (digits, word) =
        if day.starts_with(|c: char| c.is_ascii_digit()) { (day, month) } else { (month, day) };
    digits.chars().all(|c| c.is_ascii_digit())
        && (3..=5).contains(&word.chars().count())
        && word.trim_end_matches('.').chars().all(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_is_two_to_ten_digits() {
        for cell in ["2001", "00", "0413", "1234567890"] {
            assert_eq!(extension(cell), Ok(cell));
        }
        for (cell, fix) in [
            ("2001.0", Some("2001")),
            ("nan", Some("")),
            ("None", Some("")),
            ("1E+03", None),
            ("2,001", None),
            ("x2005", Some("2005")),
            ("20 01", None),
            ("+2001", None),
            ("1", None),
            ("12345678901", None),
            ("٢٠٠١", Some("2001")),
            ("04-Dec", None),
            ("Dec-04", None),
        ] {
            let fault = extension(cell).unwrap_err();
            assert_eq!(fault.fix.as_deref(), fix, "{cell}: {}", fault.message);
        }
        assert!(extension("04-Dec").unwrap_err().message.contains("date"));
    }

    #[test]
    fn a_number_whose_plus_is_there_loses_its_separators() {
        assert_eq!(phone_number("+1 (408) 555-0102").unwrap_err().fix.as_deref(), Some("+14085550102"));
        for cell in ["14085550103", "(408) 555-0102", "938702929", "14-08-5550106", "+49 (0)30 1234567"] {
            assert_eq!(phone_number(cell).unwrap_err().fix, None, "{cell}");
        }
        for cell in ["1.40856E+10", "1,40856E+10"] {
            assert!(phone_number(cell).unwrap_err().remedy.text.contains("as text"), "{cell}");
        }
        assert_eq!(phone_number("#N/A").unwrap_err().code, ProblemCode::WordForNothing);
    }
}
