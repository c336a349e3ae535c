//! The rows that the page's table shows, as data for its script.

use std::collections::HashMap;
use std::io::Write;

use super::words;
use crate::domain::OperationState;
use crate::journal::AuditRow;
use crate::report::error::ReportError;

/// Gathers what was not done. Texts that come again and again are kept once.
#[derive(Debug, Default)]
pub(super) struct NotDone {
    /// Rows as JSON arrays, one behind the other.
    rows: Vec<u8>,
    count: u64,
    numbers: HashMap<String, usize>,
    texts: Vec<String>,
}

impl NotDone {
    pub(super) fn row(&mut self, row: &AuditRow<'_>) -> Result<(), ReportError> {
        if matches!(row.state, OperationState::Done | OperationState::Unchanged) {
            return Ok(());
        }
        let user = row.email.or(row.person_id).unwrap_or_default();
        let target = self.text(row.target_name.unwrap_or(row.target));
        let state = self.text(words::state(row.state));
        let code = self.text(row.error_code.unwrap_or_default());
        let message = self.text(row.error_message.unwrap_or_default());
        let org = self.text(row.org_id.unwrap_or_default());
        let operation = self.text(row.operation);
        let tracking = self.text(row.tracking_id.unwrap_or_default());
        let updated = self.text(row.updated_at);
        if self.count > 0 {
            self.rows.push(b',');
        }
        self.count += 1;
        let numbers = (row.run_id, row.line, row.item);
        let record = (
            numbers,
            (target, operation, state, code, message),
            (row.http_status.unwrap_or(0), tracking, row.attempts, updated, org),
        );
        let ((run, line, item), (target, operation, state, code, message), rest) = record;
        let (status, tracking, attempts, updated, org) = rest;
        write!(self.rows, "[{run},{line},{item},")?;
        put(&mut self.rows, user)?;
        write!(
            self.rows,
            ",{target},{operation},{state},{code},{message},{status},{tracking},{attempts},{updated},{org}]"
        )?;
        Ok(())
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    fn text(&mut self, text: &str) -> usize {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.texts.len();
        self.numbers.insert(text.to_owned(), number);
        self.texts.push(text.to_owned());
        number
    }

    /// `{"texts":[…],"rows":[[…],…]}`, which no browser takes for markup.
    pub(super) fn write(&self, output: &mut dyn Write) -> Result<(), ReportError> {
        output.write_all(b"{\"texts\":[")?;
        let mut texts = Vec::new();
        for (number, text) in self.texts.iter().enumerate() {
            if number > 0 {
                texts.push(b',');
            }
            put(&mut texts, text)?;
        }
        output.write_all(&texts)?;
        output.write_all(b"],\"rows\":[")?;
        output.write_all(&self.rows)?;
        Ok(output.write_all(b"]}")?)
    }
}

/// A text as JSON in which nothing can end a script element, begin a comment or move a cursor.
fn put(output: &mut Vec<u8>, text: &str) -> Result<(), ReportError> {
    let json = serde_json::to_string(text).map_err(|error| ReportError::Output(error.into()))?;
    for character in json.chars() {
        match character {
            '<' | '>' | '&' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
                write!(output, "\\u{:04x}", u32::from(character))?
            }
            other => write!(output, "{other}")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        let mut json = Vec::new();
        put(&mut json, "</script><!--&\u{2028}\"\n").unwrap();
        let json = String::from_utf8(json).unwrap();
        assert!(!json.contains(['<', '>', '&', '\u{2028}', '\n']), "{json}");
        let back: String = serde_json::from_str(&json).unwrap();
        assert_eq!(back, "</script><!--&\u{2028}\"\n");
    }
}
