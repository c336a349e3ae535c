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

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

#[test]
fn every_law_holds_under_every_seed() {
    let first = number("FIRST_SEED", 0);
    let seeds = number("SEEDS", 500);
    let mut steps = 0;
    for seed in first..first + seeds {
        let outcome = std::panic::catch_unwind(|| World::new(seed).run());
        match outcome {
            Ok(taken) => steps += taken,
            Err(_) => panic!(
                "seed {seed} breaks a law; replay it with: FIRST_SEED={seed} SEEDS=1 cargo test --test simulation"
            ),
        }
    }
    println!("{seeds} seeds from {first}: {steps} steps, every law held");
}
