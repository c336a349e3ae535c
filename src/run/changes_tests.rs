use std::collections::BTreeSet;

use super::*;
use crate::assign::{Due, Interpretation, Known, check};
use crate::live::{Roll, Rolls};
use crate::run::outlook::{FileUsers, UsersListed};

/// A person, as a list of holders has them; the number says who it is.
fn person(number: usize, with_email: bool, with_id: bool) -> LicenseUser {
    LicenseUser {
        id: if with_id { format!("P{number}") } else { String::new() },
        kind: None,
        display_name: None,
        email: with_email.then(|| format!("U{number}@Example.com")),
    }
}

/// What is written for a file beside these holders of A and B, as is: rows, and what was counted.
fn written(
    file: &InputFile,
    sync: &Sync,
    holders: &[Vec<LicenseUser>; 2],
) -> Result<(Changes, Vec<csv::StringRecord>), ChangesError> {
    let due = Due { column: "day".into(), format: None, today: jiff::civil::date(2026, 11, 26) };
    let how = Interpretation { due: Some(due), ..Interpretation::default() };
    let mut checked = check(file, &how, Order::File, Known::nothing(), &mut |_| {}).unwrap();
    let bystanders = Bystanders::of(&mut checked, file).unwrap();
    let (mut outlook, checked) = Outlook::of_file(checked, file).unwrap();
    let (others, users) = (Others::new(sync, bystanders).unwrap(), checked.counts().assignments);
    let listed = UsersListed::of(&outlook, users);
    let mut rolls = vec![None; outlook.stocks.len()];
    for (stock, slot) in rolls.iter_mut().enumerate() {
        let mut roll = Roll::empty(users);
        for user in &holders[usize::from(outlook.labels[stock].target.as_str() == "B")] {
            let numbers = roll.take(user, &FileUsers(&checked));
            others.meet(&outlook, &listed.holder(stock, user, numbers));
        }
        *slot = Some(roll);
    }
    outlook.take_holders(Rolls::new(rolls));
    let mut output = Vec::new();
    let found = synchronized(checked, file, &outlook, others, &mut output)?;
    let rows = csv::Reader::from_reader(output.as_slice()).into_records().map(Result::unwrap).collect();
    Ok((found, rows))
}

/// Which user a row or a holder is.
fn number(name: &str) -> usize {
    name.trim_start_matches(['u', 'U', 'P']).split('@').next().unwrap().parse().unwrap()
}

/// What is written for these rows beside these holders of A, as counts: rows, removals of those whom the file does not
/// list, and who is spared since nobody can tell.
fn counted(rows: &str, holders: &[LicenseUser], protected: Option<&str>) -> Changes {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    std::fs::write(&path, format!("email,personId,licenseId,operation,day\n{rows}")).unwrap();
    let protected = protected.map(|email| vec![email.to_owned()]);
    let sync = Sync { scope: Vec::new(), protected, most: "100%".parse().unwrap() };
    written(&InputFile::open(&path).unwrap(), &sync, &[holders.to_vec(), Vec::new()]).unwrap().0
}

#[test]
fn who_is_listed_for_another_day_is_not_mistaken_for_somebody_named_otherwise() {
    let (by_email, by_person) = (person(2, true, false), person(2, false, true));
    let (stranger_by_email, stranger_by_person) = (person(9, true, false), person(9, false, true));
    let [email, id] = ["u1@example.com,,A,add,2026-11-26\n", ",P1,A,add,2026-11-26\n"];
    let [later_email, later_id] = ["u2@example.com,,A,add,2026-11-27\n", ",P2,A,add,2026-11-27\n"];
    for (today, later, holder, found) in [
        // From whom it is taken, whom the file lists, and of whom that cannot be told.
        (id, later_email, &by_person, (0, 0, 1)),
        (id, later_id, &by_person, (0, 1, 0)),
        (id, later_id, &stranger_by_person, (1, 0, 0)),
        (email, later_id, &by_email, (0, 0, 1)),
        (email, later_email, &by_email, (0, 1, 0)),
        (email, later_email, &stranger_by_email, (1, 0, 0)),
    ] {
        let Changes { unlisted, listed_only, not_comparable, .. } =
            counted(&format!("{today}{later}"), std::slice::from_ref(holder), None);
        assert_eq!((unlisted, listed_only, not_comparable), found, "{today}{later}");
    }
    // A list that gives no address may have somebody who is protected.
    let found = counted(id, &[stranger_by_person, person(8, false, true)], Some("u7@example.com"));
    assert_eq!((found.unlisted, found.not_comparable), (0, 2));
}

#[test]
fn what_a_list_cannot_tell_is_counted_and_spares_only_whom_it_may_protect() {
    let without_email = [person(5, false, true)];
    let without_id = [person(5, true, false)];
    let both = [person(1, true, true)];
    let [add, remove, remove_id] = ["u1@example.com,,A,add,", "u1@example.com,,A,remove,", ",P1,A,remove,"]
        .map(|row| format!("{row}2026-11-26\n"));
    for (row, holders, protected, (rows, unknown, spared)) in [
        (&add, &without_email, None, (1, 1, 0)),
        (&add, &both, None, (0, 0, 0)),
        (&remove, &without_email, Some("u9@example.com"), (1, 1, 0)),
        (&remove, &without_email, Some("u1@example.com"), (0, 0, 1)),
        (&remove_id, &without_id, None, (1, 1, 0)),
        (&remove_id, &without_id, Some("u9@example.com"), (0, 0, 1)),
        (&remove_id, &both, Some("u9@example.com"), (1, 0, 0)),
        (&remove_id, &both, Some("u1@example.com"), (0, 0, 1)),
    ] {
        let found = counted(row, holders, protected);
        assert_eq!(
            (found.rows(), found.unknown, found.protected),
            (rows, unknown, spared),
            "{row} {protected:?}"
        );
    }
}

#[test]
fn what_changes_nothing_is_dropped_and_counted_and_so_is_what_nobody_can_tell() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    let rows = "u1@example.com,,A\nu2@example.com,,A\nu2@example.com,,B\nu3@example.com,,A\n,P4,A\n";
    std::fs::write(&path, format!("email,personId,licenseId\n{rows}")).unwrap();
    let file = InputFile::open(&path).unwrap();
    let checked =
        check(&file, &Interpretation::default(), Order::File, Known::nothing(), &mut |_| {}).unwrap();
    let (mut outlook, checked) = Outlook::of_file(checked, &file).unwrap();
    let mut roll = Roll::empty(checked.counts().assignments);
    for holder in [person(1, true, true), person(2, true, true), person(7, true, false)] {
        roll.take(&holder, &FileUsers(&checked));
    }
    // Of B no list is read: whether it changes anything is not said to be unknown.
    outlook.take_holders(Rolls::new(vec![Some(roll), None]));
    assert_eq!((outlook.unknown(), outlook.is_read(0), outlook.is_read(1)), (1, true, false));
    let spared = outlook.drop_unchanged();
    assert_eq!((spared.operations, spared.users), (2, 1));
    assert_eq!(outlook.seat_changes().users().count(), 3);
}

#[test]
fn a_file_that_is_the_whole_truth_equals_its_model() {
    let mut random = fastrand::Rng::with_seed(14);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    let (mut refused, mut takes, mut spares) = (0, 0, 0);
    for case in 0..10_000 {
        let users = 2 + random.usize(..6);
        // What the file asks: user and license, and whether it gives.
        let mut asked: HashMap<(usize, usize), bool> = HashMap::new();
        // For whom the file lists a license on another day.
        let mut later: BTreeSet<(usize, usize)> = BTreeSet::new();
        let mut text = "email,personId,licenseId,operation,day\n".to_owned();
        let by_id: Vec<bool> = (0..users).map(|_| random.u8(..5) == 0).collect();
        for (user, by_id) in by_id.iter().enumerate() {
            for license in 0..2 {
                if random.u8(..3) > 0 {
                    let gives = random.u8(..3) > 0;
                    let is_due = random.u8(..6) > 0;
                    if is_due {
                        asked.insert((user, license), gives);
                    } else {
                        later.insert((user, license));
                    }
                    let name = if *by_id { format!(",P{user}") } else { format!("u{user}@example.com,") };
                    let (license, operation) = (["A", "B"][license], if gives { "add" } else { "remove" });
                    let day = if is_due { "2026-11-26" } else { "2026-11-27" };
                    text += &format!("{name},{license},{operation},{day}\n");
                }
            }
        }
        if asked.is_empty() {
            continue;
        }
        std::fs::write(&path, text).unwrap();
        // Most lists name everybody in both ways.
        let full = random.u8(..4) > 0;
        let mut held: BTreeSet<(usize, usize)> = BTreeSet::new();
        let mut holders: [Vec<LicenseUser>; 2] = Default::default();
        for (license, list) in holders.iter_mut().enumerate() {
            for user in 0..users + 3 {
                if random.bool() {
                    continue;
                }
                held.insert((user, license));
                let (email, id) = if full { (true, true) } else { (random.u8(..4) > 0, random.u8(..4) > 0) };
                list.push(person(user, email, id));
            }
        }
        let protected: Option<Vec<usize>> =
            random.bool().then(|| (0..users + 3).filter(|_| random.u8(..4) == 0).collect());
        let keys = protected.iter().flatten().map(|user| format!("u{user}@example.com"));
        let mut keys: Vec<String> = keys.collect();
        keys.sort_unstable();
        let most: FailureLimit = ["0", "1", "30%", "100%"][random.usize(..4)].parse().unwrap();
        let sync = Sync { scope: Vec::new(), protected: protected.as_ref().map(|_| keys), most };
        let is_protected = |user: usize| protected.as_ref().is_some_and(|all| all.contains(&user));

        let result = written(&InputFile::open(&path).unwrap(), &sync, &holders);
        let (found, rows) = match result {
            Ok(found) => found,
            Err(error) => {
                refused += 1;
                // Never for nothing: something would have been taken from a holder, or may be where the list says too little.
                let taken = |license: usize| {
                    held.iter()
                        .filter(|(user, of)| *of == license && asked.get(&(*user, license)) != Some(&true))
                        .filter(|holder| !later.contains(holder))
                        .count()
                };
                assert!((0..2).any(|license| taken(license) > 0) || !full, "case {case}: {error}");
                continue;
            }
        };
        let mut now = held.clone();
        for row in &rows {
            let user = number(if row[0].is_empty() { &row[1] } else { &row[0] });
            let license = usize::from(&row[3] == "B");
            let changed = match &row[6] {
                "add" => now.insert((user, license)),
                _ => {
                    assert!(!is_protected(user), "case {case}: {user} is protected: {rows:?}");
                    takes += 1;
                    now.remove(&(user, license))
                }
            };
            assert!(changed || !full, "case {case}: {row:?} changes nothing");
        }
        assert_eq!(found.rows(), rows.len() as u64, "case {case}");
        let listed: BTreeSet<usize> = asked.keys().map(|(_, license)| *license).collect();
        for license in listed {
            let of = |all: &BTreeSet<(usize, usize)>| -> BTreeSet<usize> {
                all.iter().filter(|(_, of)| *of == license).map(|(user, _)| *user).collect()
            };
            let wanted =
                asked.iter().filter(|((_, of), gives)| *of == license && **gives).map(|((user, _), _)| *user);
            let wanted: BTreeSet<usize> = wanted.collect();
            let (before, after) = (of(&held), of(&now));
            // Nobody has it but whom the file gives it to, and those who are spared.
            for user in after.difference(&wanted) {
                spares += 1;
                assert!(
                    before.contains(user)
                        && (is_protected(*user) || later.contains(&(*user, license)) || !full),
                    "case {case}: {user} keeps it"
                );
            }
            assert!(wanted.is_subset(&after), "case {case}: {wanted:?} {after:?}");
            // Who is listed for another day keeps it.
            assert!(before.iter().all(|user| !later.contains(&(*user, license)) || after.contains(user)));
            // No more is taken than may be.
            let lost = before.difference(&after).count() as u64;
            assert!(
                !sync.most.is_exceeded(lost, before.len() as u64),
                "case {case}: {lost} of {}",
                before.len()
            );
        }
        // Of what the file says nothing, nothing is changed.
        let unsaid = |(user, license): &&(usize, usize)| {
            !asked.keys().any(|(_, of)| of == license) || *user > users + 3
        };
        assert!(held.iter().filter(unsaid).eq(now.iter().filter(unsaid)), "case {case}");
    }
    assert!(refused > 500 && takes > 1_000 && spares > 500, "{refused} {takes} {spares}");
}
