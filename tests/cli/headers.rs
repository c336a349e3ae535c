//! A first line that is no header, or in which nothing is called as a user is.

use super::harness::Desk;

const LICENSE: &str = "Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvMTIzNA";

fn check(text: &str, options: &[&str]) -> String {
    let desk = Desk::alone();
    desk.write("people.csv", text);
    desk.run(&[&["check", "people.csv"], options].concat()).exits(1).stderr
}

#[test]
fn a_file_without_a_header_is_not_told_to_take_its_first_row_for_one() {
    for (text, options, line, names) in [
        ("a@example.com\nb@example.com\n", &["--remove-all"][..], 1, "email"),
        ("\na@example.com;Anna\nb@example.com;Bob\n", &["--add", LICENSE], 2, "email, column2"),
        ("Anna\ta@example.com\nBob\tb@example.com\n", &["--add", LICENSE], 1, "column1, email"),
        ("a@example.com,Messaging,remove\n", &[], 1, "email, license, operation"),
        (&format!("{LICENSE},a@example.com,\n"), &[], 1, "licenseId, email, column3"),
        ("a@example.com,Anna\n", &["--remove-all", "--map", "email=a@example.com"], 1, "email, column2"),
    ] {
        let said = check(text, options);
        let wrong = format!("error: line {line}: the file has no header: this line is a row already");
        assert!(
            said.starts_with(&wrong) && said.trim_end().ends_with(&format!(": {names}")),
            "{text}: {said}"
        );
        assert!(!said.contains("--map"), "{text}: {said}");
    }
}

#[test]
fn the_column_below_which_addresses_stand_is_proposed_whatever_it_is_called() {
    let add = ["--add", LICENSE];
    for (text, options, proposed) in [
        ("Name,Login\nAnna,a@example.com\n", &add[..], "say --map email=Login\n"),
        ("Name;Staff email\nAnna;a@example.com\nBob;\n", &add, "say --map email=\"Staff email\"\n"),
        ("이메일,User\na@example.com,Anna\n", &add, "say --map email=이메일\n"),
        ("A,B\na@example.com,b@example.com\n", &add, "below 'A' and 'B': say which one with --map email=A\n"),
        ("Leavers\na@example.com\n", &["--remove-all"], "say --map email=Leavers\n"),
        ("Leavers,license\na@example.com,M\n", &[], "say --map email=Leavers --set operation=remove\n"),
        ("Leavers,license,operation\na@example.com,M,remove\n", &[], "say --map email=Leavers\n"),
        (
            ",Name\na@example.com,Anna\n",
            &add,
            "below a cell of the header that is empty: give the column a name\n",
        ),
        // Not every cell is an address: the name is all there is to go by.
        (
            "Contact,User\na@example.com,Anna\nBob,Bob\n",
            &add,
            "If 'User' is the column, say --map email=User\n",
        ),
    ] {
        let said = check(text, options);
        assert!(said.contains("the header has no 'email' or 'personId' column"), "{text}: {said}");
        assert!(said.ends_with(proposed), "{text}: {said}");
    }
}
