//! The options that say how a file is to be taken, the same for every command that reads one.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Configured;
use crate::assign::{Due, Field, Interpretation, Request, ServiceMode};
use crate::domain::{Action, OrgId};
use crate::input::{Encoding, EncodingNameError};

#[derive(Debug, Args)]
#[command(next_help_heading = "The file")]
pub(in crate::cli) struct Reading {
    /// How the file is encoded, as in windows-1252; found out where it is not said.
    #[arg(long, value_name = "NAME", value_parser = encoding, hide_short_help = true)]
    pub(in crate::cli) encoding: Option<Encoding>,
    /// The sheet of a workbook, by its name; the first one where it is not said.
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(in crate::cli) sheet: Option<String>,
    /// Which column is which, as in email="Work Mail".
    ///
    /// May be repeated. The fields are email, personId, orgId, license, licenseId, operation, siteUrl, accountType, phoneNumber,
    /// extension, location, locationId and bundle.
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = field_and_text)]
    pub(in crate::cli) map: Vec<(Field, String)>,
    /// What every row says in a field that has no column, as in operation=remove; may be repeated.
    #[arg(long, value_name = "FIELD=VALUE", value_parser = field_and_text, hide_short_help = true)]
    pub(in crate::cli) set: Vec<(Field, String)>,
    /// A column that means nothing, whatever it looks like; may be repeated.
    #[arg(long, value_name = "COLUMN", hide_short_help = true)]
    pub(in crate::cli) ignore: Vec<String>,
    /// Write every problem of the file to this one, as CSV.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(in crate::cli) problems: Option<PathBuf>,
    /// Give every user this license, by name or ID.
    ///
    /// May be repeated.
    #[arg(long, value_name = "LICENSE", value_parser = license)]
    pub(in crate::cli) add: Vec<String>,
    /// Take this license from every user.
    ///
    /// May be repeated.
    #[arg(long, value_name = "LICENSE", value_parser = license)]
    pub(in crate::cli) remove: Vec<String>,
    /// Take license A from every user and give B.
    ///
    /// May be repeated.
    #[arg(long, value_name = "A=B", value_parser = exchange)]
    pub(in crate::cli) replace: Vec<(String, String)>,
    /// Take away everything that the users hold.
    #[arg(long, conflicts_with_all = ["add", "remove", "replace"])]
    pub(in crate::cli) remove_all: bool,
    /// Take only rows whose date in this column has come.
    ///
    /// That is today or earlier; the others are counted.
    #[arg(long, value_name = "COLUMN")]
    pub(in crate::cli) due: Option<String>,
    /// How dates are written, as in %d.%m.%Y, where not as 2026-11-30.
    #[arg(long, value_name = "FORMAT", hide_short_help = true)]
    pub(in crate::cli) date_format: Option<String>,
    /// What FALSE in a file of Control Hub's asks for: nothing, or to take the license away; or that no
    /// column of a service is looked at [default: add-only].
    #[arg(long, value_enum, value_name = "MODE", hide_short_help = true)]
    pub(in crate::cli) services: Option<Services>,
    /// What the configuration says beside options.
    #[arg(skip)]
    pub(in crate::cli) configured: Configured,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum Services {
    AddOnly,
    AddAndRemove,
    Ignore,
}

impl Reading {
    /// What is wrong with what was given together, whoever gave it.
    pub(super) fn contradiction(&self, dates_are_said: bool) -> Option<String> {
        let twice = self.set.iter().enumerate().find_map(|(number, (field, value))| {
            let others = self.set.iter().skip(number + 1);
            let other = others.filter(|(other, _)| other == field).find(|(_, other)| other != value)?;
            Some((field.name(), value, &other.1))
        });
        if let Some((field, one, other)) = twice {
            return Some(format!(
                "--set gives {field} twice, as '{one}' and as '{other}'; leave one of them out"
            ));
        }
        (dates_are_said && self.due.is_none()).then(|| {
            "--date-format says how the days of a column are written, and no --due names the column; name it, or every \
             row is taken at once"
                .to_owned()
        })
    }

    /// What the library is told about the file.
    pub(in crate::cli) fn interpretation(&self, org: Option<&str>) -> Interpretation {
        let Configured { bundles, services, locations, .. } = self.configured.clone();
        let today = jiff::tz::TimeZone::system().to_datetime(jiff::Timestamp::now()).date();
        let due = |column: &String| Due { column: column.clone(), format: self.date_format.clone(), today };
        Interpretation {
            encoding: self.encoding,
            sheet: self.sheet.clone(),
            map: self.map.clone(),
            set: self.set.clone(),
            ignore: self.ignore.clone(),
            org: org.and_then(|org| OrgId::parse(org).ok()),
            requests: self.requests(),
            due: self.due.as_ref().map(due),
            today: Some(today),
            partition: None,
            bundles,
            services,
            locations,
            service_mode: match self.services {
                Some(Services::AddAndRemove) => ServiceMode::AddAndRemove,
                Some(Services::Ignore) => ServiceMode::Ignore,
                Some(Services::AddOnly) | None => ServiceMode::AddOnly,
            },
        }
    }
}

impl Reading {
    /// The options that say what the file means, as words of a command line. How it is encoded is seen again each time, and
    /// of which sheet a row was, a failures CSV no longer tells.
    pub(in crate::cli) fn words(&self) -> Vec<String> {
        let pairs = |fields: &[(Field, String)]| {
            fields.iter().map(|(field, text)| format!("{}={text}", field.name())).collect::<Vec<_>>()
        };
        let exchanges = self.replace.iter().map(|(old, new)| format!("{old}={new}")).collect();
        let services = self.services.map(|mode| match mode {
            Services::AddOnly => "add-only".to_owned(),
            Services::AddAndRemove => "add-and-remove".to_owned(),
            Services::Ignore => "ignore".to_owned(),
        });
        let valued = [
            ("--map", pairs(&self.map)),
            ("--set", pairs(&self.set)),
            ("--ignore", self.ignore.clone()),
            ("--remove", self.remove.clone()),
            ("--replace", exchanges),
            ("--add", self.add.clone()),
            ("--due", self.due.iter().cloned().collect()),
            ("--date-format", self.date_format.iter().filter(|_| self.due.is_some()).cloned().collect()),
            ("--services", services.into_iter().collect()),
        ];
        let mut words = Vec::new();
        for (option, values) in valued {
            words.extend(values.into_iter().flat_map(|value| [option.to_owned(), value]));
        }
        words.extend(self.remove_all.then(|| "--remove-all".to_owned()));
        words
    }

    /// What is asked of every user: first what is taken, then what is given.
    fn requests(&self) -> Vec<Request> {
        let license = |action| move |text: &String| Request::License(action, text.clone());
        let mut requests: Vec<Request> = self.remove.iter().map(license(Action::Remove)).collect();
        for (old, new) in &self.replace {
            requests.extend([license(Action::Remove)(old), license(Action::Add)(new)]);
        }
        requests.extend(self.add.iter().map(license(Action::Add)));
        requests.extend(self.remove_all.then_some(Request::RemoveAll));
        requests
    }
}

/// Reads `A=B`.
fn exchange(text: &str) -> Result<(String, String), String> {
    let (old, new) = text.split_once('=').ok_or("write A=B, the license to take and the one to give")?;
    let [old, new] = [old, new].map(|name| name.trim().trim_matches('"'));
    if old.is_empty() || new.is_empty() {
        return Err("write A=B, the license to take and the one to give".to_owned());
    }
    Ok((license(old)?, license(new)?))
}

/// Reads the name or the ID of a license.
fn license(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("name a license, or give its ID".to_owned()),
        "*" => {
            Err("'*' is no license; to take away everything that the users hold, say --remove-all".to_owned())
        }
        name => Ok(name.to_owned()),
    }
}

/// Reads an encoding's name. None is found out.
fn encoding(name: &str) -> Result<Encoding, String> {
    name.parse().map_err(|error: EncodingNameError| error.to_string())
}

/// Reads `FIELD=TEXT`.
fn field_and_text(text: &str) -> Result<(Field, String), String> {
    let (field, rest) = text.split_once('=').ok_or("write FIELD=TEXT, as in email=\"Work Mail\"")?;
    let rest = rest.trim().trim_matches('"');
    if rest.is_empty() {
        return Err(format!("nothing stands behind '{field}='"));
    }
    Ok((named_field(field)?, rest.to_owned()))
}

fn named_field(name: &str) -> Result<Field, String> {
    Field::named(name).ok_or_else(|| {
        let nearest = Field::ALL.iter().map(|field| (strsim::jaro_winkler(field.name(), name), field.name()));
        let nearest = nearest.max_by(|a, b| a.0.total_cmp(&b.0)).map_or("email", |(_, field)| field);
        let all: Vec<&str> = Field::ALL.iter().map(|field| field.name()).collect();
        format!("there is no field '{name}' (the nearest is '{nearest}'); the fields are {}", all.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_and_what_it_is_told() {
        assert_eq!(field_and_text("email=\"Work Mail\""), Ok((Field::Email, "Work Mail".into())));
        assert_eq!(field_and_text("person-id=A=B"), Ok((Field::PersonId, "A=B".into())));
        assert!(field_and_text("mail=x").unwrap_err().contains("nearest is 'email'"));
        assert!(field_and_text("email").is_err() && field_and_text("email=").is_err());
    }
}
