//! Pictures as SVG inside the page. Colours are classes, so that the page's light, dark and paper have their own;
//! every number in a picture stands in a table beside it or in its label too.

use maud::{Markup, html};

use super::progress::{Step, Timeline};
use super::words::{number, time};
use crate::journal::Tally;

/// The states that a bar shows, with the class of its colour.
fn parts(tally: &Tally) -> [(&'static str, &'static str, u64); 6] {
    [
        ("done", "done", tally.done),
        ("unchanged", "unchanged", tally.unchanged),
        ("failed", "failed", tally.failed),
        ("invalid", "invalid", tally.invalid),
        ("in doubt", "doubt", tally.in_doubt),
        ("pending", "pending", tally.pending),
    ]
}

/// What the colours mean.
pub(super) fn legend(tally: &Tally) -> Markup {
    html! {
        ul.legend {
            @for (name, class, count) in parts(tally) {
                @if count > 0 {
                    li { svg.key viewBox="0 0 10 10" aria-hidden="true" { rect class=(class) width="10" height="10" {} } (name) }
                }
            }
        }
    }
}

/// One bar, a thousand units wide. A part that is there is seen, however small.
pub(super) fn bar(tally: &Tally, label: &str) -> Markup {
    let there: Vec<_> = parts(tally).into_iter().filter(|(_, _, count)| *count > 0).collect();
    let total = tally.total.max(1);
    let spread = 1000 - 4 * there.len() as u64;
    let mut from = 0;
    let mut sum = 0;
    let pieces: Vec<_> = there
        .iter()
        .enumerate()
        .map(|(place, (name, class, count))| {
            sum += count;
            let to = sum * spread / total + 4 * (place as u64 + 1);
            let piece = (*name, *class, *count, from, to.saturating_sub(from));
            from = to;
            piece
        })
        .collect();
    let words: Vec<String> =
        there.iter().map(|(name, _, count)| format!("{} {name}", number(*count, true))).collect();
    html! {
        svg.bar viewBox="0 0 1000 20" preserveAspectRatio="none" role="img" aria-label={ (label) ": " (words.join(", ")) } {
            @for (name, class, count, x, width) in pieces {
                rect class=(class) x=(x) y="0" width=(width) height="20" { title { (name) " " (number(count, true)) } }
            }
        }
    }
}

/// Measures of the picture of a run's way.
const WIDTH: i64 = 1000;
const HEIGHT: i64 = 220;

/// Operations settled over time; when the service wanted us to wait is shaded.
pub(super) fn progress(progress: &Timeline, utc: bool) -> Markup {
    let Some((from, to)) = progress.span() else { return html! {} };
    let steps = progress.steps();
    let highest = steps.last().map_or(1, |last| (last.done + last.failed).max(1));
    let x = |at: i64| (at - from).clamp(0, to - from) * WIDTH / (to - from);
    let y = |count: u64| HEIGHT - i64::try_from(count * HEIGHT.unsigned_abs() / highest).unwrap_or(HEIGHT);
    let area = |count: &dyn Fn(&Step) -> u64| {
        let mut points = format!("0,{HEIGHT}");
        let mut last = 0;
        for step in &steps {
            // Stairs, not slopes: nothing happened in between.
            points += &format!(" {},{} {},{}", x(step.at), y(last), x(step.at), y(count(step)));
            last = count(step);
        }
        points + &format!(" {WIDTH},{} {WIDTH},{HEIGHT}", y(last))
    };
    let throttled = progress.throttled();
    let moment = |millis: i64| {
        jiff::Timestamp::from_millisecond(millis)
            .map_or_else(|_| String::new(), |at| time(&at.to_string(), utc))
    };
    let label = format!(
        "{} operations settled between {} and {}; the service asked to wait {} times",
        number(highest, true),
        moment(from),
        moment(to),
        throttled.len()
    );
    html! {
        figure {
            div.plot {
                span.most { (number(highest, true)) }
                svg.way viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(label) {
                    @for (begin, end) in &throttled {
                        rect.throttled x=(x(*begin)) y="0" width=((x(*end) - x(*begin)).max(2)) height=(HEIGHT) {}
                    }
                    polygon.failed points=(area(&|step| step.done + step.failed)) {}
                    polygon.done points=(area(&|step| step.done)) {}
                    line.axis x1="0" y1=(HEIGHT) x2=(WIDTH) y2=(HEIGHT) {}
                }
            }
            figcaption {
                span { (moment(from)) }
                @if !throttled.is_empty() { span { svg.key viewBox="0 0 10 10" aria-hidden="true" { rect.throttled width="10" height="10" {} } "throttled" } }
                span { (moment(to)) }
            }
        }
    }
}
