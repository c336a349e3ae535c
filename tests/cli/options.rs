//! What options and a configuration say of a file, where they contradict each other or it.

use crate::harness::{Desk, silent_desk};

#[test]
fn options_that_contradict_each_other_are_refused() {
    let (service, desk) = silent_desk();
    desk.write("people.csv", "email,license\na@example.com,M\n");
    desk.write("list.csv", "email,Last Day\na@example.com,31.12.2099\n");
    for (args, said) in [
        (
            &["apply", "people.csv", "--set", "operation=remove", "--set", "operation=add"][..],
            "operation twice",
        ),
        (&["apply", "list.csv", "--remove", "M", "--date-format", "%d.%m.%Y"], "no --due names the column"),
        (&["apply", "list.csv", "--remove", "*"], "say --remove-all"),
        (&["apply", "list.csv", "--replace", "*=M"], "say --remove-all"),
        (&["apply", "list.csv", "--add", " "], "name a license"),
    ] {
        let ran = desk.run(args).exits(2);
        assert!(ran.stderr.contains(said), "{args:?}: {}", ran.stderr);
    }
    // A configuration may say for all files how their days are written.
    desk.write("seatbatch.toml", "date-format = \"%d.%m.%Y\"\n");
    desk.run(&["check", "people.csv"]).exits(0);
    assert!(service.asked().is_empty());
}

#[test]
fn what_a_configuration_says_wrongly_is_told_in_its_own_words() {
    for (text, said) in [
        ("rate = true\n", "seatbatch.toml: rate needs a value"),
        ("rate = \"fast\"\n", "seatbatch.toml: rate: 'fast' is not a rate"),
        ("only-changes = \"yes\"\n", "only-changes takes no value"),
        ("on-invalid = \"skp\"\n", "'skp' is none of stop, skip (the nearest is 'skip')"),
        ("rate=\"1/s\"\nrate=\"2/s\"\n", "line 2: this is written twice"),
        (
            "[bundles.Sales]\nlicenses = [\"A\"]\n[bundles.sales]\nlicenses = [\"B\"]\n",
            "bundles.Sales and bundles.sales are one name in a file",
        ),
        (
            "[bundles.\"R & D\"]\nlicenses = [\"A\"]\n[bundles.R-D]\nlicenses = [\"B\"]\n",
            "bundles.R & D and bundles.R-D are one name in a file",
        ),
        ("[locations]\nBerlin = \"A\"\nBERLIN = \"B\"\n", "are one name in a file"),
        ("[services]\nCalling = \"A\"\n\"calling:\" = \"B\"\n", "are one name in a file"),
        ("[bundles.sales]\n", "bundles.sales holds nothing"),
    ] {
        let (_, desk) = silent_desk();
        desk.write("seatbatch.toml", text);
        desk.write("people.csv", "email,license\na@example.com,M\n");
        let ran = desk.run(&["apply", "people.csv"]).exits(2);
        assert!(ran.stderr.contains(said), "{text}: {}", ran.stderr);
        assert!(!ran.stderr.contains("Usage"), "{}", ran.stderr);
    }
    let (_, desk) = silent_desk();
    desk.write(
        "seatbatch.toml",
        "[locations]\nBerlin = \"A\"\nBERLIN = \"A\"\n[bundles.none]\nlicenses = []\n",
    );
    desk.write("people.csv", "email,license\na@example.com,M\n");
    desk.run(&["check", "people.csv"]).exits(0);
}

/// One of two columns of a name is as likely to be meant as the other.
#[test]
fn an_option_that_names_two_columns_is_no_choice() {
    let desk = Desk::alone();
    for (header, options, said) in [
        (
            "email,Plan,Plan",
            &["--map", "license=Plan"][..],
            "--map license=Plan can mean column 2 and column 3 ('Plan' and 'Plan'); give one of them another name",
        ),
        (
            "email,PLAN,Plan",
            &["--map", "license=plan"],
            "--map license=plan can mean column 2 and column 3 ('PLAN' and 'Plan'); write the name as the header has it",
        ),
        (
            "email,email,license",
            &["--map", "email=email"],
            "--map email=email can mean column 1 and column 2",
        ),
        ("email,email,license", &[], "both mean email; give one of them another name"),
        ("email,Last Day,Last Day", &["--remove-all", "--due", "Last Day"], "can mean column 2 and column 3"),
    ] {
        desk.write("people.csv", format!("{header}\na@example.com,Messaging,Meetings Suite\n"));
        let ran = desk.run(&[&["check", "people.csv"], options].concat()).exits(1);
        assert!(ran.stderr.contains(said), "{header} {options:?}: {}", ran.stderr);
    }
    // As it stands, one of them has the name; and both can be left out by it.
    desk.write("people.csv", "email,PLAN,Plan\na@example.com,nothing,Messaging\n");
    desk.run(&["check", "people.csv", "--map", "license=Plan"]).exits(0);
    desk.write(
        "people.csv",
        "email,License 2,License 2,license\na@example.com,Messaging,Calling,Messaging\n",
    );
    desk.run(&["check", "people.csv", "--ignore", "License 2"]).exits(0);
}
