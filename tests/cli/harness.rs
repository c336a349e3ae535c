//! Running the binary, and a sandbox for it to talk to.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use rusqlite::Connection;
use seatbatch::domain::WireForm;
use seatbatch::sandbox::{Fault, Options, Organization, Sandbox};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::schema;

use crate::scripted::{Scripted, answer};

pub(crate) const TOKEN: &str = "sandbox-token-3f1c";

/// One runtime for all sandboxes of the test process.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}

pub(crate) fn sandbox(users: u32, wire: WireForm, faults: &[&str]) -> Sandbox {
    sandbox_with(users, wire, faults, |_| {})
}

pub(crate) fn sandbox_with(
    users: u32,
    wire: WireForm,
    faults: &[&str],
    change: impl FnOnce(&mut Options),
) -> Sandbox {
    let mut options = Options::new(TOKEN, wire, Organization::generated(users));
    options.faults = faults.iter().map(|fault| fault.parse::<Fault>().unwrap()).collect();
    change(&mut options);
    runtime().block_on(Sandbox::start(options)).unwrap()
}

/// The ID of a sandbox license, by the beginning of its name.
pub(crate) fn license(name: &str) -> String {
    let state = Organization::generated(1).state();
    state.licenses.into_iter().find(|license| license.name.starts_with(name)).unwrap().id
}

/// A folder with a journal, and the binary to run in it.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
    url: String,
}

pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The last line of `--json`.
    pub(crate) fn summary(&self) -> Value {
        let last = self.stdout.lines().last().unwrap_or_else(|| panic!("no output; {}", self.stderr));
        serde_json::from_str(last).unwrap()
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

/// Counts of a summary.
pub(crate) fn counts<const N: usize>(summary: &Value, names: [&str; N]) -> [u64; N] {
    names.map(|name| summary[name].as_u64().unwrap_or_else(|| panic!("no {name} in {summary}")))
}

impl Desk {
    /// Where nobody listens: for what talks to nobody.
    pub(crate) fn alone() -> Self {
        Self::at("http://127.0.0.1:9/v1")
    }

    pub(crate) fn at(url: &str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), url: url.to_owned() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The binary with these arguments. `apply` says yes, since nobody is there to be asked.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let yes: &[&str] = if args.contains(&"apply") && !args.contains(&"--yes") { &["--yes"] } else { &[] };
        // A look at who holds what would come before the requests that most tests are about.
        let blind: &[&str] = if args.contains(&"apply") && !args.contains(&"--snapshot") {
            &["--snapshot", "no"]
        } else {
            &[]
        };
        self.as_typed(&[args, yes, blind].concat())
    }

    /// The binary with these arguments and no others.
    pub(crate) fn as_typed(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seatbatch"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("TMPDIR", self.folder.path())
            .env("WEBEX_ACCESS_TOKEN", TOKEN)
            .env("SEATBATCH_BASE_URL", &self.url)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        finish(self.command(args).spawn().unwrap())
    }

    /// `apply people.csv` with JSON output, at full speed.
    pub(crate) fn apply(&self, csv: &str, more: &[&str]) -> Ran {
        self.write("people.csv", csv);
        let rate: &[&str] = if more.contains(&"--rate") { &[] } else { &["--rate", "unlimited"] };
        self.run(&[&["apply", "people.csv", "--json"], rate, more].concat())
    }

    pub(crate) fn sql(&self) -> Connection {
        Connection::open(self.path("seatbatch.db")).unwrap()
    }

    /// State and error code of each operation, by line.
    pub(crate) fn states(&self) -> Vec<(u32, String, Option<String>)> {
        let sql = self.sql();
        let mut statement =
            sql.prepare("SELECT line, state, error_code FROM operations ORDER BY line").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    /// How many operations are in each state.
    pub(crate) fn count(&self, state: &str) -> u32 {
        let sql = "SELECT count(*) FROM operations WHERE state = ?1";
        self.sql().query_row(sql, [state], |row| row.get(0)).unwrap()
    }

    pub(crate) fn failures(&self) -> Vec<Vec<String>> {
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).from_path(self.path("people.failures.csv")).unwrap();
        reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
    }
}

pub(crate) fn finish(child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    if stdout.starts_with("{\"event\"") {
        schema::hold(&stdout, matches!(output.status.code(), Some(0 | 1 | 2 | 5)));
    }
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A file that adds Messaging to so many users.
pub(crate) fn onboarding(users: u32) -> String {
    let id = license("Messaging");
    let rows: String = (1..=users).map(|n| format!("user{n}@example.com,{id}\n")).collect();
    format!("email,licenseId\n{rows}")
}

/// Waits until something is so.
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !so() {
        assert!(begun.elapsed().as_secs() < 60, "it never came to it: {what}");
        std::thread::park_timeout(std::time::Duration::from_micros(200));
    }
}

/// A sandbox with this organization.
pub(crate) fn organization(state: Value, wire: WireForm) -> Sandbox {
    let organization = Organization::from_state(serde_json::from_value(state).unwrap()).unwrap();
    runtime().block_on(Sandbox::start(Options::new(TOKEN, wire, organization))).unwrap()
}

/// Licenses A and B with so many units, and users who hold what is said.
pub(crate) fn two(a: u32, b: u32, users: &[(&str, &[&str])]) -> Value {
    let users: Vec<Value> = users
        .iter()
        .map(|(name, licenses)| json!({"email": format!("{name}@example.com"), "licenses": licenses}))
        .collect();
    json!({
        "licenses": [
            {"id": "A", "name": "Plan A", "totalUnits": a},
            {"id": "B", "name": "Plan B", "totalUnits": b},
        ],
        "sites": [],
        "users": users,
    })
}

/// What everybody holds, in an order that does not change.
pub(crate) fn held(service: &Sandbox) -> Vec<(String, Vec<String>)> {
    service.state().users.into_iter().map(|user| (user.email, user.licenses)).collect()
}

/// A desk whose service fails the test when it is spoken to.
pub(crate) fn silent_desk() -> (Scripted, Desk) {
    let service = Scripted::start(|_| answer(200, ""));
    let desk = Desk::at(&service.url);
    (service, desk)
}
