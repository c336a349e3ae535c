//! Every command of README and the guides, run as it stands there; where a page shows what is printed, that is what is
//! printed: `UPDATE_DOCS=1 cargo test --test cli guides` writes it anew. `tests/guides` has the page on auditing, which
//! needs other programs too.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use seatbatch::domain::WireForm;
use seatbatch::sandbox::{Organization, Sandbox};
use serde_json::{Value, json};

use crate::harness::{Desk, TOKEN, onboarding, organization, sandbox_with};
use crate::stories::column;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Blocks of one kind of a page, each as lines with their places.
fn blocks(page: &str, kinds: &[&str]) -> Vec<Vec<(usize, String)>> {
    let mut found = Vec::new();
    let mut open: Option<Vec<(usize, String)>> = None;
    let mut inside = false;
    for (place, line) in page.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if inside => {
                inside = false;
                found.extend(open.take());
            }
            Some(kind) => {
                inside = true;
                open = kinds.contains(&kind).then(Vec::new);
            }
            None => open.iter_mut().for_each(|block| block.push((place, line.to_owned()))),
        }
    }
    found
}

/// A desk with what a page speaks of: the samples, and its configuration.
fn desk(page: &str, service: &Sandbox) -> Desk {
    let desk = Desk::at(&service.url());
    for entry in std::fs::read_dir(root().join("samples")).unwrap().map(Result::unwrap) {
        std::fs::copy(entry.path(), desk.path(entry.file_name().to_str().unwrap())).unwrap();
    }
    let configuration: Vec<String> =
        blocks(page, &["toml"]).into_iter().flatten().map(|(_, line)| line).collect();
    desk.write("seatbatch.toml", configuration.join("\n"));
    std::fs::create_dir(desk.path("bin")).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_seatbatch"), desk.path("bin/seatbatch")).unwrap();
    desk
}

/// What a shell makes of a line, and its exit code.
fn shell(desk: &Desk, line: &str) -> (String, i32) {
    let bin = desk.path("bin");
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1; {line}")])
        .current_dir(desk.folder())
        .env_clear()
        .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()))
        .env("HOME", desk.folder())
        .env("WEBEX_ACCESS_TOKEN", TOKEN)
        .env("SEATBATCH_BASE_URL", desk.url())
        .output()
        .unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
}

/// Without what is another at every run: ports, times, how long it took.
fn lasting(text: &str) -> String {
    let all = [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d", "TIME"),
        (r"\d+-[0-9a-f]{32}", "HEAD"),
        (r"in (\d+ min )?\d+(\.\d)? s with", "in TIME with"),
    ];
    all.iter().fold(text.trim_end().to_owned(), |text, (pattern, word)| {
        Regex::new(pattern).unwrap().replace_all(&text, *word).into_owned()
    })
}

/// Runs the commands of a page, and holds what they print to what the page says.
fn hold(name: &str, service: &Sandbox, codes: &[i32]) {
    let path: PathBuf = root().join("docs/guides").join(name);
    let page = std::fs::read_to_string(&path).unwrap();
    let desk = desk(&page, service);
    let mut lines: Vec<Option<String>> = page.lines().map(|line| Some(line.to_owned())).collect();
    let mut codes = codes.iter();
    let port = Regex::new(r"127\.0\.0\.1:\d+").unwrap();
    let mut wrong = Vec::new();
    for block in blocks(&page, &["console"]) {
        let (place, command) = block.first().unwrap();
        let (printed, code) = shell(&desk, command.strip_prefix("$ ").unwrap());
        assert_eq!(Some(&code), codes.next(), "{command}\n{printed}");
        let printed = printed.replace(&format!("{}/", desk.folder().display()), "");
        let shown: Vec<&str> = block.iter().skip(1).map(|(_, line)| line.as_str()).collect();
        if lasting(&printed) != lasting(&shown.join("\n")) {
            wrong.push(format!("{command}\n{printed}"));
            let printed = port.replace_all(printed.trim_end(), "127.0.0.1:8080");
            lines[*place] = Some(format!("{command}\n{printed}").trim_end().to_owned());
            block.iter().skip(1).for_each(|(place, _)| lines[*place] = None);
        }
    }
    assert_eq!(codes.next(), None, "not every command was found");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let lines: Vec<String> = lines.into_iter().flatten().collect();
        std::fs::write(path, format!("{}\n", lines.join("\n"))).unwrap();
    }
    assert!(wrong.is_empty(), "{name} shows something else than\n{}", wrong.join("\n"));
}

/// An organization of these users, with what each of them holds.
fn service(emails: &[String], units: [u32; 2], held: impl Fn(usize) -> Vec<&'static str>) -> Sandbox {
    let [units, events] = units;
    // IDs as the service has them: they say that a license is one of Calling.
    let known = Organization::generated(1).state().licenses;
    let id = |name: &str| known.iter().find(|license| license.name == name).unwrap().id.clone();
    let license = |name: &str, units: u32, site: Option<&str>| json!({"id": id(name), "name": name, "totalUnits": units, "subscriptionId": "Sub-sandbox", "siteUrl": site});
    let licenses = |number| held(number).into_iter().map(id).collect::<Vec<_>>();
    let users: Vec<Value> =
        (0..).zip(emails).map(|(n, email)| json!({"email": email, "licenses": licenses(n)})).collect();
    let state = json!({
        "licenses": [
            license("Messaging", units, None),
            license("Meetings Suite", units, Some("meet.example.com")),
            license("Events", events, Some("events.example.com")),
            license("Webex Calling - Professional", units, None),
            license("Webex Calling - Standard", units, None),
        ],
        "sites": ["meet.example.com", "events.example.com"],
        "users": users,
    });
    organization(state, WireForm::Array)
}

#[test]
fn onboarding_is_as_its_guide_shows_it() {
    let emails = column("new-hires.csv", 3);
    hold("onboarding.md", &service(&emails, [2000, 2000], |_| Vec::new()), &[0, 0, 0, 0]);
}

#[test]
fn offboarding_is_as_its_guide_shows_it() {
    let emails = column("leavers.csv", 0);
    let held = |number: usize| {
        let mut held = vec!["Messaging"];
        held.extend(number.is_multiple_of(3).then_some("Webex Calling - Professional"));
        held.extend(number.is_multiple_of(2).then_some("Meetings Suite"));
        held
    };
    hold("offboarding.md", &service(&emails, [2000, 2000], held), &[0, 0, 0, 0]);
}

#[test]
fn migration_is_as_its_guide_shows_it() {
    let emails: Vec<String> = (1..=3000).map(|number| format!("user{number}@example.com")).collect();
    hold("migration.md", &service(&emails, [3000, 100], |_| vec!["Meetings Suite"]), &[0, 0, 1]);
}

#[test]
fn control_hubs_export_is_as_its_guide_shows_it() {
    let emails = column("control-hub.csv", 3);
    hold("control-hub.md", &service(&emails, [2000, 2000], |_| Vec::new()), &[0, 0, 0, 0]);
}

/// Every line of a page that runs seatbatch, as a shell has to be given it.
fn commands(page: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in blocks(page, &["console"])
        .into_iter()
        .flatten()
        .filter_map(|(_, line)| line.strip_prefix("$ ").map(str::to_owned))
    {
        found.push(line);
    }
    for block in blocks(page, &["sh", "text", "ini"]) {
        let text: Vec<&str> = block.iter().map(|(_, line)| line.as_str()).collect();
        for line in text.join("\n").replace("\\\n", " ").lines() {
            // A line of cron has the time before the command, one of systemd the key.
            if let Some(at) = line.find("seatbatch ").filter(|at| {
                line[..*at].trim_end().rsplit(' ').next().is_none_or(|word| {
                    word.is_empty()
                        || word == "exec"
                        || word.ends_with(['*', '5', '/'])
                        || word.contains("ExecStart")
                })
            }) {
                found.push(line[at..].to_owned());
            }
        }
    }
    // GNU parallel runs its command, which stands in quotes, once for each part.
    let is_whole = |line: &str| line.matches('\'').count().is_multiple_of(2);
    let whole = |line: String| if is_whole(&line) { line } else { line.trim_end_matches('\'').to_owned() };
    let found = found.into_iter().filter(|line| line.starts_with("seatbatch "));
    let found: Vec<String> = found.map(|line| whole(line).replace("{}", "3")).collect();
    found
}

/// A page's commands are understood and end well, or with failed operations. Nobody is there to be asked.
fn run(name: &str, at_least: usize) {
    let page = std::fs::read_to_string(root().join(name)).unwrap();
    let service = sandbox_with(30, WireForm::Array, &[], |options| {
        let mut state = options.organization.state();
        state.customers = vec!["O1".to_owned(), "O2".to_owned()];
        options.organization = Organization::from_state(state).unwrap();
    });
    let desk = desk(&page, &service);
    let orgs = |text: &str| text.replace("/srv/hr", desk.folder().to_str().unwrap());
    desk.write("people.csv", onboarding(30));
    desk.write("customers.csv", "orgId,email,license,operation\nO1,user1@example.com,Messaging,add\nO2,user2@example.com,Messaging,add\n");
    desk.write("today.csv", onboarding(30));
    desk.write("token", TOKEN);
    desk.write(".seatbatch-token", TOKEN);
    std::fs::create_dir(desk.path("seatbatch")).unwrap();
    let authority = rcgen::generate_simple_self_signed(["example.com".to_owned()]).unwrap();
    desk.write("company.pem", authority.cert.pem());
    // What GNU parallel would have left.
    let first = shell(&desk, "seatbatch apply people.csv --partition 1/8 --journal part-1.db --yes");
    assert_eq!(first.1, 0, "{}", first.0);
    let commands = commands(&page);
    assert!(commands.len() >= at_least, "{commands:?}");
    for line in commands {
        let mut line = orgs(&line)
            .replace("$part", "2")
            .replace("$SLURM_ARRAY_TASK_COUNT", "8")
            .replace("$journal", "part-2.db");
        if line.contains(" apply ") && !line.contains("--yes") {
            line = format!("{line} --yes");
        }
        let mut line = line.split(" #").next().unwrap().to_owned();
        if line.starts_with("seatbatch sandbox") {
            // It stays until somebody ends it.
            line =
                format!("{line} > shown & id=$!; until grep -q TOKEN shown; do :; done; kill $id; wait $id");
        }
        let (printed, code) = shell(&desk, &line);
        // What goes on with a run that has ended says how that ended.
        assert!(matches!(code, 0 | 1) || line.contains(" resume "), "{line} ended with {code}:\n{printed}");
        assert!(!printed.contains("Usage:"), "{line}:\n{printed}");
    }
}

#[test]
fn the_commands_of_readme_run() {
    run("README.md", 8);
}

#[test]
fn the_commands_for_partners_and_proxies_run() {
    run("docs/guides/partners.md", 5);
    run("docs/guides/proxy.md", 1);
}

#[test]
fn the_commands_for_nights_run() {
    run("docs/guides/unattended.md", 4);
}

#[test]
fn the_commands_for_many_machines_run() {
    run("docs/guides/many-machines.md", 4);
}

#[test]
fn the_commands_for_each_exit_code_run() {
    run("docs/guides/exit-codes.md", 2);
}

/// Pages whose commands run above, or by `tests/guides`.
const RUN: [&str; 10] = [
    "onboarding.md",
    "offboarding.md",
    "migration.md",
    "control-hub.md",
    "partners.md",
    "proxy.md",
    "unattended.md",
    "many-machines.md",
    "exit-codes.md",
    "auditing.md",
];

#[test]
fn no_guide_with_commands_is_forgotten_and_every_option_that_a_page_names_is_there() {
    let guides = std::fs::read_dir(root().join("docs/guides")).unwrap().map(|entry| entry.unwrap().path());
    let guides = guides.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let mut all: Vec<PathBuf> = guides.collect();
    let forgotten: Vec<&PathBuf> =
        all.iter().filter(|path| !RUN.contains(&path.file_name().unwrap().to_str().unwrap())).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
    all.extend(
        ["README.md", "docs/reliability.md", "docs/network.md", "docs/reports.md", "docs/journal.md"]
            .map(|name| root().join(name)),
    );
    // Inside the text, too: `check --fix -o mended.csv`.
    let spoken = Regex::new(r"`(?:seatbatch )?([a-z]+)((?: [^`\n]*)?)`").unwrap();
    let option = Regex::new(r"(?:^| )(--[a-z-]+)").unwrap();
    let help = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seatbatch"));
        String::from_utf8(command.args(words).arg("--help").output().unwrap().stdout).unwrap()
    };
    let top = help(&[]);
    let known: Vec<&str> =
        top.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    let mut missing = Vec::new();
    for path in all {
        let page = std::fs::read_to_string(&path).unwrap();
        for found in
            spoken.captures_iter(&page).filter(|found| known.contains(&&found[1]) && found[2].contains("--"))
        {
            let second =
                found[2].split_whitespace().next().filter(|_| matches!(&found[1], "journal" | "licenses"));
            let words: Vec<&str> = [Some(&found[1]), second].into_iter().flatten().collect();
            let help = help(&words);
            let options = option.captures_iter(&found[2]).map(|option| option[1].to_owned());
            missing.extend(
                options
                    .filter(|option| !help.contains(option))
                    .map(|option| format!("{}: {} {option}", path.display(), &found[0])),
            );
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
