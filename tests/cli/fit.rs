//! `--order fit`: waves that wait for units.

use std::fmt::Write as _;

use seatbatch::domain::WireForm;
use serde_json::{Value, json};

use crate::harness::{Desk, counts, organization};

/// So many people hold A and as many hold B, with so many units left of each.
fn halves(each: usize, left: usize) -> Value {
    let user = |number: usize| {
        let held = if number < each { "A" } else { "B" };
        json!({"email": format!("u{number}@example.com"), "licenses": [held]})
    };
    json!({
        "licenses": [
            {"id": "A", "name": "Plan A", "totalUnits": each + left},
            {"id": "B", "name": "Plan B", "totalUnits": each + left},
        ],
        "sites": [],
        "users": (0..2 * each).map(user).collect::<Vec<_>>(),
    })
}

/// Everybody gives back what he holds and gets the other.
fn exchange(each: usize) -> String {
    let mut text = "email,licenseId,operation\n".to_owned();
    for number in 0..2 * each {
        let (held, other) = if number < each { ("A", "B") } else { ("B", "A") };
        let user = format!("u{number}@example.com");
        writeln!(text, "{user},{held},remove\n{user},{other},add").unwrap();
    }
    text
}

#[test]
fn six_hundred_exchange_two_licenses_with_ten_units_left() {
    let service = organization(halves(300, 10), WireForm::Array);
    let desk = Desk::at(&service.url());
    desk.write("swap.csv", exchange(300));
    let ran = desk.run(&["plan", "swap.csv"]).exits(1);
    assert!(ran.stdout.contains("everybody gets through with --order fit"), "{}", ran.stdout);
    desk.run(&["plan", "swap.csv", "--order", "fit"]).exits(0);
    desk.run(&["rehearse", "swap.csv", "--order", "fit"]).exits(0);
    let ran =
        desk.run(&["apply", "swap.csv", "--yes", "--order", "fit", "--rate", "unlimited", "--json"]).exits(0);
    assert_eq!(counts(&ran.summary(), ["done", "failed"]), [1200, 0]);
}

#[test]
fn resume_keeps_the_waves() {
    let service = organization(halves(60, 5), WireForm::Array);
    let desk = Desk::at(&service.url());
    // Of the first five one is refused, and the run pauses for a look.
    desk.write("swap.csv", exchange(60) + "nobody@example.com,A,remove\n");
    let ran = ["apply", "swap.csv", "--yes", "--order", "fit", "--rate", "unlimited", "--canary", "5"];
    desk.run(&ran).exits(3);
    let ran = desk.run(&["resume", "--yes", "--rate", "unlimited", "--json"]).exits(1);
    assert_eq!(counts(&ran.summary(), ["done", "failed"]), [240, 1]);
}

#[test]
fn who_is_right_already_is_in_nobody_s_way() {
    let service = organization(halves(60, 5), WireForm::Array);
    let desk = Desk::at(&service.url());
    let mut text = exchange(60);
    // Half of the first wave's would be of these.
    text.insert_str("email,licenseId,operation\n".len(), "u0@example.com,A,add\n");
    let text = text.replacen("u0@example.com,A,remove\nu0@example.com,B,add\n", "", 1);
    desk.write("swap.csv", text);
    let apply =
        ["apply", "swap.csv", "--yes", "--order", "fit", "--only-changes", "--rate", "unlimited", "--json"];
    let ran = desk.run(&apply).exits(0);
    assert_eq!(counts(&ran.summary(), ["done", "unchanged", "failed"]), [238, 1, 0]);
}

#[test]
fn who_fits_in_no_wave_is_named_and_goes_last() {
    let service = organization(halves(3, 1), WireForm::Array);
    let desk = Desk::at(&service.url());
    // Two want a second license that nobody gives back, and one unit is left; the third gives back.
    desk.write(
        "more.csv",
        "email,licenseId,operation\nu0@example.com,B,add\nu1@example.com,B,add\nu2@example.com,A,remove\n",
    );
    let ran = desk.run(&["plan", "more.csv", "--order", "fit"]).exits(1);
    let out = "there are not enough units: 1 user fits in no wave and goes last (line 3)";
    assert!(ran.stdout.contains(out), "{}", ran.stdout);
    let ran = desk.run(&["apply", "more.csv", "--yes", "--order", "fit", "--rate", "unlimited"]).exits(1);
    assert!(ran.stderr.contains(out), "{}", ran.stderr);
    let failed: Vec<u32> =
        desk.states().into_iter().filter(|(_, state, _)| state == "failed").map(|(line, ..)| line).collect();
    assert_eq!(failed, [3]);
}

#[test]
fn three_thousand_exchange_two_licenses_with_a_hundred_units_left() {
    let service = organization(halves(1_500, 100), WireForm::Array);
    let desk = Desk::at(&service.url());
    desk.write("swap.csv", exchange(1_500));
    let planned = desk.run(&["plan", "swap.csv", "--order", "fit", "--json"]).exits(0);
    let ran =
        desk.run(&["apply", "swap.csv", "--yes", "--order", "fit", "--rate", "unlimited", "--json"]).exits(0);
    assert_eq!(counts(&ran.summary(), ["done", "failed"]), [6_000, 0]);
    let requests = [planned, ran].map(|ran| counts(&ran.summary(), ["requests"])[0]);
    assert_eq!(requests[0], requests[1]);
}
