//! `kill -9` at random instants, then `resume`, over and over.

use std::collections::BTreeSet;

use seatbatch::domain::WireForm;

use crate::harness::{Desk, license, sandbox_with, until};

/// A file with a few licenses for each of so many users.
fn file(users: u32) -> (String, BTreeSet<(String, String)>) {
    let licenses = [license("Messaging"), license("Meetings"), license("Events")];
    let mut text = "email,licenseId,operation,note\n".to_owned();
    let mut wanted = BTreeSet::new();
    for user in 1..=users {
        let email = format!("user{user}@example.com");
        for id in licenses.iter().take(1 + user as usize % 3) {
            text += &format!("{email},{id},add,employee {user}\n");
            wanted.insert((email.clone(), id.clone()));
        }
    }
    (text, wanted)
}

fn crashes(wire: WireForm, users: u32, kills: u32, seed: u64) {
    let service =
        sandbox_with(users, wire, &[], |options| options.latency = std::time::Duration::from_millis(8));
    let desk = Desk::at(&service.url());
    let (text, wanted) = file(users);
    desk.write("people.csv", text);
    let mut dice = fastrand::Rng::with_seed(seed);
    let size = if users > 10_000 { 100 } else { 10 };
    let size_text = size.to_string();
    let mut args = vec!["apply", "people.csv", "--rate", "unlimited", "--batch-size", &size_text];
    let batches = if wire == WireForm::Array { users / size } else { users };
    let mut killed = 0;
    while killed < kills {
        let mut child = desk.command(&args).spawn().unwrap();
        let seen = service.requests().all().len() as u32;
        // Some die while they import, the others after a few more requests.
        let target = if dice.u32(..6) == 0 { seen } else { seen + dice.u32(1..=(batches / kills).max(2)) };
        let after = std::time::Duration::from_micros(dice.u64(..15_000));
        until("it gets far enough, or ends", || {
            service.requests().all().len() as u32 >= target || child.try_wait().unwrap().is_some()
        });
        std::thread::park_timeout(after);
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
        let imported = desk.path("seatbatch.db").exists()
            && desk
                .sql()
                .query_row("SELECT count(*) FROM runs WHERE state <> 'importing'", [], |row| row.get(0))
                == Ok(1);
        if imported {
            args = vec!["resume"];
        }
    }
    desk.run(&args).exits(0);

    let sql = desk.sql();
    let check: String = sql.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    assert_eq!(desk.count("done") as usize, wanted.len());
    let held: BTreeSet<(String, String)> = service
        .state()
        .users
        .into_iter()
        .flat_map(|user| user.licenses.into_iter().map(move |id| (user.email.clone(), id)))
        .collect();
    assert!(held == wanted, "the organization is not as the file asks");
    let requests = service.requests().all();
    // Concurrency 8: at most 32 batches in flight at each death.
    let most = batches as usize + 32 * kills as usize;
    assert!(requests.len() <= most, "{} requests for {batches} batches", requests.len());
}

fn number(name: &str, default: u32) -> u32 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// `CRASH_USERS=100000 cargo test --release --test cli deaths_lose` makes it 200,000 rows, `CRASH_KILLS=250` 250 deaths.
#[test]
fn deaths_lose_nothing_in_the_array_form() {
    crashes(WireForm::Array, number("CRASH_USERS", 6000), number("CRASH_KILLS", 20), 1);
}

#[test]
fn deaths_lose_nothing_in_the_object_form() {
    crashes(WireForm::Object, number("CRASH_USERS", 6000) / 4, number("CRASH_KILLS", 20), 2);
}
