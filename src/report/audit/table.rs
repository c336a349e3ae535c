//! The audit report as CSV: a line per operation.

use std::io::Write;

use super::{Audited, ReportOptions};
use crate::journal::{AuditRow, OperationRow};
use crate::report::error::ReportError;
use crate::report::spreadsheet::defused;

pub(super) fn write(
    runs: &[Audited<'_>],
    telling: &ReportOptions<'_>,
    output: &mut dyn Write,
) -> Result<(), ReportError> {
    let mut writer = csv::WriterBuilder::new().buffer_capacity(1 << 16).from_writer(output);
    writer.write_record(OperationRow::COLUMNS)?;
    for Audited { reader, run } in runs {
        reader.audit(run.run, telling.user, |row| write_row(&mut writer, row))?;
    }
    Ok(writer.flush()?)
}

/// The columns are named by [`OperationRow::COLUMNS`], in the order of the view.
fn write_row(writer: &mut csv::Writer<&mut dyn Write>, row: &AuditRow<'_>) -> Result<(), ReportError> {
    let mut digits = [Digits::default(); 5];
    let [run, line, status, attempts, item] = &mut digits;
    let texts = [
        run.of(row.run_id),
        line.of(row.line),
        row.email.unwrap_or_default(),
        row.person_id.unwrap_or_default(),
        row.org_id.unwrap_or_default(),
        row.kind,
        row.target,
        row.operation,
        row.state.as_str(),
        row.error_code.unwrap_or_default(),
        row.error_message.unwrap_or_default(),
        row.http_status.map_or("", |code| status.of(code.into())),
        row.tracking_id.unwrap_or_default(),
        attempts.of(row.attempts),
        row.updated_at,
        item.of(row.item.into()),
        row.target_name.unwrap_or_default(),
    ];
    for text in texts {
        if is_harmless(text) {
            writer.write_field(text)?;
        } else {
            writer.write_field(defused(text).as_bytes())?;
        }
    }
    Ok(writer.write_record(None::<&[u8]>)?)
}

/// Whether there is surely nothing to defuse: nearly every cell begins with a letter or a digit and is printable.
fn is_harmless(text: &str) -> bool {
    text.as_bytes().first().is_none_or(u8::is_ascii_alphanumeric)
        && text.bytes().all(|byte| (b' '..0x7f).contains(&byte))
}

/// A number in digits, without a string of its own.
#[derive(Debug, Clone, Copy, Default)]
struct Digits {
    text: [u8; 10],
}

impl Digits {
    fn of(&mut self, mut number: u32) -> &str {
        let mut from = self.text.len();
        for digit in self.text.iter_mut().rev() {
            *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
            number /= 10;
            from -= 1;
            if number == 0 {
                break;
            }
        }
        self.text.get(from..).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_out() {
        for number in [0, 7, 10, 429, 1_000_000, u32::MAX] {
            assert_eq!(Digits::default().of(number), number.to_string());
        }
    }

    #[test]
    fn harmless_is_what_needs_no_defusing() {
        for text in [
            "",
            "user1@example.com",
            "Webex Calling - Professional",
            "2026-11-25T20:00:00.000Z",
            "a\tb",
            "=1",
            "é",
        ] {
            assert!(!is_harmless(text) || defused(text) == text, "{text}");
        }
        assert!(is_harmless("user1@example.com") && !is_harmless("+1") && !is_harmless("a\nb"));
    }
}
