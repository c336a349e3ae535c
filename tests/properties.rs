//! Properties of files: every form of one wish asks for the same, and what a failures file asks for is what failed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rusqlite::{Connection, params};
use seatbatch::assign::{
    Bundle, Checked, Due, Field, Interpretation, Known, KnownLicense, LicenseNames, Request, SecondReading,
    ServiceMode, Severity, check,
};
use seatbatch::domain::{Action, LicenseId, OperationKey, Order, OrgId};
use seatbatch::input::InputFile;
use seatbatch::journal::{Journal, Reader};
use seatbatch::report::write_failures;
use seatbatch::run::{Background, RunSettings, import};

const LICENSES: [&str; 3] = ["Messaging", "Meetings Suite", "Webex Calling - Professional"];
const SITE: &str = "meet.example.com";
const USERS: usize = 4;

/// Who is to get or to lose what: by user, then by license; the last is the site.
type Wish = Vec<[Option<Action>; 4]>;
/// The same as it is understood: whose organization, who, what, and whether it is given or taken.
type Asked = BTreeSet<(Option<String>, String, String, &'static str)>;

fn wish() -> impl Strategy<Value = Wish> {
    let one = prop_oneof![Just(None), Just(Some(Action::Add)), Just(Some(Action::Remove))];
    prop::collection::vec(prop::array::uniform4(one), USERS)
}

fn email(user: usize) -> String {
    format!("user{user}@example.com")
}

fn target(number: usize) -> &'static str {
    LICENSES.get(number).copied().unwrap_or(SITE)
}

fn expected(wish: &Wish) -> Asked {
    let of_user = |(user, wishes): (usize, &[Option<Action>; 4])| -> Vec<_> {
        let of = wishes.iter().enumerate();
        of.filter_map(|(number, action)| {
            Some((None, email(user), target(number).to_owned(), (*action)?.as_str()))
        })
        .collect()
    };
    wish.iter().enumerate().flat_map(of_user).collect()
}

/// A day of today's, of yesterday's or of tomorrow's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Day {
    Yesterday,
    Today,
    Tomorrow,
}

impl Day {
    fn text(self, dotted: bool) -> &'static str {
        match (self, dotted) {
            (Self::Yesterday, false) => "2026-11-25",
            (Self::Yesterday, true) => "25.11.2026",
            // As a spreadsheet and we ourselves write it, whatever the others are written like.
            (Self::Today, _) => "2026-11-26",
            (Self::Tomorrow, false) => "2026-11-27",
            (Self::Tomorrow, true) => "27.11.2026",
        }
    }
}

/// What a file may say of its users beside: each one's organization and day.
#[derive(Debug, Clone)]
struct Dress {
    organizations: Vec<Option<u8>>,
    days: Vec<Option<Day>>,
    dotted: bool,
}

impl Dress {
    /// What is asked of those whose day has come, in their organizations.
    fn of(&self, asked: Asked) -> Asked {
        let dated = self.days.iter().any(Option::is_some);
        let number = |user: &str| (0..USERS).find(|number| email(*number) == user).unwrap();
        let due = |user: &str| !dated || matches!(self.days[number(user)], Some(Day::Yesterday | Day::Today));
        let asked = asked.into_iter().filter(|(_, user, ..)| due(user));
        asked
            .map(|(_, user, target, action)| {
                (self.organizations[number(&user)].map(organization), user, target, action)
            })
            .collect()
    }
}

fn organization(number: u8) -> String {
    format!("ORG{number}")
}

fn dress() -> impl Strategy<Value = Dress> {
    let organization = prop_oneof![Just(None), (0..2_u8).prop_map(Some)];
    let organizations = prop_oneof![Just(vec![None; USERS]), prop::collection::vec(organization, USERS),];
    let day = prop_oneof![
        Just(None),
        Just(Some(Day::Yesterday)),
        Just(Some(Day::Today)),
        Just(Some(Day::Tomorrow))
    ];
    let days = prop_oneof![Just(vec![None; USERS]), prop::collection::vec(day, USERS)];
    (organizations, days, any::<bool>()).prop_map(|(organizations, days, dotted)| Dress {
        organizations,
        days,
        dotted,
    })
}

/// A table, and how it is to be taken.
#[derive(Debug, Clone)]
struct Form {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    how: Interpretation,
}

impl Form {
    fn new(header: &[&'static str], how: Interpretation) -> Self {
        Self { header: header.to_vec(), rows: Vec::new(), how }
    }

    /// One operation a row.
    fn long(wish: &Wish) -> Self {
        let mut form =
            Self::new(&["note", "email", "license", "siteUrl", "operation"], Interpretation::default());
        for (_, user, target, action) in expected(wish) {
            let (license, site) =
                if target == SITE { (String::new(), target) } else { (target, String::new()) };
            form.rows.push(vec!["a, \"b\"".into(), user, license, site, action.into()]);
        }
        form
    }

    /// A row a user and a column a service.
    fn wide(wish: &Wish) -> Self {
        let header = [
            "User ID/Email (Required)",
            "Messaging [Sub1]",
            "Meetings Suite [Sub1]",
            "Webex Calling - Professional",
            "meet.example.com - Attendee",
            "Extension",
            "Location",
        ];
        let mut how = Interpretation { service_mode: ServiceMode::AddAndRemove, ..Interpretation::default() };
        how.services = BTreeMap::from([
            ("Messaging [Sub1]".into(), "Messaging".into()),
            ("Meetings Suite [Sub1]".into(), "Meetings Suite".into()),
        ]);
        how.locations = BTreeMap::from([("HQ".into(), "LOC1".into())]);
        let mut form = Self::new(&header, how);
        for (user, wishes) in wish.iter().enumerate() {
            let cell = |action: &Option<Action>| match action {
                None => String::new(),
                Some(Action::Add) => "TRUE".to_owned(),
                Some(Action::Remove) => "FALSE".to_owned(),
            };
            let cells = std::iter::once(email(user)).chain(wishes.iter().map(cell));
            form.rows.push(cells.chain(["2001".to_owned(), "HQ".to_owned()]).collect());
        }
        form
    }

    /// A cell lists what is to be added, another row what is to be removed.
    fn lists(wish: &Wish) -> Self {
        let mut form = Self::new(&["E-Mail", "Seats", "Operation"], Interpretation::default());
        for (user, wishes) in wish.iter().enumerate() {
            for action in [Action::Add, Action::Remove] {
                let listed = wishes.iter().take(3).enumerate().filter(|(_, own)| **own == Some(action));
                let listed: Vec<&str> = listed.map(|(number, _)| target(number)).collect();
                if !listed.is_empty() {
                    form.rows.push(vec![email(user), listed.join("; "), action.as_str().into()]);
                }
            }
        }
        form
    }

    /// A cell names sets, of which one is nearly the name of a license in it.
    fn bundles(wish: &Wish) -> Self {
        let mut how =
            Interpretation { map: vec![(Field::Bundle, "Role".into())], ..Interpretation::default() };
        for (number, name) in ["Messaging", "meetings", "calling", "site"].into_iter().enumerate() {
            let (licenses, sites) = match LICENSES.get(number) {
                Some(license) => (vec![(*license).to_owned()], Vec::new()),
                None => (Vec::new(), vec![SITE.to_owned()]),
            };
            how.bundles.insert(name.into(), Bundle { licenses, sites });
        }
        let all = LICENSES.iter().map(|license| (*license).to_owned()).collect();
        how.bundles.insert("all of it".into(), Bundle { licenses: all, sites: vec![SITE.into()] });
        let mut form = Self::new(&["email", "Role", "operation", "note"], how);
        for (user, wishes) in wish.iter().enumerate() {
            for action in [Action::Add, Action::Remove] {
                let has = |number: usize| wishes[number] == Some(action);
                let names = ["Messaging", "meetings", "calling", "site"];
                let cell = if (0..4).all(has) {
                    "all of it".to_owned()
                } else {
                    let names: Vec<&str> = names
                        .into_iter()
                        .enumerate()
                        .filter(|(number, _)| has(*number))
                        .map(|(_, name)| name)
                        .collect();
                    names.join(" | ")
                };
                if !cell.is_empty() {
                    form.rows.push(vec![email(user), cell, action.as_str().into(), "x".into()]);
                }
            }
        }
        form
    }

    /// The first user's licenses, asked by options of everyone.
    fn options(wish: &Wish) -> Self {
        let mut how = Interpretation::default();
        for (number, action) in wish[0].iter().take(3).enumerate() {
            how.requests.extend(action.map(|action| Request::License(action, target(number).to_owned())));
        }
        let mut form = Self::new(&["Name", "email"], how);
        form.rows = (0..wish.len()).map(|user| vec!["n".into(), email(user)]).collect();
        form
    }

    /// The same with columns of organizations and of days.
    fn dressed(mut self, dress: &Dress) -> Self {
        let column = self.header.iter().position(|name| name.to_lowercase().contains("mail")).unwrap();
        let of_row = |row: &[String]| (0..USERS).find(|user| email(*user) == row[column]).unwrap();
        if dress.organizations.iter().any(Option::is_some) {
            self.header.push("orgId");
            for row in &mut self.rows {
                row.push(dress.organizations[of_row(row)].map_or_else(String::new, organization));
            }
        }
        if dress.days.iter().any(Option::is_some) {
            self.header.push("Last Day");
            for row in &mut self.rows {
                row.push(dress.days[of_row(row)].map_or("", |day| day.text(dress.dotted)).to_owned());
            }
            let format = dress.dotted.then(|| "%d.%m.%Y".to_owned());
            let today = jiff::civil::date(2026, 11, 26);
            self.how.due = Some(Due { column: "last day".into(), format, today });
        }
        self
    }

    /// Writes it, as text or as a workbook.
    fn write(&self, folder: &Path, workbook: bool) -> PathBuf {
        let path = folder.join(if workbook { "people.xlsx" } else { "people.csv" });
        let rows = std::iter::once(self.header.iter().map(|name| (*name).to_owned()).collect());
        let rows: Vec<Vec<String>> = rows.chain(self.rows.iter().cloned()).collect();
        if workbook {
            let mut book = rust_xlsxwriter::Workbook::new();
            let sheet = book.add_worksheet();
            for (row, cells) in (0..).zip(&rows) {
                for (column, cell) in (0..).zip(cells) {
                    match cell.as_str() {
                        "" => continue,
                        "TRUE" => sheet.write(row, column, true).unwrap(),
                        "FALSE" => sheet.write(row, column, false).unwrap(),
                        // A day as Excel keeps it, however it shows it.
                        day if day.starts_with("2026-11-2") => {
                            let day = rust_xlsxwriter::ExcelDateTime::parse_from_str(day).unwrap();
                            let form = rust_xlsxwriter::Format::new().set_num_format("dd.mm.yyyy");
                            sheet.write_with_format(row, column, &day, &form).unwrap()
                        }
                        text => sheet.write(row, column, text).unwrap(),
                    };
                }
            }
            book.save(&path).unwrap();
        } else {
            let mut writer = csv::Writer::from_path(&path).unwrap();
            rows.iter().for_each(|row| writer.write_record(row).unwrap());
            writer.flush().unwrap();
        }
        path
    }
}

/// Each organization has its own licenses, of the same names.
fn known() -> Known {
    let license = |number: Option<u8>| {
        move |name: &&str| KnownLicense {
            id: LicenseId::parse(&id(number, name)).unwrap(),
            name: (*name).to_owned(),
            site: None,
            subscription: None,
            free: None,
        }
    };
    let mut names = LicenseNames::default();
    for number in [None, Some(0), Some(1)] {
        let org = number.map(|number| OrgId::parse(&organization(number)).unwrap());
        names = names.with(org.as_ref(), LICENSES.iter().map(license(number)).collect());
    }
    Known { names, holdings: None }
}

fn id(number: Option<u8>, name: &str) -> String {
    format!("ID{}-{}", number.map_or(9, u8::from), name.replace(' ', ""))
}

fn read(file: &InputFile, how: &Interpretation) -> Option<Checked> {
    let checked = check(file, how, Order::File, known(), &mut |problem| {
        assert!(problem.severity() != Severity::Error, "{problem}");
    });
    match checked {
        Ok(checked) => Some(checked),
        Err(error) if error.to_string().contains("no rows") || error.to_string().contains("without rows") => {
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// What an operation asks: the organization, the user, the license, and whether it gives or takes.
type AskedOf = (Option<String>, String, String, &'static str);

/// What a file asks for, by the operations' names.
fn operations(file: &InputFile, how: &Interpretation) -> Vec<(OperationKey, AskedOf)> {
    let Some(checked) = read(file, how) else { return Vec::new() };
    let names: Vec<String> = checked
        .targets()
        .all()
        .iter()
        .map(|target| {
            let ids = [None, Some(0), Some(1)];
            let name =
                LICENSES.iter().find(|name| ids.iter().any(|number| id(*number, name) == target.as_str()));
            name.map_or_else(|| target.as_str().to_owned(), |name| (*name).to_owned())
        })
        .collect();
    let mut second = SecondReading::new(checked, file).unwrap();
    let mut placed = Vec::new();
    while second.next(&mut placed).unwrap().is_some() {}
    let of = |placed: seatbatch::assign::Placed| {
        let operation = placed.content.unwrap();
        let user = operation.email.unwrap().as_str().to_owned();
        let org = operation.org.map(|org| org.as_str().to_owned());
        (placed.key, (org, user, names[operation.target.0 as usize].clone(), operation.action.as_str()))
    };
    placed.into_iter().map(of).collect()
}

fn asked(path: &Path, how: &Interpretation) -> Asked {
    operations(&InputFile::open(path).unwrap(), how).into_iter().map(|(_, asked)| asked).collect()
}

/// Imports a file, lets the operations fail that `fails` says, and writes the failures. What failed, and where.
fn apply(path: &Path, how: &Interpretation, fails: &mut dyn FnMut() -> bool, to: &Path) -> Asked {
    let file = InputFile::open(path).unwrap();
    let all = operations(&file, how);
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("journal.db");
    let mut journal = Journal::create(&place).unwrap();
    let Some(checked) = read(&file, how) else { return Asked::new() };
    let (run, totals) =
        import(&mut journal, &file, checked, &mut RunSettings::default(), &Background::default()).unwrap();
    assert_eq!(totals.total as usize, all.len());
    drop(journal);
    let failed: Vec<_> = all.into_iter().filter(|_| fails()).collect();
    // What came of it is put down by hand: one batch, done but for these.
    let sql = Connection::open(&place).unwrap();
    let rows: u32 = sql.query_row("SELECT count(*) FROM operation", [], |row| row.get(0)).unwrap();
    if totals.assignments > 0 {
        sql.execute(
            "INSERT INTO batch (run_id, first, batch_id, last, rows, failed, state, updated_at)
             VALUES (?1, 0, 1, ?2, ?3, ?4, 'done', 0)",
            params![run.0, totals.assignments - 1, rows, failed.len() as u32],
        )
        .unwrap();
    }
    for (key, _) in &failed {
        let put =
            "INSERT INTO exception SELECT run_id, assignment, line, item, 'X', 'no, \"x\"' FROM operation
                   WHERE run_id = ?1 AND line = ?2 AND item = ?3";
        sql.execute(put, params![run.0, key.line.get(), key.item.get()]).unwrap();
    }
    drop(sql);
    let reader = Reader::open(&place).unwrap();
    let row = reader.run(Some(run)).unwrap().unwrap();
    let mut written = Vec::new();
    write_failures(&reader, &row, to, &mut written).unwrap();
    std::fs::write(to, written).unwrap();
    failed.into_iter().map(|(_, asked)| asked).collect()
}

fn few(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(few(96))]

    #[test]
    fn every_form_of_a_wish_asks_for_the_same(wish in wish(), dress in dress(), workbook: bool) {
        let folder = tempfile::tempdir().unwrap();
        let expected = dress.of(expected(&wish));
        for form in [Form::long(&wish), Form::wide(&wish), Form::bundles(&wish)] {
            let form = form.dressed(&dress);
            let path = form.write(folder.path(), workbook);
            prop_assert_eq!(&asked(&path, &form.how), &expected, "{:?}", form);
        }
        let licenses: Asked = expected.into_iter().filter(|(_, _, target, _)| target != SITE).collect();
        let lists = Form::lists(&wish).dressed(&dress);
        prop_assert_eq!(asked(&lists.write(folder.path(), workbook), &lists.how), licenses);
    }

    #[test]
    fn a_failures_file_asks_for_exactly_what_failed(
        wish in wish(),
        dress in dress(),
        form in 0..5_usize,
        workbook: bool,
        back_as_workbook: bool,
        fates in prop::collection::vec(any::<bool>(), 64),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let forms = [Form::long, Form::wide, Form::lists, Form::bundles, Form::options];
        let form = forms[form](&wish);
        if form.how.requests.is_empty() && form.rows.is_empty() || form.header.len() == 2 && form.how.requests.is_empty() {
            return Ok(());
        }
        let form = form.dressed(&dress);
        let mut path = form.write(folder.path(), workbook);
        let mut fates = fates.into_iter().cycle();
        // What failed of what failed, and of that, comes back too.
        for round in 0..3 {
            let ending = if back_as_workbook { "xlsx" } else { "csv" };
            let to = folder.path().join(format!("failures{round}.{ending}"));
            let failed = apply(&path, &form.how, &mut || fates.next().unwrap(), &to);
            prop_assert_eq!(&asked(&to, &form.how), &failed, "{:?}\n{}", form,
                String::from_utf8_lossy(&std::fs::read(&to).unwrap()));
            if failed.is_empty() {
                break;
            }
            path = to;
        }
    }
}
