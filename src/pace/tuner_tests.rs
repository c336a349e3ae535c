use std::collections::VecDeque;

use super::*;

impl Tuner {
    fn take(&mut self, now: Time) -> Result<(), Time> {
        self.may_leave(now)?;
        self.leaves(now);
        Ok(())
    }
}

/// Requests that pass a second, and the share that is refused, over the last `measured` seconds of `seconds`,
/// against a limit that may change with the time.
fn against(limit: impl Fn(f64) -> f64, window: bool, seconds: f64, measured: f64) -> (f64, f64) {
    let mut tuner = Tuner::new(None);
    let (mut now, mut tokens, mut filled, mut begun) = (0.0f64, 1.0f64, 0.0f64, 0.0f64);
    let (mut passed, mut refused) = (0.0, 0.0);
    while now < seconds {
        let at = Duration::from_secs_f64(now);
        if let Err(until) = tuner.take(at) {
            now = until.as_secs_f64();
            continue;
        }
        let rate = limit(now);
        if window && now >= begun + 1.0 {
            (begun, tokens) = (now.floor(), rate);
        } else if !window {
            tokens = (tokens + (now - filled) * rate).min(rate);
        }
        filled = now;
        let counts = now >= seconds - measured;
        if tokens >= 1.0 {
            tokens -= 1.0;
            passed += f64::from(u8::from(counts));
            tuner.passed(at, at);
        } else {
            refused += f64::from(u8::from(counts));
            tuner.refused(at, at, None);
        }
    }
    (passed / measured, refused / (passed + refused))
}

#[test]
fn a_limit_is_found_and_kept_to() {
    for window in [false, true] {
        for rate in [5.0, 50.0, 200.0] {
            let (passed, refused) = against(|_| rate, window, 300.0, 240.0);
            assert!(passed > 0.8 * rate, "{passed} of {rate}, window {window}");
            assert!(refused < 0.01, "{refused} refused of {rate}, window {window}");
        }
    }
}

#[test]
fn a_limit_that_changes_is_followed() {
    for (before, after) in [(40.0, 20.0), (20.0, 40.0), (100.0, 10.0)] {
        let limit = |now| if now < 200.0 { before } else { after };
        let (passed, _) = against(limit, false, 260.0, 30.0);
        assert!(passed > 0.95 * after && passed < 1.05 * after, "{passed} of {after}, from {before}");
    }
}

#[test]
fn while_everything_is_refused_hardly_anything_is_sent() {
    let mut tuner = Tuner::new(None);
    let mut sent = 0;
    let mut now = Duration::ZERO;
    while now < Duration::from_secs(600) {
        match tuner.take(now) {
            Ok(()) => {
                sent += 1;
                tuner.refused(now, now, None);
            }
            Err(until) => now = until,
        }
    }
    assert!((10..60).contains(&sent), "{sent} requests in ten minutes");
}

#[test]
fn a_wait_that_is_told_is_kept() {
    let mut tuner = Tuner::new(None);
    tuner.take(Duration::ZERO).unwrap();
    tuner.refused(Duration::ZERO, Duration::ZERO, Some(Duration::from_secs(30)));
    assert!(tuner.take(Duration::from_secs(29)).is_err());
    assert!(tuner.take(Duration::from_secs(31)).is_ok());
    assert!(tuner.take(Duration::from_secs(31)).is_err(), "one tries whether it is over");
    tuner.lost();
    assert!(tuner.take(Duration::from_secs(32)).is_ok(), "and another where no answer came");
}

#[test]
fn a_try_that_was_never_above_the_limit_says_nothing_of_how_far_one_may_go() {
    for (excess, depth) in [(0.0, 4.0), (2.0, 3.0)] {
        let mut tuner = Tuner { between: Some((9.0, 10.0)), excess, depth: 4.0, ..Tuner::new(None) };
        tuner.found(0.0, 1.0);
        assert_eq!(tuner.depth, depth);
    }
}

/// How a service counts.
#[derive(Clone, Copy)]
enum Counting {
    /// A bucket that holds so many.
    Bucket(f64),
    /// So many seconds a window.
    Window(f64),
}

/// A request under way.
struct Underway {
    left: f64,
    answered: f64,
    /// Whether it got through, or how long to wait; nothing where the answer is lost.
    answer: Option<Result<(), f64>>,
}

/// A service, and how it is asked.
struct Course {
    what: String,
    tuner: Tuner,
    counting: Counting,
    /// What it lets through in a second, by the time.
    limit: Box<dyn Fn(f64) -> f64>,
    /// Whether it tells how long to wait.
    tells: bool,
    /// There and back, in seconds.
    latency: f64,
    /// So many requests may be on their way.
    flights: usize,
    /// Every so many answers one is lost.
    lost: u32,
    /// Nothing is to be sent then.
    idle: (f64, f64),
    seconds: f64,
}

impl Course {
    fn of(what: &str, counting: Counting, limit: impl Fn(f64) -> f64 + 'static, seconds: f64) -> Self {
        Self {
            what: what.to_owned(),
            tuner: Tuner::new(None),
            counting,
            limit: Box::new(limit),
            tells: false,
            latency: 0.1,
            flights: 4,
            lost: u32::MAX,
            idle: (0.0, 0.0),
            seconds,
        }
    }

    /// One of many, as different from each other as they come.
    fn any(number: u64) -> Self {
        let mut state = number;
        let mut dice = move |least: f64, most: f64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            least + (most - least) * f64::from((state >> 40) as u32) / f64::from(1 << 24)
        };
        let base = 0.5 * dice(1.0, 12.0) * dice(1.0, 12.0);
        let parts: Vec<f64> =
            (0..5).map(|_| base * [0.3, 0.8, 1.0, 1.2, 3.0][dice(0.0, 5.0) as usize]).collect();
        let counting = match dice(0.0, 4.0) as u32 {
            0 => Counting::Bucket(1.0),
            1 => Counting::Bucket(base * dice(0.0, 3.0) + 1.0),
            2 => Counting::Window(1.0),
            _ => Counting::Window(dice(0.5, 20.0)),
        };
        let part_of = dice(15.0, 120.0);
        let limit = move |now: f64| parts[(now / part_of) as usize % parts.len()];
        Self {
            tells: dice(0.0, 3.0) < 1.0,
            latency: dice(0.01, 0.6),
            flights: dice(2.0, 20.0) as usize,
            lost: if dice(0.0, 4.0) < 1.0 { dice(5.0, 60.0) as u32 } else { u32::MAX },
            ..Self::of(&format!("Service {number}"), counting, limit, 5.0 * part_of)
        }
    }

    /// What it came to: a line each time that something was refused, and some in between.
    fn run(mut self) -> String {
        let mut lines = format!("{}\n", self.what);
        let (mut tokens, mut filled) = (1.0f64, 0.0f64);
        let mut answers: VecDeque<Underway> = VecDeque::new();
        let (mut now, mut sent, mut passed, mut told, mut shown) = (0.0f64, 0u32, 0u32, 0, 0.0f64);
        while now < self.seconds {
            while let Some(Underway { left, answered, answer }) =
                answers.pop_front_if(|one| one.answered <= now)
            {
                let [left, at] = [left, answered].map(Duration::from_secs_f64);
                match answer {
                    None => self.tuner.lost(),
                    Some(Ok(())) => {
                        passed += 1;
                        self.tuner.passed(left, at);
                    }
                    Some(Err(wait)) => {
                        self.tuner.refused(left, at, self.tells.then(|| Duration::from_secs_f64(wait)));
                        told += 1;
                        if told <= 12 || told % 40 == 0 {
                            lines += &self.line(now, passed, "refused");
                        }
                    }
                }
            }
            if now >= shown {
                shown += self.seconds / 14.0;
                lines += &self.line(now, passed, "");
            }
            let soon = answers.front().map_or(f64::INFINITY, |one| one.answered);
            if answers.len() == self.flights {
                now = soon;
                continue;
            }
            if now >= self.idle.0 && now < self.idle.1 {
                now = soon.min(self.idle.1);
                continue;
            }
            if let Err(until) = self.tuner.take(Duration::from_secs_f64(now)) {
                // Timers are late by a little.
                let late = f64::from(sent * 37 % 11) * 1e-4;
                now = (until.as_secs_f64() + late).min(soon.max(now + 1e-6));
                continue;
            }
            sent += 1;
            let rate = (self.limit)(now);
            let wait = match self.counting {
                Counting::Bucket(holds) => {
                    tokens = (tokens + (now - filled) * rate).min(holds);
                    filled = now;
                    (1.0 - tokens) / rate
                }
                Counting::Window(seconds) => {
                    if now - filled >= seconds {
                        (filled, tokens) = ((now / seconds).floor() * seconds, rate * seconds);
                    }
                    filled + seconds - now
                }
            };
            let passes = tokens >= 1.0;
            tokens -= f64::from(u8::from(passes));
            let answer = if passes { Ok(()) } else { Err(wait.ceil().min(600.0)) };
            let answer = Some(answer).filter(|_| sent % self.lost != 0);
            answers.push_back(Underway { left: now, answered: now + self.latency, answer });
        }
        lines
    }

    fn line(&self, now: f64, passed: u32, what: &str) -> String {
        let Tuner { pace, limit, trust, savings, .. } = self.tuner;
        let [next, later] = [0, 3].map(|ahead| self.tuner.expected(ahead).as_secs_f64());
        let limit = limit.map_or("-".to_owned(), |limit| format!("{limit:.5}"));
        format!(
            "{now:9.3} s  {passed:5} passed  pace {pace:.5} of {limit}, trust {trust:.4}, savings {savings:.3}, \
             next {next:.4}, {later:.4}  {what}\n"
        )
    }
}

/// Number by number. Where they change on purpose, `cargo bench --bench pace` tells whether that is for the better.
#[test]
fn the_pace_takes_its_course() {
    use Counting::{Bucket, Window};
    let courses = [
        Course::of("A bucket of one", Bucket(1.0), |_| 5.0, 400.0),
        Course {
            latency: 0.02,
            ..Course::of("A bucket of ten, soon answered", Bucket(10.0), |_| 40.0, 200.0)
        },
        Course { latency: 0.7, flights: 30, ..Course::of("A long way there", Bucket(1.0), |_| 12.0, 200.0) },
        Course::of("Windows of a second", Window(1.0), |_| 20.0, 200.0),
        Course {
            tells: true,
            ..Course::of("Windows of ten seconds, which tell", Window(10.0), |_| 5.0, 400.0)
        },
        Course { tells: true, ..Course::of("A bucket that tells", Bucket(1.0), |_| 1.0, 900.0) },
        Course::of(
            "A limit that falls and rises",
            Bucket(2.0),
            |now| match now {
                ..100.0 => 16.0,
                ..200.0 => 4.0,
                _ => 30.0,
            },
            400.0,
        ),
        Course {
            lost: 9,
            ..Course::of(
                "Nothing passes for a while",
                Bucket(1.0),
                |now| if (40.0..140.0).contains(&now) { 1e-3 } else { 8.0 },
                240.0,
            )
        },
        Course {
            tells: true,
            flights: 20,
            ..Course::of(
                "Nothing passes, and it tells",
                Bucket(1.0),
                |now| if (40.0..90.0).contains(&now) { 0.02 } else { 8.0 },
                240.0,
            )
        },
        Course {
            tuner: Tuner::new(Some(7.0)),
            idle: (20.0, 30.0),
            ..Course::of("No limit below the most", Bucket(9.0), |_| 90.0, 40.0)
        },
        Course {
            tuner: Tuner::at(50.0, Some(100.0)),
            ..Course::of("A pace that was named and is too fast", Bucket(1.0), |_| 3.0, 100.0)
        },
        Course {
            tuner: Tuner::at(100.0, Some(200.0)),
            latency: 0.01,
            ..Course::of("Windows of a tenth of a second", Window(0.1), |_| 60.0, 60.0)
        },
        Course { latency: 1.0, ..Course::of("As slow as can be", Bucket(1.0), |_| 0.015, 9_000.0) },
        Course { latency: 0.001, ..Course::of("As fast as can be", Bucket(9e9), |_| 9e9, 40.0) },
    ];
    let others = (1..=40).map(|number| {
        let course = Course::any(number).run();
        let lines: Vec<&str> = course.lines().collect();
        [lines[0], lines[lines.len() / 2], lines[lines.len() - 1], ""].join("\n")
    });
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(courses.map(Course::run).into_iter().chain(others).collect::<Vec<_>>().join("\n"));
    });
}
