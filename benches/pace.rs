//! How well `--rate auto` finds a service's limit, and what a known `--rate` costs: the engine
//! against services that tell of their limit by 429 alone, in virtual time.
//!
//! `cargo bench --bench pace` prints the tables of `docs/pace.md`; `-- defaults` the first two alone, `-- --test` tries
//! one rate.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench prints, and fails by panicking"
)]

#[path = "../tests/pace/service.rs"]
mod service;

use seatbatch::domain::Rate;
use service::{Kind, Limiter, Trial, run};

fn main() {
    let quick = std::env::args().any(|arg| arg == "--test");
    let rates: &[f64] = if quick { &[5.0] } else { &[1.0, 2.0, 5.0, 20.0, 50.0, 100.0, 200.0] };
    let latencies: &[u64] = if quick { &[100] } else { &[20, 100, 300] };
    defaults(latencies);
    if std::env::args().any(|arg| arg == "defaults") {
        return;
    }
    table("A limit that stays", rates, latencies, &[1.0]);
    table("A limit that halves in the middle", rates, latencies, &[1.0, 0.5]);
    table("A limit that doubles in the middle", rates, latencies, &[1.0, 2.0]);
    known(rates, latencies);
}

const KINDS: [Kind; 5] =
    [Kind::Bucket(1.0), Kind::Bucket(10.0), Kind::Window(1.0), Kind::Window(10.0), Kind::Window(60.0)];

/// An hour under the default settings, from the first request on.
fn defaults(latencies: &[u64]) {
    for (tells, how) in TELLS {
        println!("\n### An hour with the default settings; {how}\n");
        head(latencies);
        for (burst, rate) in
            [1.0, 10.0].into_iter().flat_map(|burst| [30, 60, 100, 300].map(|rate| (burst, rate)))
        {
            let cells = latencies.iter().map(|latency| {
                let trial = Trial {
                    rate: Rate::default(),
                    latency: *latency as f64 / 1000.0,
                    batches: 4_000_000,
                    seconds: 3600.0,
                    factors: &[1.0],
                    unmeasured: 0.0,
                };
                let found = run(&trial, Limiter::new(Kind::Burst(burst), f64::from(rate) / 60.0, tells));
                assert_eq!(found.failed, 0);
                let mark = if found.share < 0.95 { "*" } else { "" };
                format!(" {mark}{:.1} %, {:.2} %{mark} |", found.share * 100.0, found.refused * 100.0)
            });
            println!("| burst of {burst} | {rate}/min |{}", cells.collect::<String>());
        }
    }
}

const TELLS: [(bool, &str); 2] =
    [(false, "429 without `Retry-After`"), (true, "429 with `Retry-After`, in whole seconds")];

/// A row a limit, a column a latency: the share of R that got through, and the share of requests that
/// was answered 429.
fn table(title: &str, rates: &[f64], latencies: &[u64], factors: &[f64]) {
    for (tells, how) in TELLS {
        println!("\n### {title}; {how}\n");
        head(latencies);
        for kind in KINDS {
            for rate in rates {
                let seconds = (600.0f64).max(1000.0 / rate) * factors.len() as f64;
                let cells = latencies.iter().map(|latency| {
                    let limiter = Limiter::new(kind, *rate, tells);
                    let trial = Trial {
                        rate: "auto".parse().unwrap(),
                        latency: *latency as f64 / 1000.0,
                        batches: 4_000_000,
                        seconds,
                        factors,
                        unmeasured: 30.0,
                    };
                    let found = run(&trial, limiter);
                    let short = found.share < 0.95 || found.refused > 0.01;
                    let mark = if short { "*" } else { "" };
                    format!(" {mark}{:.1} %, {:.2} %{mark} |", found.share * 100.0, found.refused * 100.0)
                });
                println!("| {kind} | {rate}/s |{}", cells.collect::<String>());
            }
        }
    }
}

fn head(latencies: &[u64]) {
    let columns: String = latencies.iter().map(|latency| format!(" {latency} ms |")).collect();
    println!("| limit | R |{columns}\n| --- | ---: |{}", " ---: |".repeat(latencies.len()));
}

/// A known rate, at the limit: how much longer than batches divided by the rate, and the share of
/// requests that was answered 429.
fn known(rates: &[f64], latencies: &[u64]) {
    println!("\n### --rate at the limit\n");
    head(latencies);
    for kind in KINDS {
        for rate in rates {
            let batches = (rate * 300.0).max(300.0) as u32;
            let ceiling: Rate = format!("{rate}/s").parse().unwrap();
            let cells = latencies.iter().map(|latency| {
                let limiter = Limiter::new(kind, *rate, true);
                let trial = Trial {
                    rate: ceiling,
                    latency: *latency as f64 / 1000.0,
                    batches,
                    seconds: 1e9,
                    factors: &[1.0],
                    unmeasured: 30.0,
                };
                let found = run(&trial, limiter);
                let longer = found.took * rate / f64::from(batches) - 1.0;
                format!(" {:+.2} %, {:.2} % |", longer * 100.0, found.refused * 100.0)
            });
            println!("| {kind} | {rate}/s |{}", cells.collect::<String>());
        }
    }
}
