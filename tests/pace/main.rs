//! An hour against services with the limits that the live one is said to have, under the default settings: nothing
//! fails, and the limit is used. In virtual time, so that it is the same on any machine.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    dead_code,
    reason = "a test fails by panicking, and the bench uses more of it"
)]

mod service;

use seatbatch::domain::Rate;
use service::{Kind, Limiter, Trial, run};

/// An hour; gives back what share of the limit got through.
fn hour(per_minute: f64, burst: f64, tells: bool, latency: f64) -> f64 {
    let trial = Trial {
        rate: Rate::default(),
        latency,
        batches: 1_000_000,
        seconds: 3600.0,
        factors: &[1.0],
        unmeasured: 0.0,
    };
    let found = run(&trial, Limiter::new(Kind::Burst(burst), per_minute / 60.0, tells));
    let what = format!("{per_minute}/min, burst {burst}, Retry-After {tells}, {latency} s");
    assert_eq!(found.failed, 0, "{what}");
    assert!(found.refused < 0.02, "{what}: {} refused", found.refused);
    assert!(found.share < 1.01, "{what}: {} got through", found.share);
    found.share
}

#[test]
fn an_hour_under_default_settings_fails_nothing_and_uses_the_limit() {
    for per_minute in [30.0, 60.0, 100.0, 300.0] {
        for (burst, tells) in [(1.0, false), (1.0, true), (10.0, false), (10.0, true)] {
            for latency in [0.1, 0.3] {
                let share = hour(per_minute, burst, tells, latency);
                let what = format!("{per_minute}/min, burst {burst}, Retry-After {tells}, {latency} s");
                assert!(share >= 0.95, "{share} of {what}");
            }
        }
    }
}
