//! Files that name people and ask for more than an operation a row.

use base64::Engine as _;
use seatbatch::domain::WireForm;

use crate::harness::{Desk, license, sandbox};

const CONFIG: &str = "\
    [bundles.engineer]\n\
    licenses = [\"Messaging\", \"Meetings Suite\"]\n\
    sites = [\"meet.example.com\"]\n\
    [services]\n\
    \"Webex Teams [Sub121331]\" = \"Messaging\"\n\
    [locations]\n\
    HQ = \"Y2lzY29zcGFyazovL3VzL0xPQ0FUSU9OLzEwY2EwMDAwLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwMQ\"\n\
    [profiles.onboarding]\n\
    map = { email = \"Login\", bundle = \"Role\" }\n";

#[test]
fn a_bundle_and_a_list_ask_for_several_and_each_is_an_operation() {
    let service = sandbox(3, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.write("seatbatch.toml", CONFIG);
    desk.write("people.csv", "Login,Role\nuser1@example.com,Engineer\n");
    desk.run(&["apply", "people.csv", "--profile", "onboarding", "--yes"]).exits(0);
    let user = service.user("user1@example.com").unwrap();
    let mut expected = [license("Messaging"), license("Meetings Suite")];
    expected.sort();
    let mut held = user.licenses.clone();
    held.sort();
    assert_eq!(
        (held.as_slice(), user.site_urls.as_slice()),
        (&expected[..], &["meet.example.com".to_owned()][..])
    );
    let items: Vec<u32> = {
        let sql = desk.sql();
        let mut statement = sql.prepare("SELECT item FROM operations ORDER BY item").unwrap();
        let items = statement.query_map([], |row| row.get(0)).unwrap();
        items.collect::<Result<_, _>>().unwrap()
    };
    assert_eq!(items, [1, 2, 3]);
    desk.write("list.csv", "email,Seats\nuser2@example.com,Messaging; Meetings Suite\n");
    desk.run(&["apply", "list.csv", "--yes"]).exits(0);
    assert_eq!(service.user("user2@example.com").unwrap().licenses.len(), 2);
}

#[test]
fn what_the_options_ask_is_asked_of_everyone() {
    let service = sandbox(4, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", "E-Mail,Name\nuser1@example.com,Ada\nuser2@example.com,Grace\n");
    desk.run(&["apply", "people.csv", "--add", "messaging", "--add", "Meetings Suite", "--yes"]).exits(0);
    assert_eq!(service.user("user2@example.com").unwrap().licenses.len(), 2);
    let replace = "Meetings Suite=Events";
    desk.run(&["apply", "people.csv", "--replace", replace, "--again", "--yes"]).exits(0);
    let held = service.user("user1@example.com").unwrap().licenses;
    assert!(held.contains(&license("Events")) && !held.contains(&license("Meetings Suite")), "{held:?}");
    let ran = desk.run(&["check", "people.csv", "--remove-all"]).exits(0);
    assert!(ran.stdout.contains("2 rows take away everything"), "{}", ran.stdout);
    let ran = desk.run(&["apply", "people.csv", "--remove-all", "--again", "--yes"]).exits(0);
    assert!(ran.stderr.contains("0 to add, 4 to remove"), "{}", ran.stderr);
    assert!(service.user("user1@example.com").unwrap().licenses.is_empty());
    // Of whom nothing is found is told by line: the address may be mistyped.
    desk.write("people.csv", "email\nuser2@example.com\nusr3@example.com\n");
    desk.run(&["apply", "people.csv", "--add", "messaging", "--again", "--yes"]);
    for command in [&["plan"][..], &["diff", "-o", "diff.csv"], &["rehearse"], &["apply", "--again", "--yes"]]
    {
        let ran = desk.run(&[command, &["people.csv", "--remove-all"]].concat()).exits(0);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(
            said.contains("HOLDS_NOTHING") && said.contains("line 3, column email"),
            "{command:?}: {said}"
        );
        assert!(!said.contains("line 2, column email"), "{command:?}: {said}");
    }
    desk.write("action.csv", "email,Action\nuser1@example.com,remove\n");
    let ran = desk.run(&["check", "action.csv", "--add", "Messaging"]).exits(1);
    assert!(ran.stderr.contains("--ignore Action"), "{}", ran.stderr);
}

#[test]
fn rows_that_are_not_due_wait_and_are_counted() {
    let desk = Desk::alone();
    let rows = "a@example.com,2020-01-31\nb@example.com,2999-01-31\nc@example.com,\nd@example.com,43861\n";
    desk.write("people.csv", format!("email,Last Day\n{rows}"));
    let ran = desk.run(&["check", "people.csv", "--remove", "L1", "--due", "last day"]).exits(0);
    for said in ["0 to add, 2 to remove", "2 rows are not due yet", "NO_DATE", "line 4, column Last Day"] {
        assert!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
    }
    let ran = desk.run(&["check", "people.csv", "--remove-all"]).exits(0);
    assert!(
        ran.stdout.contains("LAST_DAY_UNUSED") && ran.stdout.contains("--due \"Last Day\""),
        "{}",
        ran.stdout
    );
    let ran = desk.run(&["check", "people.csv", "--remove-all", "--ignore", "last day"]).exits(0);
    assert!(!ran.stdout.contains("LAST_DAY_UNUSED"), "{}", ran.stdout);
    desk.write("people.csv", "email,Letzter Tag\na@example.com,31.01.2020\n");
    let args = ["check", "people.csv", "--remove", "L1", "--due", "Letzter Tag"];
    let ran = desk.run(&args).exits(1);
    let proposed = "=> say --date-format %d.%m.%Y\n";
    assert!(ran.stdout.contains("BAD_DATE") && ran.stdout.contains(proposed), "{}", ran.stdout);
    desk.run(&[&args[..], &["--date-format", "%d.%m.%Y"]].concat()).exits(0);
    desk.write("people.csv", "email,Letzter Tag\na@example.com,05/06/2020\n");
    let ran = desk.run(&args).exits(1);
    let proposed = "=> say which it is: --date-format %d/%m/%Y or --date-format %m/%d/%Y\n";
    assert!(ran.stdout.contains(proposed), "{}", ran.stdout);
}

#[test]
fn a_year_of_two_digits_is_no_day_long_past() {
    let desk = Desk::alone();
    let check = |day: &str, format: &[&str]| {
        desk.write("people.csv", format!("email,Last Day\na@example.com,{day}\n"));
        desk.run(&[&["check", "people.csv", "--remove-all", "--due", "Last Day"], format].concat())
    };
    for (day, format) in [("1.12.26", "%d.%m.%Y"), ("31.12.1899", "%d.%m.%Y"), ("12/1/26", "%m/%d/%Y")] {
        let ran = check(day, &["--date-format", format]).exits(1);
        assert!(
            ran.stdout.contains("BAD_DATE") && ran.stdout.contains("%y in --date-format"),
            "{}",
            ran.stdout
        );
    }
    check("0026-12-01", &[]).exits(1);
    check("1.12.20", &["--date-format", "%d.%m.%y"]).exits(0);
}

#[test]
fn what_the_options_ask_and_a_column_of_licenses_without_a_word_are_not_put_together() {
    let desk = Desk::alone();
    desk.write("leavers.csv", "email,Lizenz,Last Day\na@example.com,Messaging,2020-01-31\n");
    for request in [&["--remove-all"][..], &["--remove", "L1"], &["--add", "L1"], &["--replace", "L1=L2"]] {
        let ran = desk.run(&[&["check", "leavers.csv", "--due", "Last Day"], request].concat()).exits(1);
        for said in ["'Lizenz'", "--ignore Lizenz", "--set operation=", request[0]] {
            assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
        }
        let left_out = ["check", "leavers.csv", "--due", "Last Day", "--ignore", "Lizenz"];
        desk.run(&[&left_out[..], request].concat()).exits(0);
    }
    let said = ["check", "leavers.csv", "--due", "Last Day", "--add", "L2", "--set", "operation=remove"];
    let ran = desk.run(&said).exits(0);
    assert!(ran.stdout.contains("1 to add, 1 to remove"), "{}", ran.stdout);
}

#[test]
fn control_hubs_export_is_taken_as_it_is() {
    let service = sandbox(4, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.write("seatbatch.toml", CONFIG);
    let header = "First Name,User ID/Email (Required),Extension,Phone Number,Location,\
        Webex Calling VAR Professional [Sub-sandbox],Webex Teams [Sub121331],\
        meet.example.com - Meetings Suite [Sub-sandbox],events.example.com\u{2013}Attendee,Call Service Aware";
    let rows = "Ada,user1@example.com,2101,,HQ,TRUE,TRUE,FALSE,TRUE,FALSE\n\
        Grace,user2@example.com,,,,,WAHR,VRAI,,\n\
        Edsger,user3@example.com,,,,FALSE,FALSCH,,,\n";
    desk.write("users.csv", format!("\u{feff}{header}\n{rows}"));
    let ran = desk.run(&["apply", "users.csv", "--yes"]).exits(0);
    for said in [
        "Control Hub's export",
        "5 services",
        "4 cells say FALSE",
        "1 row asks for nothing",
        "5 to add, 0 to remove",
    ] {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
    let held = service.user("user1@example.com").unwrap();
    assert_eq!((held.licenses.len(), held.site_urls.as_slice()), (2, &["events.example.com".to_owned()][..]));
    assert_eq!(service.user("user2@example.com").unwrap().licenses.len(), 2);
    desk.write("back.csv", format!("{header}\nGrace,user2@example.com,,,,,FALSE,FALSE,,\n"));
    desk.run(&["apply", "back.csv", "--yes", "--services", "add-and-remove"]).exits(0);
    assert!(service.user("user2@example.com").unwrap().licenses.is_empty());
}

#[test]
fn a_service_that_leads_nowhere_is_told_once_with_the_line_that_settles_it() {
    let service = sandbox(4, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    let header = "User ID/Email (Required),Extension,Location,Webex Calling [Sub1],Messaging (Suspended),Webex Calling - Standard,Webex Calling - Professional";
    let rows = "user1@example.com,,,TRUE,,,\nuser2@example.com,,,TRUE,,,\nuser3@example.com,,,,TRUE,,\nuser4@example.com,20,X,,,TRUE,TRUE\n";
    desk.write("users.csv", format!("{header}\n{rows}"));
    let ran = desk.run(&["plan", "users.csv", "--problems", "all.csv"]).exits(1);
    assert_eq!(ran.stdout.matches("no license is surely the service").count(), 1, "{}", ran.stdout);
    assert!(ran.stdout.contains("under [services]: \"Webex Calling [Sub1]\" = "), "{}", ran.stdout);
    let all = std::fs::read_to_string(desk.path("all.csv")).unwrap();
    for code in ["UNMATCHED_SERVICE", "SUSPENDED_SERVICE", "TWO_CALLING_LICENSES", "UNKNOWN_LOCATION"] {
        assert_eq!(all.matches(code).count(), 1, "{code}: {all}");
    }
}

#[test]
fn the_configuration_says_what_flags_do_not_and_nothing_unknown() {
    let desk = Desk::alone();
    desk.write("people.csv", "Login,licenseId\nuser1@example.com,L1\n");
    desk.write("seatbatch.toml", "map = { email = \"Login\" }\nset = { operation = \"remove\" }\n");
    let ran = desk.run(&["check", "people.csv"]).exits(0);
    assert!(ran.stdout.contains("0 to add, 1 to remove"), "{}", ran.stdout);
    let ran = desk.run(&["check", "people.csv", "--set", "operation=add"]).exits(0);
    assert!(ran.stdout.contains("1 to add, 0 to remove"), "{}", ran.stdout);
    for (text, expected) in [
        ("raet = \"1/s\"", "the nearest is 'rate'"),
        ("access-token = \"x\"", "no token is ever read"),
        ("rate = 300/min", "line 1"),
        ("rate = \"fast\"", "seatbatch.toml: "),
    ] {
        desk.write("seatbatch.toml", text);
        let command = if text.contains("fast") { "plan" } else { "check" };
        let ran = desk.run(&[command, "people.csv"]).exits(2);
        assert!(ran.stderr.contains(expected), "{text}: {}", ran.stderr);
    }
    let ran = desk.run(&["check", "people.csv", "--config", "other.toml"]).exits(2);
    assert!(ran.stderr.contains("other.toml"), "{}", ran.stderr);
}

fn encoded(text: &str) -> String {
    base64::engine::general_purpose::STANDARD_NO_PAD.encode(text)
}

#[test]
fn licenses_of_two_organizations_are_not_one_users() {
    let desk = Desk::alone();
    let [ours, theirs] = ["11111111-2222-4333-8444-555555555555", "99999999-2222-4333-8444-555555555555"];
    let license = |org: &str| encoded(&format!("ciscospark://us/LICENSE/{org}:MS_00000000-0000"));
    let organization = |org: &str| encoded(&format!("ciscospark://us/ORGANIZATION/{org}"));
    let rows = format!("a@example.com,{}\nb@example.com,{}\n", license(ours), license(ours));
    desk.write("people.csv", format!("email,licenseId\n{rows}A@example.com,{}\n", license(theirs)));
    let ran = desk.run(&["check", "people.csv", "--problems", "all.csv"]).exits(1);
    assert!(ran.stdout.contains("2 that cannot be sent"), "{}", ran.stdout);
    let all = std::fs::read_to_string(desk.path("all.csv")).unwrap();
    assert_eq!(all.matches("TWO_ORGANIZATIONS").count(), 2, "{all}");
    desk.write("people.csv", format!("email,licenseId\n{rows}"));
    desk.run(&["check", "people.csv", "--org-id", &organization(ours)]).exits(0);
    let ran = desk.run(&["check", "people.csv", "--org-id", &organization(theirs)]).exits(1);
    assert!(ran.stdout.contains("OTHER_ORGANIZATION"), "{}", ran.stdout);
    desk.run(&["check", "people.csv", "--org-id", &license(ours)]).exits(2);
}

#[test]
fn who_only_names_people_is_told_how_to_ask() {
    let desk = Desk::alone();
    desk.write("people.csv", "email\na@example.com\n");
    let ran = desk.run(&["check", "people.csv"]).exits(1);
    assert!(ran.stderr.contains("--add LICENSE") && ran.stderr.contains("--remove-all"), "{}", ran.stderr);
}

#[test]
fn what_a_header_says_beyond_a_name_must_be_of_the_license() {
    // A license that says neither subscription nor site is not surely the one of a subscription.
    let state = serde_json::json!({
        "licenses": [{"id": "M", "name": "Messaging", "totalUnits": 5}], "sites": [],
        "users": [{"email": "a@example.com", "licenses": []}],
    });
    let service = crate::harness::organization(state, WireForm::Array);
    let desk = Desk::at(&service.url());
    desk.write("users.csv", "User ID/Email (Required),Webex Teams [Sub121331]\na@example.com,TRUE\n");
    let ran = desk.run(&["apply", "users.csv", "--yes"]).exits(2);
    let line = "[services]: \"Webex Teams [Sub121331]\" = ";
    assert!(ran.stderr.contains(line) && ran.stderr.contains("candidates: Messaging"), "{}", ran.stderr);
    desk.write("seatbatch.toml", "[services]\n\"Webex Teams [Sub121331]\" = \"Messaging\"\n");
    desk.run(&["apply", "users.csv", "--yes"]).exits(0);
}

#[test]
fn what_two_cells_of_a_row_say_must_agree() {
    let desk = Desk::alone();
    let [messaging, calling] = ["Messaging", "Webex Calling - Professional"].map(license);
    // An attendee has no license, which would make a host of him.
    for (kind, code) in [("attendee", 1), ("ATTENDEE", 1), ("host", 0), ("", 0)] {
        desk.write("people.csv", format!("email,licenseId,accountType\na@example.com,{messaging},{kind}\n"));
        let ran = desk.run(&["check", "people.csv"]).exits(code);
        assert_eq!(ran.stdout.contains("BAD_ACCOUNT_TYPE"), code == 1, "{kind}: {}", ran.stdout);
    }
    let location = |number: u8| {
        encoded(&format!("ciscospark://us/LOCATION/10ca0000-0000-4000-8000-00000000000{number}"))
    };
    desk.write("seatbatch.toml", format!("[locations]\nHQ = \"{}\"\n", location(1)));
    for (number, name, code) in [(1, "hq", 0), (2, "HQ", 1), (2, "elsewhere", 0), (2, "", 0)] {
        let row = format!("a@example.com,{calling},2001,{},{name}", location(number));
        desk.write("people.csv", format!("email,licenseId,extension,locationId,location\n{row}\n"));
        let ran = desk.run(&["check", "people.csv"]).exits(code);
        assert_eq!(ran.stdout.contains("has another ID than"), code == 1, "{name}: {}", ran.stdout);
    }
}
