//! Problems of one kind as people read them: the first with their lines, a mark under the cell, the remedy once.

use std::fmt::Write as _;
use std::ops::Range;

use super::context::Context;
use super::output::{Output, any_columns};
use crate::assign::{Problem, Severity};
use crate::domain::Printable;
use crate::input::{Excerpt, Excerpts};

/// Where no terminal says how wide it is.
const WIDTH: usize = 100;
/// How far rows are set in.
const INDENT: usize = 4;

/// Problems of one kind.
pub(super) struct Shown<'a> {
    pub(super) context: &'a Context,
    pub(super) count: u64,
    /// Whether it is names that are counted, each told once for all its rows.
    pub(super) are_names: bool,
    /// The first of them.
    pub(super) first: &'a [Problem],
    /// Their values with how often they came, where that says more.
    pub(super) values: &'a [(String, u64)],
    pub(super) excerpts: &'a Excerpts,
}

/// As lines of text.
pub(super) fn shown(kind: &Shown<'_>) -> String {
    let Some(problem) = kind.first.first() else { return String::new() };
    let code = problem.code.as_str();
    let word = Output::severity(problem.severity());
    if problem.is_remark() && kind.count == 1 {
        let remedy = if problem.severity() == Severity::Note {
            String::new()
        } else {
            format!("; {}", problem.remedy)
        };
        return format!("{word} line {}: {}{remedy} [{code}]\n", problem.line, problem.message);
    }
    let width = any_columns().unwrap_or(WIDTH);
    let mut text = if kind.count == 1 {
        format!("{word} {code}\n")
    } else {
        let what = if kind.are_names { "names" } else { "times" };
        format!("{word} {code}, {} {what}\n", kind.context.output.number(kind.count))
    };
    let same_remedy = kind.first.iter().all(|other| other.remedy == problem.remedy);
    let mut before = None;
    for problem in kind.first {
        let _ = writeln!(text, "  {}: {}", place(problem), Printable(&problem.message));
        // Two entries of one cell stand in one row.
        let again = before.replace((problem.line, problem.cell)) == Some((problem.line, problem.cell));
        if !again && let Some(excerpt) = kind.excerpts.row(problem.line) {
            let cell = problem.cell.or_else(|| kind.excerpts.column(&problem.column));
            text.push_str(&marked(excerpt, cell, width));
        }
        if !same_remedy {
            remedy(&mut text, problem, kind.context);
        }
    }
    let left = kind.count.saturating_sub(kind.first.len() as u64);
    if left > 0 {
        let more = kind.context.output.number(left);
        let _ = match (kind.are_names, left) {
            (true, 1) => writeln!(text, "  and 1 more name"),
            (true, _) => writeln!(text, "  and {more} more names"),
            (false, _) => writeln!(text, "  and {more} more"),
        };
    }
    if !kind.values.is_empty() {
        let what = if kind.are_names { "row" } else { "time" };
        let each = |(value, count): &(String, u64)| {
            format!("'{}' {}", Printable(value), kind.context.output.amount(*count, what))
        };
        let _ = writeln!(text, "  in all: {}", kind.values.iter().map(each).collect::<Vec<_>>().join(", "));
    }
    if same_remedy {
        remedy(&mut text, problem, kind.context);
    }
    text
}

fn place(problem: &Problem) -> String {
    if problem.column == "row" {
        return format!("line {}", problem.line);
    }
    let (column, value) = (Printable(&problem.column), Printable(&problem.value));
    format!("line {}, column {column}, value '{value}'", problem.line)
}

fn remedy(text: &mut String, problem: &Problem, context: &Context) {
    let remedy = Printable(&problem.remedy.text);
    let _ = match problem.remedy.listing {
        // What follows begins a line of its own, so that the command can be copied.
        Some(listing) => writeln!(text, "  => {}\n     {remedy}", context.listed(listing)),
        None => writeln!(text, "  => {remedy}"),
    };
    // Where the remedy does not say already what to write.
    if let Some(fix) = problem.fix.as_ref().filter(|fix| !problem.remedy.text.contains(fix.as_str())) {
        let _ = writeln!(text, "     (for line {}: '{}')", problem.line, Printable(fix));
    }
}

/// The row as it is, cut to the width, and a mark under the cell.
fn marked(excerpt: &Excerpt, cell: Option<usize>, width: usize) -> String {
    let room = width.saturating_sub(INDENT).max(20);
    let span = cell.and_then(|cell| excerpt.cell(cell));
    let (text, mark) = cut(&excerpt.text, span, room);
    let mut lines = format!("{:INDENT$}{text}\n", "");
    if let Some(mark) = mark {
        let _ =
            writeln!(lines, "{:indent$}{}", "", "^".repeat(mark.len().max(1)), indent = INDENT + mark.start);
    }
    lines
}

/// As much of a text as there is room for, with the marked part in it; and where that stands now, in characters.
fn cut(text: &str, span: Option<Range<usize>>, room: usize) -> (String, Option<Range<usize>>) {
    let mut signs: Vec<String> = Vec::new();
    let mut mark: Option<Range<usize>> = None;
    for (at, character) in text.char_indices() {
        if let Some(span) = &span
            && (span.contains(&at) || (span.is_empty() && span.start == at))
        {
            let end = if span.is_empty() { signs.len() } else { signs.len() + 1 };
            mark = Some(mark.map_or(signs.len(), |mark| mark.start)..end);
        }
        signs.push(Printable(character.encode_utf8(&mut [0; 4])).to_string());
        // No row of a sound file is longer than what is looked at.
        if signs.len() > 1 << 14 {
            break;
        }
    }
    if span.is_some() && mark.is_none() {
        mark = Some(signs.len()..signs.len());
    }
    let widths: Vec<usize> = signs.iter().map(|sign| sign.chars().count()).collect();
    let wide = |range: Range<usize>| widths.get(range).unwrap_or_default().iter().sum::<usize>();
    let mut from = 0;
    if wide(0..signs.len()) > room {
        // A third of the room for what stands before the mark.
        let start = mark.as_ref().map_or(0, |mark| mark.start);
        while from < start && wide(from..start) > room / 3 {
            from += 1;
        }
        while from > 0 && wide(from - 1..signs.len()) < room {
            from -= 1;
        }
    }
    let mut shown = if from > 0 { "…".to_owned() } else { String::new() };
    let mut used = shown.chars().count();
    let offset = used;
    let mut to = from;
    while to < signs.len() {
        let next = widths.get(to).copied().unwrap_or(0);
        let rest_fits = used + wide(to..signs.len()) <= room;
        if !rest_fits && used + next + 1 > room {
            shown.push('…');
            break;
        }
        shown.push_str(signs.get(to).map_or("", String::as_str));
        used += next;
        to += 1;
    }
    let place = mark.map(|mark| {
        let start = offset + wide(from..mark.start.max(from));
        let end = offset + wide(from..mark.end.clamp(from, to).max(from));
        start..end.max(start)
    });
    (shown, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(text: &str, part: &str, room: usize) -> (String, String) {
        let start = text.find(part).unwrap();
        let (shown, place) = cut(text, Some(start..start + part.len()), room);
        let place = place.unwrap();
        let marked = shown.chars().skip(place.start).take(place.len()).collect();
        (shown, marked)
    }

    #[test]
    fn the_mark_stands_under_the_cell() {
        assert_eq!(
            marks("a@example.com,M,give,x", "give", 80),
            ("a@example.com,M,give,x".into(), "give".into())
        );
        let (shown, marked) = marks("Zoë\u{200b},gi\u{a0}ve,x", "gi\u{a0}ve", 80);
        assert_eq!((shown.as_str(), marked.as_str()), ("Zoë\\u{200b},gi\\u{a0}ve,x", "gi\\u{a0}ve"));
    }

    #[test]
    fn a_long_row_is_cut_around_the_mark() {
        let text = format!("{},HERE,{}", "a".repeat(200), "b".repeat(200));
        let (shown, marked) = marks(&text, "HERE", 60);
        assert_eq!(shown.chars().count(), 60);
        assert!(shown.starts_with('…') && shown.ends_with('…'), "{shown}");
        assert_eq!(marked, "HERE");
        let text = format!("HERE,{}", "b".repeat(200));
        let (shown, marked) = marks(&text, "HERE", 60);
        assert_eq!((shown.chars().count(), marked.as_str()), (60, "HERE"));
        let text = format!("{},HERE", "a".repeat(200));
        let (shown, marked) = marks(&text, "HERE", 60);
        assert_eq!((shown.chars().count(), marked.as_str()), (60, "HERE"), "{shown}");
    }

    #[test]
    fn an_empty_cell_has_a_mark_too() {
        assert_eq!(cut("a,,b", Some(2..2), 80), ("a,,b".into(), Some(2..2)));
        assert_eq!(cut("a,", Some(2..2), 80), ("a,".into(), Some(2..2)));
    }
}
