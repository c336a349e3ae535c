//! What a file asks for and how long it would take; then what a journal says of its newest run.
//!
//! ```sh
//! cargo run --no-default-features --example check_and_audit -- samples/migration.csv
//! cargo run --no-default-features --example check_and_audit -- samples/migration.csv seatbatch.db
//! ```
#![allow(clippy::print_stdout, reason = "it is there to print")]

use std::error::Error;
use std::io;
use std::path::PathBuf;

use seatbatch::assign::{Interpretation, Known, check};
use seatbatch::domain::{Order, Rate, RatePer, Wire};
use seatbatch::input::InputFile;
use seatbatch::journal::Reader;
use seatbatch::plan::{Manner, Stretch, forecast};
use seatbatch::report::{Audited, Format, ReportOptions, write_audit};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let file = arguments.next().ok_or("name a file, and a journal if there is one")?;
    foretell(&InputFile::open(&file)?)?;
    arguments.next().map_or(Ok(()), |journal| audit(&Reader::open(&journal)?))
}

/// Checks the file as it stands, without asking Webex anything, and says what sending it would take.
fn foretell(file: &InputFile) -> Result<(), Box<dyn Error>> {
    let checked = check(file, &Interpretation::default(), Order::File, Known::nothing(), &mut |problem| {
        println!("{problem}");
    })?;
    let counts = checked.counts();
    println!("{} rows, {} users, {} problems", counts.rows, counts.assignments, counts.errors);
    for (target, demand) in checked.demand() {
        println!("{}: {} to get it, {} to give it back", target.as_str(), demand.adds, demand.removes);
    }
    let users = checked.organizations().iter().enumerate();
    let parts: Vec<Stretch> = users.map(|(org, users)| Stretch { org, users: *users }).collect();
    let rate: Rate = "300/min".parse()?;
    let manner = Manner {
        batch_size: 100,
        rate,
        rate_per: RatePer::Run,
        found_period: None,
        wire: Wire::Array,
        found: None,
    };
    let forecast = forecast(&parts, &manner);
    let requests = forecast.requests();
    println!("{} requests, {:?} at the least", requests.all, forecast.time(requests).unwrap_or_default());
    Ok(())
}

/// Tells the newest run of a journal, which may be in use meanwhile.
fn audit(journal: &Reader) -> Result<(), Box<dyn Error>> {
    let run = journal.run(None)?.ok_or("the journal has no run yet")?;
    let runs = [Audited { reader: journal, run: &run }];
    let telling =
        ReportOptions { grouped: true, version: env!("CARGO_PKG_VERSION"), ..ReportOptions::default() };
    Ok(write_audit(&runs, &telling, Format::Text, &mut io::stdout().lock())?)
}
