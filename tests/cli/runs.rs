//! `seatbatch runs` and `status`, over one journal and several.

use crate::harness::{Desk, onboarding};
use crate::journal::events;
use crate::scripted::refusing_one;

#[test]
fn several_journals_are_read_as_one() {
    let service = refusing_one();
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(3), &["--journal", "part-1.db", "--failures", "1.csv"]).exits(1);
    desk.apply(&onboarding(2), &["--journal", "part-2.db", "--failures", "2.csv"]).exits(1);
    for journals in [&["--journal", "part-1.db", "--journal", "part-2.db"][..], &["--journal", "part-*.db"]] {
        let both = |command: &[&str]| desk.run(&[command, journals].concat()).exits(0);
        let runs = events(&both(&["runs", "--json"]));
        assert_eq!(runs.last().unwrap()["runs"], 2);
        let user = events(&both(&["user", "user1@example.com", "--json"]));
        assert_eq!(user.last().unwrap()["operations"], 2);
        assert_eq!(both(&["report", "--format", "csv"]).stdout.lines().count(), 6);
        both(&["status"]);
        both(&["journal", "check"]);
        desk.run(&[&["resume"], journals].concat()).exits(2);
    }
    desk.run(&["runs", "--journal", "nothing-*.db"]).exits(2);
}
