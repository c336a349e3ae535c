//! Four stories with the files of `samples/`, from the file to what users hold in the end.

use std::path::Path;

use seatbatch::domain::WireForm;
use seatbatch::sandbox::Sandbox;
use serde_json::{Value, json};

use crate::harness::{Desk, counts, organization};

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)).unwrap()
}

/// What stands in one column of a sample, which has no quotes.
pub(crate) fn column(name: &str, position: usize) -> Vec<String> {
    let text = String::from_utf8(sample(name)).unwrap();
    text.lines().skip(1).map(|line| line.split(',').nth(position).unwrap().to_owned()).collect()
}

/// Users with these addresses, each with the licenses that are said for its place in the list.
fn service(emails: &[String], held: impl Fn(usize) -> Vec<&'static str>, events: u32) -> Sandbox {
    service_of(emails, held, [5000, events])
}

/// The same, with so many units of Messaging and of Events.
fn service_of(
    emails: &[String],
    held: impl Fn(usize) -> Vec<&'static str>,
    [messaging, events]: [u32; 2],
) -> Sandbox {
    let license = |id: &str, name: &str, units: u32, site: Option<&str>| {
        let mut license =
            json!({"id": id, "name": name, "totalUnits": units, "subscriptionId": "Sub-sandbox"});
        if let Some(site) = site {
            license["siteUrl"] = json!(site);
        }
        license
    };
    let users: Vec<Value> = emails
        .iter()
        .enumerate()
        .map(|(number, email)| json!({"email": email, "licenses": held(number)}))
        .collect();
    let state = json!({
        "licenses": [
            license("M", "Messaging", messaging, None),
            license("S", "Meetings Suite", 5000, Some("meet.example.com")),
            license("E", "Events", events, Some("events.example.com")),
            license("P", "Webex Calling - Professional", 5000, None),
            license("B", "Webex Calling - Standard", 5000, None),
        ],
        "sites": ["meet.example.com", "events.example.com"],
        "users": users,
    });
    organization(state, WireForm::Array)
}

#[test]
fn new_people_get_their_departments_seats_once_they_begin() {
    let emails = column("new-hires.csv", 3);
    let service = service(&emails, |_| Vec::new(), 5000);
    let desk = Desk::at(&service.url());
    desk.write("new-hires.csv", sample("new-hires.csv"));
    let bundle = |name: &str, licenses: &str, sites: &str| {
        format!("[bundles.{name}]\nlicenses = [{licenses}]\nsites = [{sites}]\n")
    };
    let both = "\"Messaging\", \"Meetings Suite\"";
    let bundles = [
        bundle("Engineering", both, ""),
        bundle("Sales", both, "\"events.example.com\""),
        bundle("Support", "\"Messaging\"", "\"meet.example.com\""),
        bundle("Finance", both, ""),
        bundle("Facilities", "\"Messaging\"", ""),
    ];
    let profile = "[profiles.onboarding]\nmap = { bundle = \"Department\", license = \"Extra Seats\" }\ndue = \"Start Date\"\n";
    desk.write("seatbatch.toml", format!("{}{profile}", bundles.concat()));
    let ran = desk.run(&["apply", "new-hires.csv", "--profile", "onboarding", "--yes"]).exits(0);
    assert!(ran.stderr.contains("27 rows are not due yet"), "{}", ran.stderr);
    desk.run(&["verify"]).exits(0);
    let (departments, begins) = (column("new-hires.csv", 4), column("new-hires.csv", 5));
    for ((email, department), begins) in emails.iter().zip(&departments).zip(&begins) {
        let user = service.user(email).unwrap();
        let due = begins.starts_with("2026");
        let has = |license: &str| user.licenses.iter().any(|held| held == license);
        let meets = matches!(&**department, "Engineering" | "Sales" | "Finance");
        assert_eq!((has("M"), has("S")), (due, due && meets), "{email}");
    }
}

#[test]
fn leavers_lose_all_that_they_hold_once_their_day_has_come() {
    let emails = column("leavers.csv", 0);
    let held = |number: usize| if number.is_multiple_of(3) { vec!["M", "P"] } else { vec!["M"] };
    let service = service(&emails, held, 5000);
    let desk = Desk::at(&service.url());
    desk.write("leavers.csv", sample("leavers.csv"));
    let args = ["leavers.csv", "--remove-all", "--due", "Last Day"];
    let ran = desk.run(&[&["plan"], &args[..]].concat()).exits(0);
    assert!(ran.stdout.contains("29 rows are not due yet"), "{}", ran.stdout);
    desk.run(&[&["apply"], &args[..], &["--yes"]].concat()).exits(0);
    desk.run(&["verify"]).exits(0);
    for (number, (email, day)) in emails.iter().zip(column("leavers.csv", 1)).enumerate() {
        let left = if day.starts_with("2026") { 0 } else { held(number).len() };
        assert_eq!(service.user(email).unwrap().licenses.len(), left, "{email}");
    }
}

#[test]
fn the_list_of_holders_moves_them_to_another_license() {
    let emails: Vec<String> = (1..=3000).map(|number| format!("user{number}@example.com")).collect();
    for (units, code) in [(100, 1), (3000, 0)] {
        let service = service(&emails, |_| vec!["S"], units);
        let desk = Desk::at(&service.url());
        let ran = desk.run(&["licenses", "show", "Meetings Suite", "--users", "--format", "csv"]).exits(0);
        desk.write("holders.csv", &ran.stdout);
        let args = ["holders.csv", "--replace", "Meetings Suite=Events", "--json"];
        let ran = desk.run(&[&["plan"], &args[..]].concat()).exits(code);
        assert_eq!(counts(&ran.summary(), ["would_fail"]), [if code == 1 { 5800 } else { 0 }]);
        if code == 0 {
            desk.run(&[&["apply"], &args[..], &["--yes", "--rate", "unlimited"]].concat()).exits(0);
            assert!(emails.iter().all(|email| service.user(email).unwrap().licenses == ["E"]));
        }
    }
}

/// Control Hub's export as Excel keeps it: TRUE and FALSE are booleans, days are numbers, and the rest is text.
fn workbook() -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let made = rust_xlsxwriter::ExcelDateTime::from_ymd(2026, 11, 25).unwrap();
    book.set_properties(&rust_xlsxwriter::DocProperties::new().set_creation_datetime(&made));
    let sheet = book.add_worksheet().set_name("Users").unwrap();
    let text = String::from_utf8(sample("control-hub.csv")).unwrap();
    let rows: Vec<Vec<&str>> =
        text.trim_start_matches('\u{feff}').lines().map(|line| line.split(',').collect()).collect();
    let days = rows[0].iter().position(|name| *name == "Days Since Last Service Access");
    for (number, row) in (0..).zip(&rows) {
        for (column, cell) in row.iter().enumerate() {
            let place = (number, u16::try_from(column).unwrap());
            match *cell {
                "" => continue,
                "TRUE" | "FALSE" => sheet.write(place.0, place.1, *cell == "TRUE").unwrap(),
                days_ago if Some(column) == days && number > 0 => {
                    sheet.write(place.0, place.1, days_ago.parse::<u32>().unwrap()).unwrap()
                }
                text => sheet.write(place.0, place.1, text).unwrap(),
            };
        }
    }
    book.save_to_buffer().unwrap()
}

/// `UPDATE_SAMPLES=1` makes it anew.
#[test]
fn the_workbook_among_the_samples_is_the_export() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/control-hub.xlsx");
    if std::env::var_os("UPDATE_SAMPLES").is_some() {
        std::fs::write(&path, workbook()).unwrap();
    }
    let cells = |bytes: Vec<u8>| {
        use calamine::Reader as _;
        let mut book = calamine::Xlsx::new(std::io::Cursor::new(bytes)).unwrap();
        assert_eq!(book.sheet_names(), ["Users"]);
        let range = book.worksheet_range("Users").unwrap();
        range.rows().map(<[calamine::Data]>::to_vec).collect::<Vec<_>>()
    };
    assert!(cells(sample("control-hub.xlsx")) == cells(workbook()), "make it anew with UPDATE_SAMPLES=1");
}

#[test]
fn control_hubs_export_asks_for_the_same_whoever_has_saved_it() {
    let emails = column("control-hub.csv", 3);
    let names = ["control-hub.csv", "control-hub-german-excel.csv", "control-hub.xlsx"];
    let held = names.map(|name| {
        let service = service(&emails, |_| Vec::new(), 5000);
        let desk = Desk::at(&service.url());
        desk.write(name, sample(name));
        desk.write("seatbatch.toml", "[locations]\nBerlin = \"L1\"\n\"Köln\" = \"L2\"\n");
        let ran = desk.run(&["apply", name, "--yes"]).exits(0);
        assert!(ran.stderr.contains("751 to add, 0 to remove"), "{}", ran.stderr);
        desk.run(&["verify"]).exits(0);
        emails.iter().map(|email| service.user(email).unwrap()).collect::<Vec<_>>()
    });
    let [export, excel, workbook] = held;
    assert_eq!(export, excel);
    assert_eq!(export, workbook);
    assert!(export.iter().all(|user| user.licenses.contains(&"M".to_owned())));
}

#[test]
fn what_fails_of_a_workbook_comes_back_as_one_that_asks_for_it() {
    let emails = column("control-hub.csv", 3);
    // Messaging runs out.
    let service = service_of(&emails, |_| Vec::new(), [300, 5000]);
    let desk = Desk::at(&service.url());
    desk.write("users.xlsx", sample("control-hub.xlsx"));
    desk.write("seatbatch.toml", "[locations]\nBerlin = \"L1\"\n\"Köln\" = \"L2\"\n");
    let ran = desk.run(&["apply", "users.xlsx", "--yes", "--failures", "left.xlsx", "--json"]).exits(1);
    let [failed] = counts(&ran.summary(), ["failed"]);
    assert!(failed >= 20, "{failed}");
    let ran = desk.run(&["check", "left.xlsx", "--json"]).exits(0);
    assert_eq!(counts(&ran.summary()["counts"], ["adds"]), [failed]);
}
