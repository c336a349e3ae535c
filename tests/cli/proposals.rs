//! Commands that messages propose: whoever pastes one asks the same service in the same way.

use seatbatch::domain::WireForm;

use crate::harness::{Desk, Ran, onboarding, sandbox};
use crate::scripted::{Scripted, answer};

const CONFIG: &str = "[profiles.night]\nrate = \"unlimited\"\n[profiles.leavers]\nremove-all = true\n";

/// The proposed command behind these words, as its words.
#[track_caller]
fn proposed(said: &str, behind: &str) -> Vec<String> {
    let line = said.lines().find_map(|line| line.split_once(behind)).map(|(_, line)| line.trim());
    let line = line.unwrap_or_else(|| panic!("{behind}: {said}"));
    line.split_whitespace().map(str::to_owned).collect()
}

#[track_caller]
fn says(words: &[String], pairs: &[(&str, &str)]) {
    for (option, value) in pairs {
        let at =
            words.iter().position(|word| word == option).unwrap_or_else(|| panic!("{option}: {words:?}"));
        assert!(words[at + 1].ends_with(value), "{option} {value}: {words:?}");
    }
}

/// `--flag` and no environment.
fn bare(desk: &Desk, args: &[&str]) -> Ran {
    let mut command = desk.command(args);
    command.env_remove("SEATBATCH_BASE_URL");
    crate::harness::finish(command.spawn().unwrap())
}

#[test]
fn whoever_looks_at_a_run_is_told_with_what_it_was_begun() {
    let service = Scripted::start(|_| answer(401, ""));
    let desk = Desk::at(&service.url);
    desk.write("seatbatch.toml", CONFIG);
    desk.write("token", crate::harness::TOKEN);
    desk.write("people.csv", onboarding(2));
    let begun =
        ["apply", "people.csv", "--profile", "night", "--token-file", "token", "--base-url", desk.url()];
    bare(&desk, &begun).exits(3);
    let expected = [
        ("--profile", "night"),
        ("--token-file", "/token"),
        ("--base-url", desk.url()),
        ("--journal", "/seatbatch.db"),
    ];
    let status = bare(&desk, &["status"]).exits(0);
    says(&proposed(&status.stdout, "Go on with: "), &expected);
    let again = bare(&desk, &["apply", "people.csv"]).exits(2);
    says(&proposed(&again.stderr, "go on with: "), &expected);
    // Of several journals, the one that it is about.
    let other = Desk::at(&service.url);
    let both = ["status", "--journal", "seatbatch.db", "--journal", other.folder().to_str().unwrap()];
    other.apply(&onboarding(1), &[]).exits(3);
    let path = other.path("seatbatch.db");
    let both = [&both[..4], &[path.to_str().unwrap()]].concat();
    let seen = bare(&desk, &both).exits(0);
    let last = seen.stdout.rsplit_once("Go on with: ").unwrap().1;
    says(&proposed(&format!("to: {last}"), "to: "), &[("--journal", path.to_str().unwrap())]);
    // One that was interrupted while importing is begun again with all that says what its file means.
    desk.write("gone.csv", onboarding(1));
    bare(&desk, &[&["apply", "gone.csv", "--set", "operation=remove"], &begun[2..]].concat()).exits(3);
    desk.sql().execute_batch("UPDATE run SET state = 'importing' WHERE run_id = 2").unwrap();
    for (command, behind) in [("status", "Start over with: "), ("retry", "start over with: ")] {
        let ran = bare(&desk, &[command, "2"]);
        let words = proposed(&format!("{}{}", ran.stdout, ran.stderr), behind);
        says(&words, &expected);
        says(&words, &[("apply", "/gone.csv"), ("--set", "'operation=remove'")]);
    }
}

#[test]
fn undo_asks_the_service_of_its_run_and_no_profile_takes_away_what_it_gives_back() {
    let service = sandbox(3, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.write("seatbatch.toml", CONFIG);
    desk.apply(&onboarding(3), &[]).exits(0);
    let before = crate::harness::held(&service);
    desk.write("leavers.csv", "email\nuser1@example.com\nuser2@example.com\n");
    let leavers =
        ["apply", "leavers.csv", "--profile", "leavers", "--base-url", desk.url(), "--snapshot", "yes"];
    bare(&desk, &leavers).exits(0);
    assert_ne!(crate::harness::held(&service), before);
    // Somebody gives one of them another license meanwhile.
    let other = Desk::at(&service.url());
    other.apply("email,license\nuser1@example.com,Meetings Suite\n", &[]).exits(0);
    let kept = service.user("user1@example.com").unwrap().licenses;
    let undo = bare(&desk, &["undo", "-o", "undo.csv"]).exits(0);
    let words = proposed(&undo.stderr, "then run: seatbatch ");
    says(&words, &[("--profile", "leavers"), ("--base-url", desk.url())]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let checked = bare(&desk, &["check", "undo.csv", "--profile", "leavers"]).exits(0);
    assert!(checked.stdout.contains("2 to add, 0 to remove"), "{}", checked.stdout);
    assert!(checked.stderr.contains("--remove-all is left out"), "{}", checked.stderr);
    bare(&desk, &words).exits(0);
    let held = service.user("user1@example.com").unwrap().licenses;
    assert!(held.len() == 2 && kept.iter().all(|license| held.contains(license)), "{held:?}");
    assert_eq!(service.user("user2@example.com").unwrap().licenses.len(), 1);
    // What is typed is meant.
    let checked = bare(&desk, &["check", "undo.csv", "--remove-all"]);
    assert!(checked.stdout.contains("take away everything"), "{}", checked.stdout);
}

#[test]
fn what_is_said_without_an_option_and_where_a_copy_goes_is_said() {
    let desk = Desk::alone();
    for (typed, said) in [
        (&["undo", "--run", "1", "-o", "undo.csv"][..], "RUN is said without one, as in: seatbatch undo 1"),
        (&["report", "--run", "1"], "as in: seatbatch report 1"),
        (&["check", "--file", "people.csv"], "FILE is said without one"),
        (&["check", "--fix", "people.csv"], "name the copy with -o, as in --fix -o mended.csv"),
        (&["undo"], "'seatbatch undo' needs -o FILE"),
    ] {
        let ran = desk.run(typed).exits(2);
        assert!(ran.stderr.contains(said), "{typed:?}: {}", ran.stderr);
    }
}
