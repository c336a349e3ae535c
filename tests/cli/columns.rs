//! Columns under the names that people give them: nothing that says remove is ever read as add.

use crate::harness::Desk;

/// Nobody listens here: `check` talks to nobody.
fn desk() -> Desk {
    Desk::at("http://127.0.0.1:9/v1")
}

fn removals(column: &str, word: &str) -> String {
    let rows: String = (1..=4).map(|n| format!("user{n}@example.com,L1,{word}\n")).collect();
    format!("email,licenseId,{column}\n{rows}")
}

#[test]
fn an_operation_under_another_name_is_never_an_addition() {
    let desk = desk();
    for (column, word) in
        [("action", "remove"), ("Add/Remove", "remove"), ("Aktion", "entfernen"), ("Acción", "Quitar")]
    {
        desk.write("people.csv", removals(column, word));
        let ran = desk.run(&["check", "people.csv"]).exits(0);
        assert!(ran.stdout.contains("0 to add, 4 to remove"), "{column}: {}", ran.stdout);
    }
    for (column, word) in [
        ("change", "remove"),
        ("opertion", "remove"),
        ("was tun", "löschen"),
        ("x", "Supprimer"),
        ("opertion", ""),
    ] {
        desk.write("people.csv", removals(column, word));
        let ran = desk.run(&["check", "people.csv"]).exits(1);
        let told = ran.stdout.matches("UNCLEAR_COLUMN").count();
        assert_eq!(told, 1, "{column}: {}", ran.stdout);
        assert!(
            ran.stdout.contains("--map operation=") && ran.stdout.contains("--ignore "),
            "{}",
            ran.stdout
        );
        for options in [&[][..], &["--on-invalid", "skip"]] {
            let ran = desk.run(&[&["apply", "people.csv", "--yes"], options].concat()).exits(2);
            assert!(ran.stderr.contains("--map"), "{}", ran.stderr);
        }
    }
}

#[test]
fn an_unclear_column_is_mapped_or_ignored() {
    let desk = desk();
    desk.write("people.csv", removals("opertion", "remove"));
    let ran = desk.run(&["check", "people.csv", "--map", "operation=opertion"]).exits(0);
    assert!(ran.stdout.contains("0 to add, 4 to remove"), "{}", ran.stdout);
    let ran = desk.run(&["check", "people.csv", "--ignore", "Opertion"]).exits(0);
    assert!(
        ran.stdout.contains("4 to add, 0 to remove; no operation column: every row adds"),
        "{}",
        ran.stdout
    );
    let ran =
        desk.run(&["check", "people.csv", "--ignore", "opertion", "--set", "operation=remove"]).exits(0);
    assert!(ran.stdout.contains("0 to add, 4 to remove"), "{}", ran.stdout);
    let ran = desk.run(&["check", "people.csv", "--map", "operation=opertoin"]).exits(1);
    assert!(ran.stderr.contains("nearest is 'opertion'"), "{}", ran.stderr);
}

#[test]
fn innocent_columns_pass() {
    let desk = desk();
    let csv = "email,license,Department,last day,Change Date,note,note\n\
        user1@example.com,Messaging,Support,2026-11-30,2026-11-01,remove later,x\n";
    desk.write("people.csv", csv);
    desk.run(&["check", "people.csv"]).exits(0);
}

#[test]
fn ids_in_a_column_that_is_not_understood_are_not_left_out() {
    let desk = desk();
    let id = crate::harness::license("Messaging");
    let csv = format!("user_email,license,remove_license_ids\nuser1@example.com,Messaging,{id}\n");
    desk.write("people.csv", csv);
    let ran = desk.run(&["check", "people.csv"]).exits(1);
    assert!(ran.stdout.contains("--map licenseId=remove_license_ids"), "{}", ran.stdout);
}

#[test]
fn known_synonyms_are_taken_in_several_languages() {
    let desk = desk();
    let headers = [
        "Email Address,License Name,Action",
        "E-Mail-Adresse;Lizenz;Vorgang",
        "E-mail,Licence,Operation",
        "Email (required),License*,Operation",
        "User Principal Name,Seats,operation",
        "user_email,license,operation",
        "User ID/Email (Required),license,operation",
        "Courriel,Nom de la licence,Opération",
        "Correo electrónico;Licencia;Operación",
        "Indirizzo e-mail;Licenza;Azione",
    ];
    for header in headers {
        let delimiter = if header.contains(';') { ";" } else { "," };
        desk.write(
            "people.csv",
            format!("{header}\n{}\n", ["user1@example.com", "Messaging", "remove"].join(delimiter)),
        );
        let ran = desk.run(&["check", "people.csv"]).exits(0);
        assert!(ran.stdout.contains("0 to add, 1 to remove"), "{header}: {}", ran.stdout);
    }
    desk.write("people.csv", "emial,license\nuser1@example.com,Messaging\n");
    let ran = desk.run(&["check", "people.csv"]).exits(1);
    assert!(ran.stderr.contains("--map email=emial"), "{}", ran.stderr);
}
