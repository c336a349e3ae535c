//! The organization with which a sandbox begins, where it is neither loaded nor copied: whose it is, and what they hold.

use std::collections::HashSet;
use std::path::Path;

use super::args;
use super::exit::Failure;
use super::output::Output;
use crate::assign::{Interpretation, Known, Request, SecondReading, check};
use crate::domain::{Action, Order, Printable, address_key};
use crate::input::InputFile;
use crate::live::{LicenseMatch, Licenses};
use crate::sandbox::{Organization, UserState};

/// The organization that the options describe.
pub(super) fn organization(args: &args::Sandbox, output: Output) -> Result<Organization, Failure> {
    if args.people.is_none() && args.holding.is_empty() {
        return Ok(Organization::generated(args.users));
    }
    let addresses = args.people.as_deref().map(|file| listed(file, output)).transpose()?;
    let count = addresses.as_ref().map_or(Ok(args.users), |all| u32::try_from(all.len()));
    let count = count.map_err(|_| Failure::usage("that is more people than a sandbox can hold"))?;
    let mut state = Organization::generated(count).state();
    if let Some(addresses) = addresses {
        // Person IDs are made from addresses.
        let user = |email| UserState { email, ..UserState::default() };
        state.users = addresses.into_iter().map(user).collect();
    }
    let licenses = Licenses::new(state.licenses.clone());
    for name in &args.holding {
        let LicenseMatch::One(license) = licenses.find(name) else {
            let all: Vec<&str> = licenses.all().iter().map(|license| license.name.as_str()).collect();
            return Err(Failure::usage(format!(
                "--holding {}: the sandbox has no license of that name; it has {}",
                Printable(name),
                all.join(", ")
            )));
        };
        let units = license.total_units.unwrap_or(i64::MAX);
        if units < i64::from(count) {
            return Err(Failure::usage(format!(
                "--holding {}: there are {units} units of it, and {count} users",
                license.name
            )));
        }
        state.users.iter_mut().for_each(|user| user.licenses.push(license.id.clone()));
    }
    Ok(Organization::from_state(state)?)
}

/// The addresses in a file of people, as `apply` would read them, each once.
fn listed(path: &Path, output: Output) -> Result<Vec<String>, Failure> {
    let file = InputFile::take(path)?;
    let reading = Interpretation::default().reading();
    // Whatever else stands in it: it is asked who there is, and nothing for them.
    let names = file.rows(&reading)?.names().to_vec();
    let ignore = names.into_iter().filter(|name| !reading.columns.is_header(&[name])).collect();
    let requests = vec![Request::License(Action::Add, "Messaging".to_owned())];
    let how = Interpretation { ignore, requests, ..Interpretation::default() };
    let checked = check(&file, &how, Order::File, Known::nothing(), &mut |_| {})?;
    let mut second = SecondReading::new(checked, &file)?;
    let (mut placed, mut seen, mut addresses, mut nobody) = (Vec::new(), HashSet::new(), Vec::new(), 0_u64);
    while second.next(&mut placed)?.is_some() {
        for one in placed.drain(..) {
            match one.content.ok().and_then(|operation| operation.email) {
                Some(email) if seen.insert(address_key(email.as_str()).into_owned()) => {
                    addresses.push(email.as_str().to_owned());
                }
                Some(_) => {}
                None => nobody += 1,
            }
        }
    }
    let (file, users) = (path.display(), output.amount(addresses.len() as u64, "user"));
    if addresses.is_empty() {
        return Err(Failure::usage(format!("--people {file}: no row of it has an address that can be read")));
    }
    let left_out = match nobody {
        0 => String::new(),
        1 => "; 1 row is left out, since it has no address or cannot be read".to_owned(),
        rows => {
            format!(
                "; {} are left out, since they have no address or cannot be read",
                output.amount(rows, "row")
            )
        }
    };
    output.say(format_args!("The sandbox has the {users} of {file}{left_out}"));
    Ok(addresses)
}
