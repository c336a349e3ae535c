//! `seatbatch report`

use seatbatch::domain::WireForm;
use serde_json::Value;

use crate::harness::{Desk, Ran, license, onboarding, sandbox};

fn csv(ran: &Ran) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(ran.stdout.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// The view `operations` in the order of the file, as texts.
fn viewed(desk: &Desk, run: u32) -> Vec<Vec<String>> {
    let sql = desk.sql();
    let mut statement =
        sql.prepare("SELECT * FROM operations WHERE run_id = ?1 ORDER BY line, item").unwrap();
    let columns = statement.column_count();
    let text = |value: rusqlite::types::Value| match value {
        rusqlite::types::Value::Null => String::new(),
        rusqlite::types::Value::Integer(number) => number.to_string(),
        rusqlite::types::Value::Text(text) => text,
        other => panic!("{other:?}"),
    };
    let rows = statement
        .query_map([run], |row| (0..columns).map(|column| row.get(column).map(text)).collect())
        .unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// What a run of one file comes to where its rows go every way that there is.
fn every_way(desk: &Desk) {
    let messaging = license("Messaging");
    let mut rows = vec!["email,licenseId,operation".to_owned()];
    rows.extend((1..=40).map(|n| format!("user{n}@example.com,{messaging},add")));
    rows.extend(["user3@example.com,nothing,add".into(), "user7@example.com,nothing,add".into()]);
    rows.push(format!("nobody,{messaging},add"));
    rows.push(format!("user8@example.com,{messaging},add"));
    rows.extend((41..=60).map(|n| format!("user{n}@example.com,{messaging},add")));
    desk.write("people.csv", rows.join("\n") + "\n");
    let words =
        ["apply", "people.csv", "--yes", "--on-invalid", "skip", "--batch-size", "7", "--rate", "unlimited"];
    desk.run(&words).exits(1);
}

#[test]
fn csv_is_the_view_whatever_way_the_rows_went() {
    let faults = ["refuse=X,user=user5@example.com", "status=400,user=user12@example.com"];
    let service = sandbox(60, WireForm::Array, &faults);
    let desk = Desk::at(&service.url());
    every_way(&desk);
    // Once in the order of the file, and once with operations that a retry moved.
    let tidy = onboarding(30) + "nobody,x\n";
    desk.write("tidy.csv", tidy);
    let words =
        ["apply", "tidy.csv", "--yes", "--on-invalid", "skip", "--batch-size", "7", "--rate", "unlimited"];
    desk.run(&words).exits(1);
    desk.run(&["retry", "1", "--yes"]).exits(1);
    for run in [1, 2] {
        let report = csv(&desk.run(&["report", &run.to_string(), "--format", "csv"]).exits(0));
        let view = viewed(&desk, run);
        assert_eq!(report.len(), view.len() + 1);
        for (told, there) in report.iter().skip(1).zip(&view) {
            assert_eq!(told, there);
        }
    }
}

#[test]
fn a_retried_user_is_counted_once_in_every_form() {
    let service = sandbox(60, WireForm::Array, &["refuse=X,user=user5@example.com,times=1"]);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(60), &[]).exits(1);
    desk.run(&["retry", "--yes"]).exits(0);
    let text = desk.run(&["report"]).exits(0).stdout;
    assert!(text.contains("60 operations of 60 users: 60 to add, 0 to remove"), "{text}");
    let json: Value =
        serde_json::from_str(&desk.run(&["report", "--format", "json"]).exits(0).stdout).unwrap();
    let run = &json["runs"][0];
    for count in [
        &run["users"],
        &run["total"],
        &run["done"],
        &run["targets"][0]["done"],
        &run["organizations"][0]["total"],
    ] {
        assert_eq!(count, 60, "{run}");
    }
    let page = desk.run(&["report", "--format", "html", "-o", "-"]).exits(0).stdout;
    assert!(page.contains("60 operations of 60 users") && !desk.path("-").exists());
}

#[test]
fn a_report_names_licenses_and_who_and_why() {
    let service = sandbox(5, WireForm::Array, &["refuse=X9,user=user2@example.com"]);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", "email,license\nuser1@example.com,Messaging\nuser2@example.com,messaging\n");
    desk.run(&["apply", "people.csv", "--yes", "--rate", "unlimited"]).exits(1);
    let text = desk.run(&["report"]).exits(0).stdout;
    for part in ["Messaging", "1 × X9: A refusal on request", "seatbatch 0.1.0", "2 operations of 2 users"] {
        assert!(text.contains(part), "no '{part}' in {text}");
    }
    let page = desk.run(&["report", "--format", "html"]).exits(0).stdout;
    assert!(page.contains(r#"[1,3,1,"user2@example.com","#) && page.contains(r#""Messaging""#), "{page}");
    assert!(!page.contains("http://") && !page.contains("https://"));
}

#[test]
fn a_person_and_a_time_choose_the_runs() {
    let service = sandbox(9, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(3), &[]).exits(0);
    desk.apply(&onboarding(5), &[]).exits(0);
    let rows = |args: &[&str]| {
        csv(&desk.run(&[&["report", "--format", "csv"], args].concat()).exits(0)).split_off(1)
    };
    let told = rows(&["--user", "USER2@example.com"]);
    assert_eq!(
        told.iter().map(|row| (row[0].as_str(), row[2].as_str())).collect::<Vec<_>>(),
        [("1", "user2@example.com"), ("2", "user2@example.com")]
    );
    assert_eq!(rows(&["--user", "user4@example.com"]).len(), 1);
    assert_eq!(rows(&["--since", "2020-01-01"]).len(), 8);
    assert_eq!(rows(&["--since", "2020-01-01T00:00:00+01:00", "--until", "2100-01-01"]).len(), 8);
    let none = desk.run(&["report", "--until", "2020-01-01"]).exits(2);
    assert!(none.stderr.contains("no run of this journal"), "{}", none.stderr);
    desk.run(&["report", "--since", "yesterday"]).exits(2);
}

#[test]
fn cells_are_not_obeyed_by_spreadsheets_or_browsers() {
    let body = r#"[{"email":"user1@example.com","error":{"code":"=1+1","message":"</script><script>obeyed=1</script>\u001b[31m"}}]"#;
    let service = crate::scripted::Scripted::start(move |_| crate::scripted::answer(206, body));
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(2), &[]).exits(1);
    let rows = csv(&desk.run(&["report", "--format", "csv"]).exits(0));
    assert_eq!(rows[1][9], "'=1+1");
    let page = desk.run(&["report", "--format", "html"]).exits(0).stdout;
    assert_eq!(page.matches("</script>").count(), 2, "only those of the page itself");
    assert!(page.contains("default-src 'none'"));
}
