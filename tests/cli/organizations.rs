//! A file of several organizations.

use seatbatch::domain::WireForm;
use seatbatch::sandbox::{Organization, Sandbox};

use crate::harness::{Desk, counts, license, sandbox_with};

/// A sandbox of a partner with two customers.
fn partner(faults: &[&str]) -> Sandbox {
    sandbox_with(1, WireForm::Array, faults, |options| {
        let mut state = Organization::generated(20).state();
        state.customers = vec!["ORG1".to_owned(), "ORG2".to_owned()];
        options.organization = Organization::from_state(state).unwrap();
    })
}

/// Ten users of each of two organizations, in turn.
fn two_organizations() -> String {
    let id = license("Messaging");
    let rows: String = (1..=20).map(|n| format!("user{n}@example.com,ORG{},{id}\n", 1 + n % 2)).collect();
    format!("email,orgId,licenseId\n{rows}")
}

#[test]
fn batches_never_mix_organizations() {
    let service = partner(&[]);
    let desk = Desk::at(&service.url());
    desk.apply(&two_organizations(), &["--batch-size", "4"]).exits(0);
    let asked = service.requests().all();
    assert_eq!(asked.len(), 6, "ten users each, four at a time");
    assert!(asked.iter().all(|request| !request.mixes_organizations));
}

#[test]
fn a_closed_organization_does_not_hold_up_the_other() {
    let faults = ["status=403,org=ORG1", "status=429,retry-after=90000,org=ORG1"];
    for fault in faults {
        let service = partner(&[fault]);
        let desk = Desk::at(&service.url());
        let ran = desk.apply(&two_organizations(), &["--batch-size", "4", "--rate-per", "org"]).exits(3);
        assert_eq!(counts(&ran.summary(), ["done", "pending"]), [10, 10], "{fault}");
        assert!(ran.stderr.contains("ORG1"), "{}", ran.stderr);
        let status = desk.run(&["status"]).exits(0);
        let line = |org: &str| status.stdout.lines().find(|line| line.contains(org)).unwrap().to_owned();
        let words = |org: &str| line(org).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert!(
            words("ORG1 ").ends_with(&["10", "0", "0", "0", "0", "0", "10"].map(str::to_owned)),
            "{}",
            status.stdout
        );
        assert!(
            words("ORG2 ").ends_with(&["10", "10", "0", "0", "0", "0", "0"].map(str::to_owned)),
            "{}",
            status.stdout
        );
        let report = desk.run(&["report", "--format", "json"]).exits(0);
        let report: serde_json::Value = serde_json::from_str(&report.stdout).unwrap();
        assert_eq!(report["runs"][0]["organizations"][0]["done"], 10, "{}", report["runs"]);
    }
}

#[test]
fn plan_looks_at_each_organization_and_counts_its_requests_apart() {
    let service = sandbox_with(20, WireForm::Array, &[], |options| {
        let mut state = options.organization.state();
        state.customers = vec!["ORG1".to_owned(), "ORG2".to_owned()];
        options.organization = Organization::from_state(state).unwrap();
    });
    let desk = Desk::at(&service.url());
    desk.write("people.csv", two_organizations());
    let ran = desk.run(&["plan", "people.csv", "--batch-size", "8", "--rate", "1/s"]).exits(0);
    assert!(ran.stdout.contains("organization: 2 of them"), "{}", ran.stdout);
    assert!(ran.stdout.contains("4 requests at 1/s, at least 3.0 s"), "{}", ran.stdout);
    let stranger = two_organizations().replace("ORG2", "ORG3");
    desk.write("people.csv", stranger);
    let ran = desk.run(&["plan", "people.csv"]).exits(1);
    assert!(ran.stdout.contains("the service knows no organization ORG3"), "{}", ran.stdout);
}
