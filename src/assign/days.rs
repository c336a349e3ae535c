//! Days as people and spreadsheets write them.

use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime;

/// No day before this year is somebody's last one: two digits read as a whole year would be, and all their rows were due.
pub(super) const FIRST_YEAR: i16 = 1900;

/// Ways to write days that can be taken for each other.
const FORMATS: [&str; 15] = [
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
];

/// A day as the standard has it, with or without a time. Of times of UTC only midnight: others are another day
/// elsewhere.
pub(super) fn iso(cell: &str) -> Option<Date> {
    let time = || cell.parse::<DateTime>().ok().or_else(|| universal(cell).filter(is_midnight));
    cell.parse::<Date>().ok().or_else(|| time().map(DateTime::date))
}

/// A time of UTC.
pub(super) fn universal(cell: &str) -> Option<DateTime> {
    cell.strip_suffix(['Z', 'z'])?.parse().ok()
}

fn is_midnight(time: &DateTime) -> bool {
    time.time() == Time::midnight()
}

/// The day of a spreadsheet's number: days since 1899-12-30, the time of day behind the point.
pub(super) fn excel(cell: &str) -> Option<Date> {
    let whole = cell.split_once(['.', ',']).map_or(cell, |(whole, _)| whole);
    let days: i32 = whole.parse().ok().filter(|days| whole.len() == 5 && *days > 0)?;
    let day_0 = Date::new(1899, 12, 30).ok()?;
    day_0.checked_add(jiff::Span::new().days(days)).ok()
}

/// The day of a cell written in this way.
pub(super) fn formatted(format: &str, cell: &str) -> Option<Date> {
    strtime::parse(format, cell).ok()?.to_date().ok()
}

/// Whether a cell looks as if it held a day at all.
pub(super) fn is_like_one(cell: &str) -> bool {
    cell.len() <= 32 && cell.contains(|c: char| c.is_ascii_digit())
}

/// Whether a day may be still to come: any of the days that the cell may mean is, or it cannot be read.
pub(super) fn may_be_to_come(cell: &str, today: Date) -> bool {
    if let Some(day) = iso(cell).or_else(|| excel(cell)) {
        return day > today;
    }
    // Looked at in every row: only those ways are tried that the cell's first separator leaves.
    let separator = cell.bytes().find(|byte| matches!(byte, b'.' | b'/' | b'-' | b' '));
    let formats = FORMATS.iter().filter(|format| format.as_bytes().get(2).copied() == separator);
    let days = formats.filter_map(|format| formatted(format, cell)).filter(|day| day.year() >= FIRST_YEAR);
    let mut days = days.peekable();
    days.peek().is_none() || days.any(|day| day > today)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_that_may_be_to_come_in_any_way_of_writing_it_is() {
        let today = Date::new(2026, 11, 26).unwrap();
        for cell in [
            "2026-11-27",
            "01.12.2026",
            "12/1/2026",
            "1/12/2026",
            "46357",
            "1-Dec-26",
            "Dec 1, 2026",
            "Q1 2027",
            "2026-11-27T00:00:00Z",
        ] {
            assert!(may_be_to_come(cell, today), "{cell}");
        }
        for cell in ["2026-11-26", "2011-03-01 00:00:00", "01.03.2011", "3/1/11", "40603", "1 March 2011"] {
            assert!(!may_be_to_come(cell, today), "{cell}");
        }
    }
}
