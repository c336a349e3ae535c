//! What a run meets in a night: tokens that end, organizations that are closed, doubts, early stops.

use std::time::Duration;

use seatbatch::domain::WireForm;
use seatbatch::sandbox::{Organization, Sandbox};

use crate::harness::{Desk, Ran, counts, finish, license, onboarding, sandbox, sandbox_with, until};
use crate::scripted::{Scripted, answer};

/// A run whose token comes from the sandbox's integration.
fn with_refresh_token(desk: &Desk, args: &[&str], more: &[(&str, &str)]) -> Ran {
    let mut command = desk.command(args);
    command
        .env_remove("WEBEX_ACCESS_TOKEN")
        .env("WEBEX_CLIENT_ID", "sandbox-client")
        .env("WEBEX_CLIENT_SECRET", "sandbox-secret")
        .env("WEBEX_REFRESH_TOKEN", "sandbox-refresh")
        .envs(more.iter().copied());
    finish(command.spawn().unwrap())
}

/// Whether any file of the desk, or anything that was said, has the text.
fn anywhere(desk: &Desk, said: &Ran, text: &str) -> bool {
    let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    let mut files = std::fs::read_dir(desk.folder()).unwrap();
    let in_file = files.any(|entry| std::fs::read(entry.unwrap().path()).is_ok_and(|bytes| holds(&bytes)));
    in_file || said.stdout.contains(text) || said.stderr.contains(text)
}

#[test]
fn a_refresh_token_gives_an_access_token_and_another_before_it_expires() {
    let service = sandbox_with(40, WireForm::Array, &[], |options| {
        options.integration.lifetime = Some(Duration::from_secs(2));
    });
    let desk = Desk::at(&service.url());
    desk.write("people.csv", onboarding(40));
    let args =
        ["apply", "people.csv", "--json", "--batch-size", "1", "--rate", "10/s", "--log-file", "log.txt"];
    let ran = with_refresh_token(&desk, &args, &[("SEATBATCH_LOG", "trace")]).exits(0);
    assert_eq!(counts(&ran.summary(), ["done", "retries"]), [40, 0]);
    assert!(service.tokens_given() >= 2, "{} tokens for 4 s of 2 s each", service.tokens_given());
    assert!(service.requests().all().iter().all(|request| request.status == 200));
    for secret in ["sandbox-access", "sandbox-refresh", "sandbox-secret"] {
        assert!(!anywhere(&desk, &ran, secret), "{secret} is somewhere");
    }
}

#[test]
fn a_token_that_is_revoked_in_the_middle_is_replaced_and_no_row_fails() {
    let service = sandbox(60, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", onboarding(60));
    let mut command = desk.command(&["apply", "people.csv", "--json", "--batch-size", "1", "--rate", "40/s"]);
    command
        .env("WEBEX_CLIENT_ID", "sandbox-client")
        .env("WEBEX_CLIENT_SECRET", "sandbox-secret")
        .env("WEBEX_REFRESH_TOKEN", "sandbox-refresh");
    let child = command.spawn().unwrap();
    until("the run is under way", || service.requests().all().len() > 10);
    service.revoke_tokens();
    let ran = finish(child).exits(0);
    assert_eq!(counts(&ran.summary(), ["done", "failed"]), [60, 0]);
    assert!(service.tokens_given() >= 1);
    assert!(service.requests().all().iter().any(|request| request.status == 401));
}

#[test]
fn a_refresh_token_that_is_refused_sends_nothing_and_says_why() {
    let service = sandbox(2, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", onboarding(2));
    let args = ["apply", "people.csv"];
    let ran = with_refresh_token(&desk, &args, &[("WEBEX_REFRESH_TOKEN", "stale-7f3a")]).exits(5);
    assert!(ran.stderr.contains("invalid_grant"), "{}", ran.stderr);
    assert!(!anywhere(&desk, &ran, "stale-7f3a"));
    assert!(service.requests().all().is_empty());
    let ran = with_refresh_token(&desk, &args, &[("WEBEX_CLIENT_SECRET", "")]).exits(2);
    assert!(ran.stderr.contains("WEBEX_CLIENT_SECRET"), "{}", ran.stderr);
}

#[test]
fn a_token_endpoint_that_is_down_pauses_the_run_and_loses_nothing() {
    let service = Scripted::start(|asked| match asked.head.split(' ').nth(1) {
        Some(path) if path.ends_with("/access_token") => answer(503, ""),
        _ => answer(401, ""),
    });
    let desk = Desk::at(&service.url);
    desk.write("people.csv", onboarding(3));
    let mut command = desk.command(&["apply", "people.csv", "--max-wait", "1"]);
    command
        .env("WEBEX_CLIENT_ID", "id")
        .env("WEBEX_CLIENT_SECRET", "secret")
        .env("WEBEX_REFRESH_TOKEN", "refresh");
    let ran = finish(command.spawn().unwrap()).exits(3);
    assert!(ran.stderr.contains("token endpoint answered HTTP 503"), "{}", ran.stderr);
    assert_eq!(desk.count("pending"), 3);
}

#[test]
fn login_lets_the_program_in_and_later_runs_use_it() {
    let service = sandbox(3, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    let here = desk.folder().to_str().unwrap().to_owned();
    let command = |args: &[&str]| {
        let mut command = desk.command(args);
        command.env_remove("WEBEX_ACCESS_TOKEN").env("HOME", &here).env("XDG_CONFIG_HOME", &here);
        command
    };
    let mut login = command(&["login", "--store", "file", "--json"]);
    login.env("WEBEX_CLIENT_ID", "sandbox-client").env("WEBEX_CLIENT_SECRET", "sandbox-secret");
    let mut child = login.spawn().unwrap();
    let mut told = String::new();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut out, &mut told).unwrap();
    let code: serde_json::Value = serde_json::from_str(&told).unwrap();
    let page = code["address"].as_str().unwrap().replace("http://", "");
    open_page(&page);
    finish(child).exits(0);
    let kept = desk.path("seatbatch").join("logins.json");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    }
    desk.write("people.csv", onboarding(3));
    let ran = finish(command(&["apply", "people.csv", "--json"]).spawn().unwrap()).exits(0);
    assert_eq!(ran.summary()["done"], 3);
    finish(command(&["logout"]).spawn().unwrap()).exits(0);
    let ran = finish(command(&["resume"]).spawn().unwrap());
    assert!(!std::fs::read_to_string(&kept).unwrap().contains("sandbox-refresh"), "{}", ran.stderr);
}

/// What a browser would do.
fn open_page(address: &str) {
    use std::io::{Read as _, Write as _};
    let (host, path) = address.split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.contains("You have agreed"), "{text}");
}

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

/// A run of five users whose process dies while their request is under way.
fn doubtful(service: &Sandbox, desk: &Desk) {
    desk.write("people.csv", onboarding(5));
    let mut child = desk.command(&["apply", "people.csv", "--rate", "unlimited"]).spawn().unwrap();
    until("a request comes", || !service.requests().all().is_empty());
    child.kill().unwrap();
    finish(child);
    assert_eq!(desk.count("sending"), 5);
}

#[test]
fn what_is_in_doubt_is_asked_about_before_it_is_sent_again() {
    let service = sandbox(5, WireForm::Array, &["delay=20000,times=1"]);
    let desk = Desk::at(&service.url());
    doubtful(&service, &desk);
    // It is so all the same.
    Desk::at(&service.url()).apply(&onboarding(5), &[]).exits(0);
    let before = service.requests().all().len();
    let ran = desk.run(&["resume", "--json", "--in-doubt", "verify"]).exits(0);
    assert_eq!(ran.summary()["done"], 5);
    assert_eq!(service.requests().all().len(), before, "nothing had to be sent");
}

#[test]
fn what_was_not_done_is_sent_after_asking() {
    let service = sandbox(5, WireForm::Array, &["delay=20000,times=1", "drop=before,times=1"]);
    let desk = Desk::at(&service.url());
    doubtful(&service, &desk);
    let ran = desk.run(&["resume", "--json", "--in-doubt", "verify"]).exits(0);
    assert_eq!(ran.summary()["done"], 5);
    assert!(service.requests().all().len() >= 2);
    let user = service.user("user5@example.com").unwrap();
    assert_eq!(user.licenses, [license("Messaging")]);
}

#[test]
fn retry_asks_about_what_is_in_doubt_before_it_sends_that_again() {
    for (fault, sent_again) in [("drop=after,times=1", 0), ("drop=before,times=1", 1)] {
        let service = sandbox(5, WireForm::Array, &[fault]);
        let desk = Desk::at(&service.url());
        let ran = desk.apply(&onboarding(5), &["--max-attempts", "1"]).exits(1);
        assert_eq!(counts(&ran.summary(), ["done", "failed", "in_doubt"]), [0, 0, 5]);
        let before = service.requests().all().len();
        let ran = desk.run(&["retry", "--yes", "--json", "--in-doubt", "verify"]).exits(0);
        assert_eq!(counts(&ran.summary(), ["done", "in_doubt", "pending"]), [5, 0, 0]);
        assert_eq!(service.requests().all().len(), before + sent_again, "{fault}");
        desk.run(&["journal", "check"]).exits(0);
    }
}

#[test]
fn a_canary_goes_first_and_pauses_the_run_where_it_fails() {
    let service = sandbox(20, WireForm::Array, &["refuse=X,user=user2@example.com"]);
    let desk = Desk::at(&service.url());
    let ran = desk.apply(&onboarding(20), &["--canary", "3", "--batch-size", "10"]).exits(3);
    assert_eq!(counts(&ran.summary(), ["done", "failed", "pending"]), [2, 1, 17]);
    assert!(ran.stderr.contains("first 3 users did not all succeed"), "{}", ran.stderr);
    assert_eq!(service.requests().all().len(), 1);
    // Whoever resumes has looked.
    let ran = desk.run(&["resume", "--json"]).exits(1);
    assert_eq!(counts(&ran.summary(), ["done", "failed", "pending"]), [19, 1, 0]);
}

#[test]
fn a_canary_that_succeeds_lets_the_others_go() {
    let service = sandbox(20, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(20), &["--canary", "3", "--batch-size", "10"]).exits(0);
    let sizes: Vec<usize> = service.requests().all().iter().map(|request| request.users.len()).collect();
    assert_eq!((sizes[0], sizes.iter().sum::<usize>()), (3, 20), "{sizes:?}");
}

#[test]
fn undo_leaves_alone_what_a_snapshot_shows_to_have_been_so_before() {
    let service = sandbox(4, WireForm::Array, &[]);
    let before = Desk::at(&service.url());
    before.apply(&onboarding(2), &[]).exits(0);
    let desk = Desk::at(&service.url());
    let ran = desk.apply(&onboarding(4), &["--snapshot"]).exits(0);
    assert!(ran.stderr.contains("2 operations change nothing"), "{}", ran.stderr);
    desk.run(&["undo", "-o", "undo.csv"]).exits(0);
    let undo = std::fs::read_to_string(desk.path("undo.csv")).unwrap();
    assert_eq!(undo.lines().count(), 3, "{undo}");
    desk.run(&["apply", "undo.csv"]).exits(0);
    assert!(service.user("user4@example.com").unwrap().licenses.is_empty());
    assert_eq!(service.user("user1@example.com").unwrap().licenses.len(), 1);
}

#[test]
fn a_snapshot_that_cannot_be_had_sends_nothing() {
    let service =
        Scripted::start(
            |asked| {
                if asked.head.starts_with("GET") { answer(403, "") } else { answer(200, "") }
            },
        );
    let desk = Desk::at(&service.url);
    let ran = desk.apply(&onboarding(2), &["--snapshot"]).exits(3);
    assert!(ran.stderr.contains("licenses_read"), "{}", ran.stderr);
    assert!(service.asked().iter().all(|asked| asked.head.starts_with("GET")));
    let ran = desk.run(&["resume", "--json", "--snapshot", "no"]).exits(0);
    assert_eq!(ran.summary()["done"], 2);
}

#[test]
fn nothing_getting_through_for_long_enough_pauses_the_run() {
    let service = Scripted::start(|asked| if asked.number == 1 { answer(200, "") } else { answer(503, "") });
    let desk = Desk::at(&service.url);
    let args = ["--batch-size", "1", "--concurrency", "1", "--give-up-after", "2", "--max-attempts", "50"];
    let ran = desk.apply(&onboarding(4), &args).exits(3);
    assert_eq!(counts(&ran.summary(), ["done", "failed", "pending"]), [1, 0, 3]);
    assert!(ran.stderr.contains("nothing gets through"), "{}", ran.stderr);
}

#[test]
fn an_absurd_retry_after_means_neither_sleep_nor_loss() {
    for absurd in ["-5", "Wed, 21 Oct 2015 07:28:00 GMT", "0", ""] {
        let header = format!("Retry-After: {absurd}\r\n");
        let service = Scripted::start(move |asked| {
            if asked.number == 1 { (429, header.clone(), String::new()) } else { answer(200, "") }
        });
        let desk = Desk::at(&service.url);
        desk.apply(&onboarding(2), &[]).exits(0);
    }
    for long in ["315360000", "99999999999999999999", "Wed, 21 Oct 2099 07:28:00 GMT"] {
        let header = format!("Retry-After: {long}\r\n");
        let service = Scripted::start(move |_| (429, header.clone(), String::new()));
        let desk = Desk::at(&service.url);
        let ran = desk.apply(&onboarding(2), &[]).exits(3);
        assert!(ran.stderr.contains("longer than --max-wait"), "{long}: {}", ran.stderr);
        assert_eq!(desk.count("pending"), 2);
    }
}

#[test]
fn a_page_that_leads_elsewhere_or_in_a_circle_is_not_followed() {
    let elsewhere = Scripted::start(|_| answer(200, r#"{"id":"L","users":[]}"#));
    let away = format!("Link: <{}/licenses/L?next=2>; rel=\"next\"\r\n", elsewhere.url);
    for (link, words) in [(away, "leads elsewhere"), (String::new(), "leads elsewhere")] {
        let service = Scripted::start(move |asked| {
            if asked.head.starts_with("PATCH") {
                return answer(200, "");
            }
            let host = asked.head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
            let itself = format!(
                "Link: <http://{host}/v1/licenses/L?includeAssignedTo=user&next=1>; rel=\"next\"\r\n"
            );
            let link = if link.is_empty() { itself } else { link.clone() };
            (200, link, r#"{"id":"L","users":[]}"#.to_owned())
        });
        let desk = Desk::at(&service.url);
        desk.apply("email,licenseId\nuser1@example.com,L\n", &[]).exits(0);
        let ran = desk.run(&["verify"]);
        assert!(ran.code != 0 && ran.stderr.contains(words), "{} {}", ran.code, ran.stderr);
        assert!(service.asked().len() < 6, "{} requests", service.asked().len());
    }
    assert!(elsewhere.asked().is_empty());
}

#[test]
fn a_run_in_which_everything_fails_alike_says_what_is_probably_wrong() {
    let service = Scripted::start(|_| answer(404, "{}"));
    let desk = Desk::at(&service.url);
    let ran = desk.apply(&onboarding(4), &[]).exits(1);
    assert!(ran.stderr.contains("Everything failed alike, with HTTP_404"), "{}", ran.stderr);
    // A code of the service's own says what is wrong with the user.
    let service = sandbox(4, WireForm::Array, &["refuse=404"]);
    let desk = Desk::at(&service.url());
    let ran = desk.apply(&onboarding(4), &[]).exits(1);
    assert!(!ran.stderr.contains("alike"), "{}", ran.stderr);
}
