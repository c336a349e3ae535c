//! A spreadsheet's numbers and dates as its sheet shows them.

use std::fmt::Write as _;

use calamine::ExcelDateTime;

/// Digits beyond these are not the number's own.
const DIGITS: i32 = 15;

/// How a cell shows its number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum NumberForm {
    /// As it is.
    #[default]
    General,
    /// A pattern of digits, as in `0000` or `"+"0` or `0.00`.
    Digits { before: String, least: usize, decimals: usize, behind: String, percent: bool },
}

impl NumberForm {
    /// Reads a format's code. What is not a plain pattern of digits shows the number as it is.
    pub(super) fn of(code: &str) -> Self {
        Self::digits(code).unwrap_or_default()
    }

    fn digits(code: &str) -> Option<Self> {
        let (mut before, mut behind) = (String::new(), String::new());
        let (mut least, mut decimals, mut percent) = (0, 0, false);
        let (mut seen, mut point) = (false, false);
        let mut rest = code.chars();
        while let Some(sign) = rest.next() {
            let literal = if seen { &mut behind } else { &mut before };
            match sign {
                ';' => break,
                '"' => literal.extend(rest.by_ref().take_while(|sign| *sign != '"')),
                '\\' => literal.extend(rest.next()),
                '+' | '-' | '(' | ')' | ' ' => literal.push(sign),
                '0' | '#' if !behind.is_empty() => return None,
                '0' | '#' => {
                    seen = true;
                    match (point, sign) {
                        (true, _) => decimals += 1,
                        (false, '0') => least += 1,
                        _ => {}
                    }
                }
                '.' if seen && !point => point = true,
                '%' if seen => {
                    percent = true;
                    behind.push('%');
                }
                // Thousands are left out: a number with separators is text to whoever reads it.
                ',' if seen => {}
                _ => return None,
            }
        }
        seen.then_some(Self::Digits { before, least, decimals, behind, percent })
    }

    /// Writes the number.
    pub(super) fn show(&self, number: f64, text: &mut String) {
        match self {
            Self::General => general(number, text),
            Self::Digits { before, least, decimals, behind, percent } => {
                let number = if *percent { number * 100.0 } else { number };
                if number < 0.0 {
                    text.push('-');
                }
                text.push_str(before);
                let width = if *decimals > 0 { least + decimals + 1 } else { *least };
                let _ = write!(text, "{:0width$.decimals$}", number.abs());
                text.push_str(behind);
            }
        }
    }
}

/// Excel keeps 15 digits; above them it shows powers of ten.
fn general(number: f64, text: &mut String) {
    if number == 0.0 {
        text.push('0');
        return;
    }
    if !number.is_finite() {
        text.push_str("#NUM!");
        return;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a power of ten of a double lies within ±324")]
    let magnitude = number.abs().log10().floor() as i32;
    if !(-9..DIGITS).contains(&magnitude) {
        let _ = write!(text, "{}", scientific(number));
        return;
    }
    let decimals = usize::try_from(DIGITS - 1 - magnitude).unwrap_or(0);
    let start = text.len();
    let _ = write!(text, "{number:.decimals$}");
    if decimals > 0 {
        let shown = text.get(start..).unwrap_or_default().trim_end_matches('0').trim_end_matches('.').len();
        text.truncate(start + shown);
    }
}

/// As in `1.40855E+10`.
fn scientific(number: f64) -> String {
    let text = format!("{number:.5E}");
    let (digits, power) = text.split_once('E').unwrap_or((&text, "0"));
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    match power.strip_prefix('-') {
        Some(power) => format!("{digits}E-{power:0>2}"),
        None => format!("{digits}E+{power:0>2}"),
    }
}

/// Writes a date as `2026-03-31`, with its time where it has one, and a time of day alone as such.
pub(super) fn show_date(date: &ExcelDateTime, text: &mut String) {
    let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
    let value = date.as_f64();
    let has_day = value >= 1.0 && !date.is_duration();
    if has_day {
        let _ = write!(text, "{year:04}-{month:02}-{day:02}");
    }
    if !has_day || value.fract() > 0.0 {
        if has_day {
            text.push(' ');
        }
        let _ = write!(text, "{hour:02}:{minute:02}:{second:02}");
    }
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;

    use super::*;

    fn shown(code: &str, number: f64) -> String {
        let mut text = String::new();
        NumberForm::of(code).show(number, &mut text);
        text
    }

    #[test]
    fn a_number_is_what_the_sheet_shows() {
        for (code, number, expected) in [
            ("General", 2001.0, "2001"),
            ("General", 0.0, "0"),
            ("General", -1.5, "-1.5"),
            ("General", 0.1, "0.1"),
            ("General", 14_085_550_100.0, "14085550100"),
            ("General", 123_456_789_012_345.0, "123456789012345"),
            ("General", 1_234_567_890_123_456.0, "1.23457E+15"),
            ("General", 1e-12, "1E-12"),
            ("0000", 413.0, "0413"),
            ("0000", 20_010.0, "20010"),
            ("0.0", 2001.0, "2001.0"),
            ("#,##0", 2001.0, "2001"),
            ("#,##0.00", 2001.5, "2001.50"),
            ("\"+\"0", 14_085_550_100.0, "+14085550100"),
            ("\\+0", 14_085_550_100.0, "+14085550100"),
            ("+#", 14_085_550_100.0, "+14085550100"),
            ("0%", 0.5, "50%"),
            ("0;(0)", 7.0, "7"),
            ("@", 2001.0, "2001"),
            ("[>1]0", 2001.0, "2001"),
        ] {
            assert_eq!(shown(code, number), expected, "{code}");
        }
    }

    #[test]
    fn dates_are_written_from_the_year_down() {
        let date = |value| ExcelDateTime::new(value, ExcelDateTimeType::DateTime, false);
        for (value, expected) in
            [(46_112.0, "2026-03-31"), (46_112.5, "2026-03-31 12:00:00"), (0.5, "12:00:00")]
        {
            let mut text = String::new();
            show_date(&date(value), &mut text);
            assert_eq!(text, expected);
        }
    }
}
