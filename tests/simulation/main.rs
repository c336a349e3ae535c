//! The engine against a simulated service, clock and disk, driven by one seed.
//!
//! `SEEDS=n cargo test --release --test simulation` runs as many seeds as you like, `FIRST_SEED=k`
//! says where to begin. A seed that fails prints itself and replays exactly; `TRACE=1` tells what happens in it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod disk;
mod service;
mod world;

use world::World;

/// Seeds that found a mistake, of the engine or of a law, which every run of the tests tries again.
const ONCE_BROKEN: [u64; 5] = [
    // A part of a throttled batch was found in effect, and the part behind it took a place that was given away.
    1_111_143,
    // A throttled batch was ready when the form was learned, and lost its place to what had never been sent.
    30_556, 77_138,
    // Beside some who were answered with a 403, three always fail: the service answers, so that it is no outage.
    689_797,
    // Whoever was loaded last had to wait, and with him who had the place that is kept for those who need not.
    853_140,
];

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

#[test]
fn every_law_holds_under_every_seed() {
    let first = number("FIRST_SEED", 0);
    let seeds = number("SEEDS", 500);
    let steps: u64 = (first..first + seeds).map(held).sum();
    println!("{seeds} seeds from {first}: {steps} steps, every law held");
}

#[test]
fn every_law_holds_where_one_was_broken_once() {
    assert!(ONCE_BROKEN.into_iter().all(|seed| held(seed) > 0));
}

/// The steps that a seed took; panics where it breaks a law.
fn held(seed: u64) -> u64 {
    std::panic::catch_unwind(|| World::new(seed).run()).unwrap_or_else(|_| {
        panic!(
            "seed {seed} breaks a law; replay it with: FIRST_SEED={seed} SEEDS=1 cargo test --test simulation"
        )
    })
}
