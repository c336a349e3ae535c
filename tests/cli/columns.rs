//! Columns under the names that people give them: nothing that says remove is ever read as add.

use crate::harness::Desk;

fn removals(column: &str, word: &str) -> String {
    let rows: String = (1..=4).map(|n| format!("user{n}@example.com,L1,{word}\n")).collect();
    format!("email,licenseId,{column}\n{rows}")
}

#[test]
fn an_operation_under_another_name_is_never_an_addition() {
    let desk = Desk::alone();
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
    let desk = Desk::alone();
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
    let desk = Desk::alone();
    let csv = "email,license,Department,last day,Change Date,note,note\n\
        user1@example.com,Messaging,Support,2026-11-30,2026-11-01,remove later,x\n";
    desk.write("people.csv", csv);
    desk.run(&["check", "people.csv"]).exits(0);
}

#[test]
fn ids_in_a_column_that_is_not_understood_are_not_left_out() {
    let desk = Desk::alone();
    let id = crate::harness::license("Messaging");
    let csv = format!("user_email,license,remove_license_ids\nuser1@example.com,Messaging,{id}\n");
    desk.write("people.csv", csv);
    let ran = desk.run(&["check", "people.csv"]).exits(1);
    assert!(ran.stdout.contains("--map licenseId=remove_license_ids"), "{}", ran.stdout);
}

#[test]
fn known_synonyms_are_taken_in_several_languages() {
    let desk = Desk::alone();
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

#[test]
fn a_column_that_means_taking_away_is_not_left_out() {
    let desk = Desk::alone();
    for (column, cells) in [
        ("Delete", ["x", "", "x", ""]),
        ("to be removed", ["", "yes", "", ""]),
        ("Remove license", ["x", "", "", ""]),
        ("kündigen", ["ja", "", "", ""]),
        ("Zuweisen", ["nein", "ja", "ja", "ja"]),
        ("todo", ["to remove", "keep", "keep", "keep"]),
        ("Was tun", ["bleibt", "bleibt", "bleibt", "Entfernen"]),
        ("Status", ["active", "active", "active", "ausgeschieden"]),
        ("Employment Status", ["Active", "Terminated", "Active", "Active"]),
    ] {
        let rows: Vec<String> =
            (1..).zip(cells).map(|(n, cell)| format!("user{n}@example.com,L1,{cell}\n")).collect();
        desk.write("people.csv", format!("email,licenseId,{column}\n{}", rows.concat()));
        let ran = desk.run(&["check", "people.csv"]).exits(1);
        for said in ["UNCLEAR_COLUMN", "--map operation=", "--ignore "] {
            assert!(ran.stdout.contains(said), "{column}: {said}: {}", ran.stdout);
        }
        assert_eq!(ran.stdout.matches("error: UNCLEAR_COLUMN").count(), 1, "{column}: {}", ran.stdout);
        desk.run(&["check", "people.csv", "--ignore", column]).exits(0);
    }
    // A single word far behind the others.
    let many: String = (1..=60).map(|n| format!("user{n}@example.com,L1,keep\n")).collect();
    desk.write("people.csv", format!("email,licenseId,todo\n{many}user61@example.com,L1,remove\n"));
    let ran = desk.run(&["check", "people.csv"]).exits(1);
    assert!(ran.stdout.contains("line 62, column todo"), "{}", ran.stdout);
}

#[test]
fn what_people_keep_beside_is_no_operation() {
    let desk = Desk::alone();
    for (column, cell) in [
        ("Department", "Removals"),
        ("Title", "Head of Left Luggage"),
        ("Notes", "left the project; remove later"),
        ("Status", "active"),
        ("Side", "left"),
        ("Remove", ""),
        ("Date added", "2026-11-30"),
    ] {
        desk.write("people.csv", format!("email,licenseId,{column}\nuser1@example.com,L1,{cell}\n"));
        let ran = desk.run(&["check", "people.csv"]).exits(0);
        assert!(!ran.stdout.contains("UNCLEAR"), "{column}: {}", ran.stdout);
    }
    // Something else says what to do.
    let csv =
        "email,licenseId,operation,Status,Notes\nuser1@example.com,L1,remove,inactive,removed from list\n";
    desk.write("people.csv", csv);
    desk.run(&["check", "people.csv"]).exits(0);
    desk.write("people.csv", "email,Status\nuser1@example.com,inactive\n");
    desk.run(&["check", "people.csv", "--remove-all"]).exits(0);
}

#[test]
fn an_empty_operation_among_removals_is_told() {
    let desk = Desk::alone();
    let rows = "a@example.com,L1,remove\nb@example.com,L1,\nc@example.com,L1,\n";
    desk.write("people.csv", format!("email,licenseId,operation\n{rows}"));
    let ran = desk.run(&["check", "people.csv"]).exits(0);
    assert!(
        ran.stdout.contains("EMPTY_OPERATION") && ran.stdout.contains("2 cells are empty (lines 3, 4)"),
        "{}",
        ran.stdout
    );
    desk.write("people.csv", "email,licenseId,operation\na@example.com,L1,add\nb@example.com,L1,\n");
    let ran = desk.run(&["check", "people.csv"]).exits(0);
    assert!(!ran.stdout.contains("EMPTY_OPERATION"), "{}", ran.stdout);
}

#[test]
fn a_header_is_explained_with_what_would_take_it() {
    let desk = Desk::alone();
    desk.write("seatbatch.toml", "[bundles.\"Geschäftsführung\"]\nlicenses = [\"Messaging\"]\n");
    desk.write("people.csv", "email,Lizenz 1,Lizenz 2,,\na@example.com,Messaging,Meetings,,\n");
    let ran = desk.run(&["check", "people.csv"]).exits(1);
    for said in ["--map license=\"Lizenz 1\"", "--map bundle=COLUMN", "found: email, Lizenz 1, Lizenz 2."] {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
    desk.write(
        "people.csv",
        "email,Rolle\na@example.com,Gschäftsführung\nb@example.com,Büro\nc@example.com,\n",
    );
    let ran = desk.run(&["check", "people.csv", "--map", "bundle=Rolle"]).exits(1);
    for said in [
        "write Geschäftsführung if that is meant",
        "[bundles.\"Gschäftsführung\"]",
        "[bundles.\"Büro\"]",
        "the row names no bundle",
    ] {
        assert!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
    }
}

#[test]
fn an_address_where_a_person_id_is_meant_is_told_as_that() {
    let desk = Desk::alone();
    desk.write("people.csv", "personId,licenseId\nuser1@example.com,L1\n");
    let ran = desk.run(&["check", "people.csv"]).exits(1);
    assert!(
        ran.stdout.contains("WRONG_ID_KIND") && ran.stdout.contains("call the column email"),
        "{}",
        ran.stdout
    );
    desk.write("people.csv", "email,licenseId\n#user2@example.com,L1\n");
    let ran = desk.run(&["check", "people.csv"]).exits(1);
    assert!(ran.stdout.contains("BAD_EMAIL"), "{}", ran.stdout);
}

#[test]
fn problems_say_which_cell_and_which_entry() {
    let desk = Desk::alone();
    let list = "Messaging;Messaging;Messaging";
    desk.write("people.csv", format!("email,license\n\" a@example.com\",{list}\n"));
    let ran = desk.run(&["check", "people.csv"]).exits(0);
    assert!(ran.stdout.contains("the row asks for the same twice, 'Messaging'"), "{}", ran.stdout);
    assert_eq!(ran.stdout.matches("@example.com\",Messaging").count(), 1, "{}", ran.stdout);
    assert!(ran.stdout.contains("the column 'email' were left out"), "{}", ran.stdout);
    let rows = "a@example.com,\n".repeat(5);
    desk.write("people.csv", format!("email,license\n{rows}"));
    let ran = desk.run(&["check", "people.csv"]).exits(1);
    assert!(ran.stdout.contains("NO_TARGET, 5 times") && !ran.stdout.contains("in all"), "{}", ran.stdout);
}

/// Headers as programs write them, each with the address behind `email` and a license put at the end.
const EXPORTS: [(&str, &str); 8] = [
    (
        "Microsoft 365",
        "Block credential,City,Country/Region,Department,DirSyncEnabled,Display name,Fax,First name,Last name,Mobile Phone,Object Id,Office,Password never expires,Phone number,Postal code,Preferred language,Proxy addresses,Soft deletion time stamp,State,Street address,Title,Usage location,User principal name,When created",
    ),
    (
        "Google Workspace",
        "First Name [Required],Last Name [Required],Email Address [Required],Password [Required],Password Hash Function [UPLOAD ONLY],Org Unit Path [Required],New Primary Email [UPLOAD ONLY],Status [READ ONLY],Last Sign In [READ ONLY],Recovery Email,Home Secondary Email,Work Secondary Email,Recovery Phone [MUST BE IN THE E.164 FORMAT],Work Phone,Home Phone,Mobile Phone,Work Address,Home Address,Employee ID,Employee Type,Employee Title,Manager Email,Department,Cost Center,Building ID,Floor Name,Floor Section,Change Password at Next Sign-In",
    ),
    (
        "BambooHR",
        "Employee #,First name,Last name,Job title,Work phone,Work Ext.,Mobile phone,Work Email,Home Email,Department,Location,Division,Reporting to,Hire Date,Employment Status",
    ),
    (
        "Workday",
        "Employee ID,Worker,Legal Name - First Name,Legal Name - Last Name,Business Title,Email - Primary Work,Phone - Primary Work,Supervisory Organization,Cost Center,Location,Hire Date,Worker Type,Manager,Active Status",
    ),
    (
        "SAP SuccessFactors",
        "USERID,USERNAME,FIRSTNAME,LASTNAME,MI,GENDER,EMAIL,MANAGER,HR,DEPARTMENT,JOBCODE,DIVISION,TIMEZONE,HIREDATE,EMPID,TITLE,BIZ_PHONE,FAX",
    ),
    (
        "Personio",
        "ID;Vorname;Nachname;E-Mail;Position;Abteilung;Standort;Vorgesetzter;Einstellungsdatum;Vertragsende;Beschäftigungsart",
    ),
    (
        "Active Directory",
        "DistinguishedName,Enabled,GivenName,Name,ObjectClass,ObjectGUID,SamAccountName,SID,Surname,UserPrincipalName,OfficePhone,ipPhone",
    ),
    (
        "Cisco Unified CM",
        "FIRST NAME,MIDDLE NAME,LAST NAME,USER ID,MAIL ID,MANAGER USER ID,DEPARTMENT,TELEPHONE NUMBER,PRIMARY EXTENSION",
    ),
];

#[test]
fn what_programs_export_is_taken_as_it_is() {
    let desk = Desk::alone();
    for (program, header) in EXPORTS {
        let delimiter = if header.contains(';') { ';' } else { ',' };
        let email = header.split(delimiter).position(|name| {
            [
                "email",
                "e-mail",
                "emailaddress[required]",
                "workemail",
                "email-primarywork",
                "mailid",
                "userprincipalname",
            ]
            .contains(&name.to_lowercase().replace(' ', "").as_str())
        });
        let cells: Vec<&str> = header
            .split(delimiter)
            .enumerate()
            .map(|(number, _)| if Some(number) == email { "user1@example.com" } else { "Active" })
            .collect();
        let cells = cells.join(&delimiter.to_string());
        desk.write("people.csv", format!("{header}{delimiter}license\n{cells}{delimiter}Messaging\n"));
        let ran = desk.run(&["check", "people.csv"]).exits(0);
        assert!(ran.stdout.contains("1 row for 1 user: 1 to add"), "{program}: {}", ran.stdout);
        assert!(!ran.stdout.contains("error"), "{program}: {}", ran.stdout);
        // The same as a list of people.
        desk.write("people.csv", format!("{header}\n{cells}\n"));
        desk.run(&["check", "people.csv", "--add", "Messaging"]).exits(0);
    }
    // Two names of one person, of which nobody knows which is Webex's.
    let entra = "userPrincipalName,displayName,mail,givenName,objectId,userType,jobTitle,department,accountEnabled,usageLocation,telephoneNumber";
    desk.write(
        "people.csv",
        format!("{entra},license\na@example.com,A,a@example.org,A,x,Member,,,True,DE,,M\n"),
    );
    let ran = desk.run(&["check", "people.csv"]).exits(1);
    assert!(ran.stderr.contains("both mean email") && ran.stderr.contains("--map email="), "{}", ran.stderr);
    desk.run(&["check", "people.csv", "--map", "email=mail"]).exits(0);
}

#[test]
fn numbers_are_found_under_the_names_that_lists_give_them() {
    let desk = Desk::alone();
    let calling = crate::harness::license("Webex Calling - Professional");
    for header in [
        "Phone Number (E.164)",
        "Telephone [E.164 format]",
        "Work Phone (required)",
        "Phone - Primary Work",
        "DID",
        "Telefon geschäftlich",
    ] {
        desk.write(
            "people.csv",
            format!("email,licenseId,{header}\nuser1@example.com,{calling},0305550101\n"),
        );
        let ran = desk.run(&["check", "people.csv"]).exits(1);
        assert!(ran.stdout.contains("BAD_PHONE_NUMBER"), "{header}: {}", ran.stdout);
    }
    for header in ["Work Ext.", "Extension (optional)", "Work Phone Extension"] {
        desk.write("people.csv", format!("email,licenseId,{header}\nuser1@example.com,{calling},x\n"));
        let ran = desk.run(&["check", "people.csv"]).exits(1);
        assert!(ran.stdout.contains("BAD_EXTENSION"), "{header}: {}", ran.stdout);
    }
}

#[test]
fn a_removal_in_other_languages_is_never_an_addition() {
    let desk = Desk::alone();
    for word in [
        "verwijderen",
        "remover",
        "usuń",
        "usunąć",
        "ta bort",
        "fjern",
        "slett",
        "poista",
        "odebrat",
        "törlés",
        "удалить",
        "削除",
        "删除",
    ] {
        desk.write("people.csv", removals("operation", word));
        let ran = desk.run(&["check", "people.csv"]).exits(0);
        assert!(ran.stdout.contains("0 to add, 4 to remove"), "{word}: {}", ran.stdout);
        desk.write("people.csv", removals("Actie", word));
        let ran = desk.run(&["check", "people.csv"]).exits(1);
        assert!(ran.stdout.contains("--map operation=Actie"), "{word}: {}", ran.stdout);
    }
}

#[test]
fn a_second_column_of_licenses_is_not_left_out() {
    let desk = Desk::alone();
    let rows = "a@example.com,Messaging,\nb@example.com,Messaging,Meetings Suite\n";
    for column in ["second license", "Additional Licence", "Lizenz (weitere)"] {
        desk.write("people.csv", format!("email,license,{column}\n{rows}"));
        let ran = desk.run(&["check", "people.csv"]).exits(1);
        for said in [
            "UNCLEAR_COLUMN",
            "a cell of it names a license",
            "into the column 'license', with bars between them",
        ] {
            assert!(ran.stdout.contains(said), "{column}: {said}: {}", ran.stdout);
        }
        desk.run(&["check", "people.csv", "--ignore", column]).exits(0);
    }
    desk.write("people.csv", "email,license,License expiry\na@example.com,Messaging,2026-12-31\n");
    desk.run(&["check", "people.csv"]).exits(0);
}

#[test]
fn a_column_that_speaks_of_licenses_is_proposed_and_not_left_out() {
    let desk = Desk::alone();
    for column in ["Gewünschte Lizenzen", "Requested licenses", "Webex-Lizenzen"] {
        desk.write(
            "people.csv",
            format!("email,{column}\na@example.com,Messaging\nb@example.com,Messaging;Meetings Suite\n"),
        );
        let map = format!("license={column}");
        let ran = desk.run(&["check", "people.csv"]).exits(1);
        let said = format!("If '{column}' is the column, say --map license=");
        assert!(ran.stderr.contains(&said), "{}{}", ran.stdout, ran.stderr);
        let ran = desk.run(&["check", "people.csv", "--add", "Events"]).exits(1);
        for said in
            ["UNCLEAR_COLUMN", "a cell of it names a license", "instead of what is asked of every user"]
        {
            assert!(ran.stdout.contains(said), "{column}: {said}: {}", ran.stdout);
        }
        desk.run(&["check", "people.csv", "--add", "Events", "--ignore", column]).exits(0);
        let ran = desk.run(&["check", "people.csv", "--map", &map]).exits(0);
        assert!(ran.stdout.contains("3 to add"), "{}", ran.stdout);
    }
}

#[test]
fn a_column_called_bundle_is_not_left_out() {
    let desk = Desk::alone();
    desk.write("seatbatch.toml", "[bundles.engineer]\nlicenses = [\"Meetings Suite\"]\n");
    for column in ["bundle", "Bundles"] {
        desk.write("people.csv", format!("email,license,{column}\na@example.com,Messaging,engineer\n"));
        let ran = desk.run(&["check", "people.csv"]).exits(1);
        let map = format!("bundle={column}");
        assert!(ran.stdout.contains("UNCLEAR_COLUMN") && ran.stdout.contains(&map), "{}", ran.stdout);
        let ran = desk.run(&["check", "people.csv", "--map", &map]).exits(0);
        assert!(ran.stdout.contains("2 to add"), "{}", ran.stdout);
    }
}
