//! Days as people and spreadsheets write them.

use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime;

/// No day before this year is somebody's last one: two digits read as a whole year would be, and all their rows were due.
pub(super) const FIRST_YEAR: i16 = 1900;

/// Ways to write days that can be taken for each other.
const FORMATS: [&str; 17] = [
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%d %B %Y",
    "%d. %B %Y",
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
    let mut days = readings(cell).map(|(_, day)| day).peekable();
    days.peek().is_none() || days.any(|day| day > today)
}

/// The days that a cell may mean, each by the way in which it would be written.
fn readings(cell: &str) -> impl Iterator<Item = (&'static str, Date)> {
    // Looked at in every row: only those ways are tried that the cell's first separator leaves.
    let separator = cell.bytes().find(|byte| matches!(byte, b'.' | b'/' | b'-' | b' '));
    let formats = FORMATS.iter().filter(move |format| format.as_bytes().get(2).copied() == separator);
    let days = formats.filter_map(move |format| Some((*format, formatted(format, cell)?)));
    days.filter(|(_, day)| day.year() >= FIRST_YEAR)
}

/// The formats in which a cell may be written, with its time of day where it has one.
pub(super) fn formats_of(cell: &str) -> Vec<String> {
    let times = [" %H:%M", " %H:%M:%S"];
    let (day, time) = match cell.rsplit_once(' ') {
        Some((day, time)) if time.contains(':') => match times.iter().find(|format| is_time(format, time)) {
            Some(format) => (day, *format),
            None => return Vec::new(),
        },
        _ => (cell, ""),
    };
    readings(day).map(|(format, _)| format!("{format}{time}")).collect()
}

fn is_time(format: &str, time: &str) -> bool {
    strtime::parse(format.trim_start(), time).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_in_which_a_day_may_be_written_are_told() {
        for (cell, formats) in [
            ("30/11/2026", &["%d/%m/%Y"][..]),
            ("11/30/2026", &["%m/%d/%Y"]),
            ("05/06/2026", &["%d/%m/%Y", "%m/%d/%Y"]),
            ("30.11.26", &["%d.%m.%y"]),
            ("2026/11/30", &["%Y/%m/%d"]),
            ("30-Nov-2026", &["%d-%b-%Y"]),
            ("November 30, 2026", &["%B %d, %Y"]),
            ("1. November 2026", &["%d. %B %Y"]),
            ("30/11/2026 00:00", &["%d/%m/%Y %H:%M"]),
            ("30.11.2026 17:30:00", &["%d.%m.%Y %H:%M:%S"]),
            ("soon", &[]),
            ("30.11.2026 ab:c", &[]),
            ("31.11.2026", &[]),
            ("2026", &[]),
        ] {
            assert_eq!(formats_of(cell), formats, "{cell}");
            assert!(formats.iter().all(|format| formatted(format, cell).is_some()), "{cell}");
        }
    }

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
