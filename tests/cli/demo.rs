//! `seatbatch demo`.

use crate::harness::{Desk, finish};

#[test]
fn the_demo_runs_without_an_account() {
    let desk = Desk::at("https://example.com/never-asked");
    let mut command = desk.command(&["demo"]);
    command.env_remove("WEBEX_ACCESS_TOKEN");
    let ran = finish(command.spawn().unwrap()).exits(1);
    assert!(ran.stderr.contains("What to do next"), "{}", ran.stderr);
    // Its sandbox has ended: nothing is proposed that would need it, and what is proposed works.
    assert!(
        !ran.stderr.contains("seatbatch apply") && !ran.stderr.contains("seatbatch retry"),
        "{}",
        ran.stderr
    );
    for words in ["seatbatch failures", "seatbatch report"] {
        let proposed = crate::terminal::pasted(&desk, &ran.stderr, words).exits(0);
        assert!(proposed.stdout.contains("400411"), "{}", proposed.stdout);
    }
    assert!(!desk.path("seatbatch.db").exists());
}
