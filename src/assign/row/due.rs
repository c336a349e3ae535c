//! Rows that are taken from a day on.

use std::borrow::Cow;

use jiff::civil::Date;

use super::super::columns::{ColumnsError, position_of, quoted};
use super::super::days::{self, FIRST_YEAR, excel, formatted, iso, universal};
use super::super::interpretation::Due;
use super::super::problem::{Problem, ProblemCode};
use super::super::remedy::Remedy;
use crate::input::{Header, KeptAs, Row};

/// The column with the day, and the day that it is.
#[derive(Debug)]
pub(super) struct DueColumn {
    position: usize,
    name: Box<str>,
    format: Option<String>,
    today: Date,
}

impl DueColumn {
    pub(super) fn of(header: &Header, due: &Due) -> Result<Self, ColumnsError> {
        let Due { column, format, today } = due;
        let position = position_of(header, column, || format!("--due {}", quoted(column)))?;
        let name = header.names().get(position).unwrap_or(column).as_str().into();
        Ok(Self { position, name, format: format.clone(), today: *today })
    }

    /// Whether it is this column.
    pub(super) const fn is_at(&self, position: usize) -> bool {
        self.position == position
    }

    /// That the row has no day, where it has none: it is not taken, and nobody should think that it waits.
    pub(super) fn missing(&self, row: &Row<'_>) -> Option<Problem> {
        let (message, remedy) =
            ("the row has no date, so it is not taken", "write the day in, if there is one");
        row.at(self.position)
            .is_empty()
            .then(|| self.told(ProblemCode::NoDate, row, "", message.to_owned(), remedy))
    }

    /// Whether the row's day has come. A row without a day is never due.
    pub(super) fn is_due(&self, row: &Row<'_>) -> Result<bool, Box<Problem>> {
        let cell = row.at(self.position);
        if cell.is_empty() {
            // A day that stands in another cell, or in none yet, is told as that.
            return Ok(row.kept_as(self.position).is_some());
        }
        let kept = row.kept_as(self.position);
        if kept == Some(KeptAs::NumberSince1904) {
            return Err(Box::new(self.since_1904(row, cell)));
        }
        let is_date = kept == Some(KeptAs::Date);
        match if is_date { iso(cell) } else { self.read(cell) } {
            Some(day) if day.year() >= FIRST_YEAR => Ok(day <= self.today),
            other => Err(Box::new(self.problem(row, cell, other))),
        }
    }

    /// Reads a day: as the format says, else as the standard or a spreadsheet has it, where the format could not mean
    /// the same signs otherwise.
    fn read(&self, cell: &str) -> Option<Date> {
        let Some(format) = &self.format else { return excel(cell).or_else(|| iso(cell)) };
        let formatted = |cell: &str| formatted(format, cell);
        let reads = |examples: &[&str]| examples.iter().any(|example| formatted(example).is_some());
        formatted(cell)
            .or_else(|| iso(cell).filter(|_| !reads(&["2001-02-03", "2001-02-03 00:00:00"])))
            .or_else(|| excel(cell).filter(|_| !reads(&["10203", "21011", "01001"])))
    }

    /// A number that is four years further on than it would be in other workbooks.
    fn since_1904(&self, row: &Row<'_>, cell: &str) -> Problem {
        let message = "the day is kept as a plain number, and this workbook counts days from 1904".to_owned();
        self.told(ProblemCode::NotText, row, cell, message, "format the column as a date in Excel")
    }

    /// What is wrong with a cell that is no day, or this one.
    fn problem(&self, row: &Row<'_>, cell: &str, read: Option<Date>) -> Problem {
        let (message, remedy) = match (&self.format, read) {
            (_, Some(day)) => (
                format!("that is the year {}, which has passed long ago", day.year()),
                "write the year with four digits, or %y in --date-format where it has two".into(),
            ),
            (Some(format), None) => (
                format!("not a date in the form of --date-format '{format}'"),
                "correct the date, or --date-format".into(),
            ),
            (None, None) if universal(cell).is_some() => (
                "a time of UTC, which is another day in some places".to_owned(),
                "write the day alone, or say --date-format %Y-%m-%dT%H:%M:%S%.fZ to take the day as it is written"
                    .into(),
            ),
            (None, None) => ("not a date such as 2026-11-30".to_owned(), say_how_it_is_written(cell)),
        };
        self.told(ProblemCode::BadDate, row, cell, message, remedy)
    }

    fn told(
        &self,
        code: ProblemCode,
        row: &Row<'_>,
        cell: &str,
        message: String,
        remedy: impl Into<Remedy>,
    ) -> Problem {
        let at = (row.line(), cell.to_owned());
        Problem::of_column((self.position, &self.name), code, at, message, remedy)
    }
}

/// What to say so that a cell is a day, where it may be one.
fn say_how_it_is_written(cell: &str) -> Cow<'static, str> {
    let formats = days::formats_of(cell);
    let typed = |format: &String| if format.contains(' ') { quoted(format) } else { format.clone() };
    let options: Vec<String> =
        formats.iter().map(|format| format!("--date-format {}", typed(format))).collect();
    match options.as_slice() {
        [] => "say how dates are written with --date-format, as in %d.%m.%Y or %m/%d/%Y".into(),
        [option] => format!("say {option}").into(),
        options => format!("say which it is: {}", options.join(" or ")).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Line;

    fn column(format: Option<&str>) -> DueColumn {
        let header = Header::new(Line::new(1), &["email", "Last Day"]);
        let today = Date::new(2026, 11, 30).unwrap();
        let due = Due { column: "last day".into(), format: format.map(str::to_owned), today };
        DueColumn::of(&header, &due).unwrap()
    }

    #[test]
    fn days_are_read_as_people_and_spreadsheets_write_them() {
        let day = Date::new(2026, 11, 30).ok();
        for cell in [
            "2026-11-30",
            "2026-11-30 00:00:00",
            "2026-11-30T17:30:00",
            "46356",
            "46356.75",
            "2026-11-30T00:00:00.000Z",
        ] {
            assert_eq!(column(None).read(cell), day, "{cell}");
        }
        for cell in ["30.11.2026", "11/30/2026", "soon", "2026", "2026-13-01", "2026-11-30T23:00:00Z"] {
            assert_eq!(column(None).read(cell), None, "{cell}");
        }
        assert_eq!(column(Some("%d.%m.%Y")).read("30.11.2026"), day);
        assert_eq!(column(Some("%m/%d/%Y")).read("11/30/2026"), day);
        for cell in ["2026-11-30T23:00:00Z", "2026-11-30T23:00:00.000Z"] {
            assert_eq!(column(Some("%Y-%m-%dT%H:%M:%S%.fZ")).read(cell), day, "{cell}");
        }
        // What a spreadsheet keeps, and what we write of it, is a day under every format that has no other meaning for it.
        for cell in ["2026-11-30", "2026-11-30 00:00:00", "46356"] {
            assert_eq!(column(Some("%d.%m.%Y")).read(cell), day, "{cell}");
        }
        assert_eq!(column(Some("%Y-%d-%m")).read("2026-30-11"), day);
        assert_eq!(column(Some("%Y-%d-%m")).read("2026-11-30"), None);
        assert_eq!(column(Some("%y%j")).read("26334"), day);
        assert_eq!(column(Some("%y%j")).read("46956"), None);
        assert_eq!(column(Some("%d.%m.%Y")).read("30.13.2026"), None);
    }
}
