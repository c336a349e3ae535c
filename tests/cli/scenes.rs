//! What people read, word for word: every help, and scenes with standard output, standard error and exit code together.
//!
//! Where words are changed on purpose, `INSTA_UPDATE=always cargo test --test cli scenes` writes them anew; read the
//! difference before it is committed. What differs from run to run (times, ports, folders) is blotted out.

use std::fmt::Write as _;
use std::process::Command;
use std::sync::LazyLock;

use regex::Regex;
use seatbatch::domain::WireForm;
use seatbatch::sandbox::Sandbox;
use serde_json::json;

use crate::harness::{Desk, finish, organization, sandbox};

/// A desk, and what was typed and read at it so far.
struct Scene {
    desk: Desk,
    url: String,
    transcript: String,
}

impl Scene {
    fn before(service: &Sandbox) -> Self {
        Self::at(&service.url())
    }

    /// Where nobody may be asked.
    fn offline() -> Self {
        Self::at("http://127.0.0.1:9/v1")
    }

    fn at(url: &str) -> Self {
        Self { desk: Desk::at(url), url: url.to_owned(), transcript: String::new() }
    }

    fn file(&mut self, name: &str, lines: &[&str]) {
        let text = lines.join("\n");
        writeln!(self.transcript, "# {name}\n{text}\n").unwrap();
        self.desk.write(name, format!("{text}\n"));
    }

    fn types(&mut self, line: &str) {
        self.types_with(line, |_| {});
    }

    fn types_with(&mut self, line: &str, change: impl FnOnce(&mut Command)) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut command = self.desk.as_typed(&words);
        command.env("COLUMNS", "80").env("TZ", "UTC");
        change(&mut command);
        let ran = finish(command.spawn().unwrap());
        writeln!(self.transcript, "$ seatbatch {line}").unwrap();
        for (name, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
            if !text.is_empty() {
                let text = self.blotted(text.trim_end());
                writeln!(self.transcript, "[{name}]\n{text}").unwrap();
            }
        }
        writeln!(self.transcript, "[exit {}]\n", ran.code).unwrap();
    }

    /// Without what differs from run to run.
    fn blotted(&self, text: &str) -> String {
        let folder = self.desk.folder().canonicalize().unwrap().display().to_string();
        let address = self.url.trim_end_matches("/v1").trim_start_matches("http://");
        let mut text = text.replace(&folder, "FOLDER").replace(address, "HOST:PORT");
        for (pattern, blot) in BLOTS.iter() {
            text = pattern.replace_all(&text, *blot).into_owned();
        }
        text
    }
}

/// What differs from run to run.
static BLOTS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let blots = [
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?( ?(Z|UTC|[+-]\d\d:?\d\d))?", "TIME"),
        (r"\b\d\d:\d\d(:\d\d)?( ?(Z|UTC|[+-]\d\d:?\d\d))?", "TIME"),
        (r"\b\d+(\.\d+)? ?(ms|s)\b", "TIME"),
        (r"seatbatch-[0-9a-f]{8}(-[0-9a-f]+)+", "TRACKING"),
        (r"\b[0-9a-f]{64}\b", "SHA256"),
        (r"\b\d+-[0-9a-f]{32}\b", "HEAD"),
        (r"by \S+ on \S+?(,|\n|$)", "by USER on HOST$1"),
        (concat!("\\b", env!("CARGO_PKG_VERSION"), "\\b"), "VERSION"),
    ];
    blots.map(|(pattern, blot)| (Regex::new(pattern).unwrap(), blot)).into()
});

/// Compares a scene with what was read before.
macro_rules! shown {
    ($scene:expr) => {
        insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!($scene.transcript);
        });
    };
}

const COMMANDS: [&str; 30] = [
    "",
    "check",
    "plan",
    "diff",
    "rehearse",
    "apply",
    "resume",
    "retry",
    "status",
    "runs",
    "failures",
    "report",
    "verify",
    "undo",
    "user",
    "journal",
    "journal check",
    "journal backup",
    "journal prune",
    "licenses",
    "licenses list",
    "licenses show",
    "login",
    "logout",
    "sandbox",
    "demo",
    "completions",
    "man",
    "version",
    "help",
];

#[test]
fn every_short_help() {
    let mut scene = Scene::offline();
    COMMANDS.iter().for_each(|command| scene.types(format!("{command} -h").trim()));
    shown!(scene);
}

#[test]
fn every_long_help() {
    let mut scene = Scene::offline();
    COMMANDS.iter().for_each(|command| scene.types(format!("{command} --help").trim()));
    shown!(scene);
}

const THREE: [&str; 4] = [
    "email,license,operation",
    "user1@example.com,Messaging,add",
    "user2@example.com,Messaging,add",
    "user3@example.com,Meetings Suite,add",
];

#[test]
fn a_good_run_from_the_plan_to_the_proof() {
    let service = sandbox(5, WireForm::Array, &[]);
    let mut scene = Scene::before(&service);
    scene.file("people.csv", &THREE);
    for line in [
        "check people.csv",
        "plan people.csv -o plan.json",
        "apply people.csv",
        "apply people.csv --plan plan.json --rate unlimited",
        "apply people.csv --yes",
        "status",
        "runs",
        "report",
        "verify",
        "user user1@example.com",
        "failures -o -",
        "undo -o undo.csv",
        "diff people.csv -o changes.csv",
        "resume",
        "retry",
    ] {
        scene.types(line);
    }
    shown!(scene);
}

#[test]
fn a_run_with_failures_and_what_follows() {
    let faults = ["refuse=400411,user=user2@example.com", "status=503,user=user4@example.com,times=1"];
    let service = sandbox(5, WireForm::Array, &faults);
    let mut scene = Scene::before(&service);
    scene.file(
        "people.csv",
        &[
            "email,license,operation",
            "user1@example.com,Messaging,add",
            "user2@example.com,Messaging,add",
            "user4@example.com,Messaging,add",
            "nobody@example.com,Messaging,add",
        ],
    );
    for line in [
        "apply people.csv --yes --rate unlimited --concurrency 1",
        "status",
        "failures -o -",
        "retry --yes --code 400411",
        "retry --yes --code NOT_THERE",
        "report --format csv",
        "verify",
        "undo -o undo.csv --live",
    ] {
        scene.types(line);
    }
    shown!(scene);
}

#[test]
fn a_run_that_pauses_and_goes_on() {
    let service = sandbox(5, WireForm::Array, &["status=401,from=2,times=2"]);
    let mut scene = Scene::before(&service);
    scene.file("people.csv", &THREE);
    scene.types("apply people.csv --yes --rate unlimited --batch-size 1 --concurrency 1");
    scene.types("status");
    scene.types("retry --yes");
    scene.types("apply people.csv --yes");
    scene.types_with("resume --yes", |command| {
        command.env_remove("WEBEX_ACCESS_TOKEN");
    });
    scene.types("resume --yes");
    scene.types("resume --yes");
    shown!(scene);
}

#[test]
fn a_run_that_is_probably_wrong() {
    let service = sandbox(30, WireForm::Array, &["status=400"]);
    let mut scene = Scene::before(&service);
    let rows: Vec<String> = (1..=12).map(|number| format!("user{number}@example.com,Messaging")).collect();
    let lines: Vec<&str> = std::iter::once("email,license").chain(rows.iter().map(String::as_str)).collect();
    scene.file("people.csv", &lines);
    scene.types("apply people.csv --yes --rate unlimited --concurrency 1");
    scene.types("status");
    shown!(scene);
}

#[test]
fn what_is_in_doubt() {
    let service = sandbox(5, WireForm::Array, &["cut"]);
    let mut scene = Scene::before(&service);
    scene.file("people.csv", &THREE);
    scene.types("apply people.csv --yes --rate unlimited --max-attempts 1 --give-up-after 0s");
    scene.types("status");
    scene.types("verify");
    shown!(scene);
}

#[test]
fn a_file_with_problems() {
    let mut scene = Scene::offline();
    scene.file(
        "people.csv",
        &[
            "email,licenseId,siteUrl,operation,phoneNumber",
            "user1@example.com,L1,,add,",
            "user2 at example.com,L1,,add,",
            "user3@example.com,L1,,delete it,",
            "user4@example.com,L1,meet.example.com,add,",
            "user5@example.com,,,add,",
            "user6@example.com,L1,,add,0123",
            "user7@example.com,L1,,remove,",
            "user7@example.com,L1,,add,",
            " user8@example.com ,L1,,add,",
            "user1@example.com,L1,,add,",
        ],
    );
    scene.types("check people.csv");
    scene.types("check people.csv --fix -o mended.csv");
    scene.types("apply people.csv --yes");
    scene.file("headless.csv", &["user1@example.com,L1", "user2@example.com,L1"]);
    scene.types("check headless.csv");
    scene.file("wishes.csv", &["Work Mail,Extra Seats", "user1@example.com,yes"]);
    scene.types("check wishes.csv");
    scene.file("empty.csv", &["email,licenseId"]);
    scene.types("check empty.csv");
    scene.types("check nowhere.csv");
    scene.types("check .");
    shown!(scene);
}

#[test]
fn a_file_that_does_not_fit_the_organization() {
    let state = json!({
        "licenses": [
            {"id": "A", "name": "Plan A", "totalUnits": 2},
            {"id": "B", "name": "Plan B", "totalUnits": 5},
        ],
        "sites": [],
        "users": [
            {"email": "ann@example.com", "licenses": ["A"]},
            {"email": "bob@example.com", "licenses": ["A"]},
            {"email": "eve@example.com", "licenses": ["B"]},
            {"email": "joe@example.com", "licenses": ["B"]},
        ],
    });
    let service = organization(state, WireForm::Array);
    let mut scene = Scene::before(&service);
    scene.file(
        "people.csv",
        &[
            "email,license,operation",
            "eve@example.com,Plan A,add",
            "joe@example.com,Plan A,add",
            "ann@example.com,Plan A,remove",
            "bob@example.com,Plan B,add",
        ],
    );
    for line in [
        "plan people.csv",
        "rehearse people.csv",
        "rehearse people.csv --order fit",
        "diff people.csv -o changes.csv --sync --max-removals 0",
        "diff people.csv -o changes.csv --sync --max-removals 100%",
        "apply people.csv --yes --max-removals 0",
        "apply people.csv --yes --order fit --rate unlimited --concurrency 1",
        "licenses list",
        "licenses list --ids",
        "licenses list --format csv",
        "licenses show Plan",
        "licenses show A --users",
    ] {
        scene.types(line);
    }
    scene.file("names.csv", &["email,license", "ann@example.com,Plan C"]);
    scene.types("plan names.csv");
    shown!(scene);
}

#[test]
fn the_journal_is_proved_copied_and_forgotten() {
    let service = sandbox(5, WireForm::Array, &[]);
    let mut scene = Scene::before(&service);
    scene.types("status");
    scene.file("people.csv", &THREE);
    scene.types("apply people.csv --yes --rate unlimited");
    scene.types("journal check");
    scene.types("journal backup copy.db");
    scene.types("journal backup copy.db");
    scene.types("journal prune --keep 0");
    scene.types("journal prune --keep 0 --yes");
    scene.types("runs");
    scene.types("user nobody@example.com");
    scene.types("status 7");
    scene.desk.write("notes.db", "no journal");
    scene.types("status --journal notes.db");
    scene.types("apply people.csv --yes --journal notes.db");
    shown!(scene);
}

#[test]
fn nobody_to_ask_or_nobody_who_answers() {
    let service = sandbox(2, WireForm::Array, &[]);
    let mut scene = Scene::before(&service);
    scene.file("people.csv", &THREE);
    let other = |command: &mut Command| {
        command.env("WEBEX_ACCESS_TOKEN", "expired");
    };
    scene.types_with("plan people.csv", other);
    scene.types_with("licenses list", other);
    scene.types_with("apply people.csv --yes", |command| {
        command.env_remove("WEBEX_ACCESS_TOKEN");
    });
    for token in ["{\"access_token\":\"x\"}", "%WEBEX_TOKEN%", "TOKEN=x"] {
        scene.types_with("licenses list", |command| {
            command.env("WEBEX_ACCESS_TOKEN", token);
        });
    }
    scene.types("licenses list --token-file nowhere.txt");
    scene.types("licenses list --base-url http://127.0.0.1:9/v1");
    scene.types("licenses list --base-url http://example.com/v1");
    scene.types("licenses list --base-url nonsense");
    shown!(scene);
}

#[test]
fn logins_that_fail() {
    let service = sandbox(2, WireForm::Array, &[]);
    let mut scene = Scene::before(&service);
    let home = scene.desk.folder().to_owned();
    let at_home = |command: &mut Command| {
        command.env_remove("WEBEX_ACCESS_TOKEN").env("HOME", &home).env("XDG_CONFIG_HOME", &home);
    };
    scene.types_with("login", at_home);
    scene.types_with("login --store file", |command| {
        at_home(command);
        command.env("WEBEX_CLIENT_ID", "unknown").env("WEBEX_CLIENT_SECRET", "wrong");
    });
    scene.types_with("logout", at_home);
    shown!(scene);
}

#[test]
fn what_is_typed_wrong() {
    let mut scene = Scene::offline();
    scene.file("people.csv", &THREE);
    for line in [
        "apply",
        "aply people.csv",
        "apply people.csv --rte 5/s",
        "apply people.csv --rate fast",
        "apply people.csv --max-failures lots",
        "apply people.csv --partition 5/3",
        "apply people.csv --order backwards",
        "status --rate 5/s",
        "retry one",
        "version",
    ] {
        scene.types(line);
    }
    shown!(scene);
}
