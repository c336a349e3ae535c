//! `seatbatch.toml`: what a flag and the environment do not say, the profile says, and then the file's top level.
//!
//! An option that is not given is put behind the command line as if it had been, and all of it is read again: so
//! there is one place that knows what a value may be, and one that knows what goes before what.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use toml::{Table, Value};

use crate::assign::{Bundle, Field};
use crate::cli::words::cause;
use crate::domain::spelling::{key, name_key};

/// The file's name.
const NAME: &str = "seatbatch.toml";

/// Commands whose options can stand in the file.
const COMMANDS: [&str; 7] = ["check", "plan", "diff", "apply", "resume", "retry", "rehearse"];

/// Options that are said each time, or never in a file.
const NEVER: [&str; 12] = [
    "config", "profile", "help", "version", "output", "code", "yes", "again", "dry-run", "plan", "fix",
    "problems",
];

/// What the file says that no option does.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Configured {
    /// Where it says so.
    pub(in crate::cli) path: Option<PathBuf>,
    /// Sets of licenses and sites.
    pub(in crate::cli) bundles: BTreeMap<String, Bundle>,
    /// Columns of services and their licenses.
    pub(in crate::cli) services: BTreeMap<String, String>,
    /// Locations and their IDs.
    pub(in crate::cli) locations: BTreeMap<String, String>,
    /// What the command line says of the file without it, as its words.
    pub(in crate::cli) said_by_hand: Vec<String>,
}

impl Configured {
    /// Whether it gives names to anything.
    pub(in crate::cli) fn has_names(&self) -> bool {
        !(self.bundles.is_empty() && self.services.is_empty() && self.locations.is_empty())
    }
}

/// A configuration that was found.
#[derive(Debug, Default)]
pub(super) struct Config {
    path: PathBuf,
    top: Table,
    profile: Table,
    pub(super) configured: Configured,
}

impl Config {
    /// Finds and reads the configuration that a command line means.
    pub(super) fn find(
        whole: &Command,
        named: Option<&Path>,
        profile: Option<&str>,
    ) -> Result<Option<Self>, String> {
        let Some((path, text)) = text(named)? else {
            return match profile {
                Some(profile) => {
                    Err(format!("--profile {profile}: there is no {NAME}; name it with --config"))
                }
                None => Ok(None),
            };
        };
        let read = Self::of(whole, &text, profile, &path);
        read.map(Some).map_err(|message| format!("{}: {message}", path.display()))
    }

    /// Reads the text of a configuration.
    pub(super) fn of(
        whole: &Command,
        text: &str,
        profile: Option<&str>,
        path: &Path,
    ) -> Result<Self, String> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| misread(text, &error))?;
        Self::read(whole, table, profile, path)
    }

    fn read(whole: &Command, mut table: Table, profile: Option<&str>, path: &Path) -> Result<Self, String> {
        let known = known_options(whole);
        let bundles = bundles(section(&mut table, "bundles")?)?;
        let services = names(section(&mut table, "services")?, "services")?;
        let locations = names(section(&mut table, "locations")?, "locations")?;
        refuse_as_one("bundles", bundles.iter(), name_key)?;
        refuse_as_one("services", services.iter(), |name| Some(key(name)))?;
        refuse_as_one("locations", locations.iter(), name_key)?;
        let mut profiles = section(&mut table, "profiles")?;
        refuse_unknown(&table, &known, "")?;
        for (name, profile) in &profiles {
            let Value::Table(profile) = profile else {
                return Err(format!(
                    "profiles.{name} is not a table; write [profiles.{name}] and its options below"
                ));
            };
            refuse_unknown(profile, &known, &format!("profiles.{name}."))?;
        }
        let profile = match profile.map(|name| (name, profiles.remove(name))) {
            None => Table::new(),
            Some((_, Some(Value::Table(profile)))) => profile,
            Some((name, _)) => {
                let near = nearest(name, profiles.keys().map(String::as_str));
                return Err(format!("there is no [profiles.{name}]{near}"));
            }
        };
        let configured = Configured {
            path: Some(path.to_owned()),
            bundles,
            services,
            locations,
            said_by_hand: Vec::new(),
        };
        Ok(Self { path: path.to_owned(), top: table, profile, configured })
    }

    /// The words that say what the command line leaves open.
    pub(super) fn words(&self, command: &Command, given: &ArgMatches) -> Result<Vec<OsString>, String> {
        let mut words = Vec::new();
        for arg in command.get_arguments() {
            let Some(long) = arg.get_long() else { continue };
            if arg.is_hide_set() || NEVER.contains(&long) {
                continue;
            }
            let id = arg.get_id().as_str();
            let source = given.value_source(id);
            let is_given = matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable));
            if matches!(long, "map" | "set") {
                let said = given.get_many::<(Field, String)>(id).into_iter().flatten();
                self.fields(long, &said.map(|(field, _)| *field).collect::<Vec<_>>(), &mut words)?;
                continue;
            }
            let value = self.profile.get(long).or_else(|| self.top.get(long));
            if let (false, Some(value)) = (is_given, value) {
                self.say(long, value, &mut words)?;
            }
        }
        Ok(words)
    }

    /// The fields of `map` or `set` that nothing before has said.
    fn fields(&self, option: &str, said: &[Field], words: &mut Vec<OsString>) -> Result<(), String> {
        let mut said = said.to_vec();
        for table in [&self.profile, &self.top] {
            let mut fresh = Vec::new();
            match table.get(option) {
                None => {}
                Some(Value::Table(fields)) => {
                    for (name, value) in fields {
                        let field = Field::named(name).ok_or_else(|| {
                            let near = nearest(name, Field::ALL.iter().map(|field| field.name()));
                            self.fault(&format!("{option}.{name}: there is no such field{near}"))
                        })?;
                        if !said.contains(&field) {
                            let text = scalar(value)
                                .ok_or_else(|| self.fault(&format!("{option}.{name} is not a text")))?;
                            words.push(format!("--{option}={}={text}", field.name()).into());
                            fresh.push(field);
                        }
                    }
                }
                Some(_) => {
                    return Err(self.fault(&format!(
                        "{option} is not a table, as in {option} = {{ email = \"Work Email\" }}"
                    )));
                }
            }
            said.extend(fresh);
        }
        Ok(())
    }

    fn say(&self, option: &str, value: &Value, words: &mut Vec<OsString>) -> Result<(), String> {
        match value {
            Value::Boolean(true) => words.push(format!("--{option}").into()),
            Value::Boolean(false) => {}
            Value::Array(values) => values.iter().try_for_each(|value| self.say(option, value, words))?,
            Value::Table(pairs) => {
                for (name, value) in pairs {
                    let value =
                        scalar(value).ok_or_else(|| self.fault(&format!("{option}.{name} is not a text")))?;
                    words.push(format!("--{option}={name}={value}").into());
                }
            }
            other => {
                let text = scalar(other)
                    .ok_or_else(|| self.fault(&format!("{option} is neither a text nor a number")))?;
                words.push(format!("--{option}={text}").into());
            }
        }
        Ok(())
    }

    /// A fault of this file.
    pub(super) fn fault(&self, message: &str) -> String {
        format!("{}: {message}", self.path.display())
    }
}

/// The file that is meant, and its text.
fn text(named: Option<&Path>) -> Result<Option<(PathBuf, String)>, String> {
    let usual =
        [Some(PathBuf::from(NAME)), dirs::config_dir().map(|folder| folder.join("seatbatch").join(NAME))];
    let candidates =
        named.map_or_else(|| usual.into_iter().flatten().collect(), |path| vec![path.to_owned()]);
    for path in candidates {
        match std::fs::read_to_string(&path) {
            Ok(text) => return Ok(Some((path, text))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(format!("--config {}: there is no such file", path.display()));
            }
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                return Err(format!("{}: not UTF-8 text; save it as UTF-8", path.display()));
            }
            Err(error) => return Err(format!("cannot read {}: {}", path.display(), cause(&error))),
        }
    }
    Ok(None)
}

fn misread(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map(|span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
    let place = line.map_or_else(String::new, |line| format!("line {line}: "));
    let shown = line.and_then(|line| text.lines().nth(line - 1)).unwrap_or_default().trim();
    let is_written_twice = error.message().contains("duplicate key");
    if is_written_twice {
        return format!("{place}this is written twice, and only one can hold: {shown}");
    }
    let remedy = quoted_keys(shown).map_or_else(
        || "Texts go in quotes, as in rate = \"300/min\"".to_owned(),
        |quoted| format!("Names with characters other than a to z, digits, _ and - go in quotes: {quoted}"),
    );
    format!("{place}not valid TOML: {shown}\n{remedy}")
}

/// A line of TOML with the names in quotes that need them, where there are such.
fn quoted_keys(line: &str) -> Option<String> {
    let quoted = |name: &str| {
        let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let needs = !name.is_empty() && !name.chars().all(is_bare) && !name.contains(['"', '\'', '\\']);
        if needs { format!("\"{name}\"") } else { name.to_owned() }
    };
    let mended = if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        // Points in the name itself cannot be told from those between names, but for what begins it.
        let (kind, name) = section.split_once('.')?;
        format!("[{}.{}]", kind.trim(), quoted(name.trim()))
    } else {
        let (name, value) = line.split_once('=')?;
        format!("{} = {}", quoted(name.trim()), value.trim())
    };
    let is_toml = mended.parse::<Table>().is_ok();
    // More than blanks must be other.
    let is_other = mended.contains('"') && mended.matches('"').count() != line.matches('"').count();
    (is_toml && is_other).then_some(mended)
}

/// The long names of the options that may stand in the file.
fn known_options(whole: &Command) -> Vec<String> {
    let of = |command: &Command| {
        let longs = command.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned));
        longs.filter(|long| !NEVER.contains(&long.as_str())).collect::<Vec<_>>()
    };
    let commands = whole.get_subcommands().filter(|command| COMMANDS.contains(&command.get_name()));
    let mut known: Vec<String> = commands.flat_map(of).chain(of(whole)).collect();
    known.sort_unstable();
    known.dedup();
    known
}

fn refuse_unknown(table: &Table, known: &[String], prefix: &str) -> Result<(), String> {
    for key in table.keys() {
        if known.iter().any(|known| known == key) {
            continue;
        }
        let plain = key.replace('_', "-");
        if plain != "token-file" && ["token", "secret", "password"].iter().any(|word| plain.contains(word)) {
            return Err(format!(
                "{prefix}{key}: no token is ever read from this file; put it into WEBEX_ACCESS_TOKEN, or name a file with token-file"
            ));
        }
        if NEVER.contains(&plain.as_str()) {
            return Err(format!(
                "{prefix}{key}: that is said on the command line each time, and not in this file"
            ));
        }
        let sections = ["bundles", "services", "locations", "profiles"];
        let near = nearest(key, known.iter().map(String::as_str).chain(sections));
        return Err(format!("{prefix}{key}: there is no such option{near}"));
    }
    Ok(())
}

/// The most alike, in words.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let alike = known.map(|known| (strsim::jaro_winkler(known, name), known));
    let nearest = alike.filter(|(likeness, _)| *likeness >= 0.7).max_by(|a, b| a.0.total_cmp(&b.0));
    nearest.map_or_else(String::new, |(_, known)| format!(" (the nearest is '{known}')"))
}

/// Refuses two names that are one in a file, by what `key` makes of them, and mean two things.
fn refuse_as_one<'a, T: PartialEq + 'a, K: Ord>(
    section: &str,
    names: impl Iterator<Item = (&'a String, &'a T)>,
    key: impl Fn(&str) -> Option<K>,
) -> Result<(), String> {
    let mut seen: BTreeMap<K, (&String, &T)> = BTreeMap::new();
    for (name, value) in names {
        let Some(key) = key(name) else { continue };
        if let Some((other, _)) = seen.get(&key).filter(|(_, other)| *other != value) {
            return Err(format!(
                "{section}.{other} and {section}.{name} are one name in a file, where neither case nor signs between words count; give one of them another name"
            ));
        }
        seen.insert(key, (name, value));
    }
    Ok(())
}

fn section(table: &mut Table, name: &str) -> Result<Table, String> {
    match table.remove(name) {
        None => Ok(Table::new()),
        Some(Value::Table(section)) => Ok(section),
        Some(_) => Err(format!("{name} is not a table; write [{name}] and what belongs to it below")),
    }
}

fn names(section: Table, name: &str) -> Result<BTreeMap<String, String>, String> {
    let text = |(key, value): (String, Value)| match value {
        Value::String(text) => Ok((key, text)),
        _ => Err(format!("{name}.{key} is not a text in quotes")),
    };
    section.into_iter().map(text).collect()
}

fn bundles(section: Table) -> Result<BTreeMap<String, Bundle>, String> {
    section.into_iter().map(|(name, value)| bundle(&name, value).map(|bundle| (name, bundle))).collect()
}

fn bundle(name: &str, value: Value) -> Result<Bundle, String> {
    let Value::Table(table) = value else {
        return Err(format!(
            "bundles.{name} is not a table; write [bundles.{name}], and licenses = [\"…\"] below"
        ));
    };
    if table.is_empty() {
        return Err(format!(
            "bundles.{name} holds nothing; write licenses = [\"…\"] or sites = [\"…\"] below, or licenses = [] where nothing is meant"
        ));
    }
    let mut bundle = Bundle::default();
    for (key, value) in table {
        let list = match key.as_str() {
            "licenses" => &mut bundle.licenses,
            "sites" => &mut bundle.sites,
            other => {
                let near = nearest(other, ["licenses", "sites"].into_iter());
                return Err(format!("bundles.{name}.{other}: there is no such key{near}"));
            }
        };
        let Value::Array(values) = value else {
            return Err(format!("bundles.{name}.{key} is not a list, as in [\"Messaging\"]"));
        };
        for value in values {
            let Value::String(text) = value else {
                return Err(format!("bundles.{name}.{key}: all of it must be texts in quotes"));
            };
            list.push(text);
        }
    }
    Ok(bundle)
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(value) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::meaning::command;
    use super::*;

    fn read(text: &str, profile: Option<&str>) -> Result<Config, String> {
        let mut whole = command();
        whole.build();
        Config::read(&whole, text.parse().unwrap(), profile, Path::new(NAME))
    }

    #[test]
    fn what_is_unknown_is_told_with_the_nearest() {
        for (text, expected) in [
            ("raet = \"300/min\"", "the nearest is 'rate'"),
            ("max_removals = 0", "the nearest is 'max-removals'"),
            ("[bundels.x]\nlicenses = []", "the nearest is 'bundles'"),
            ("[bundles.x]\nlicences = []", "the nearest is 'licenses'"),
            ("[profiles.x]\nordre = \"file\"", "profiles.x.ordre"),
            ("access_token = \"x\"", "no token is ever read"),
            ("yes = true", "yes: that is said on the command line each time"),
            ("[profiles.x]\ndry_run = true", "profiles.x.dry_run: that is said on the command line"),
        ] {
            let error = read(text, None).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let error = read("[profiles.onboarding]", Some("onbording")).unwrap_err();
        assert!(error.contains("nearest is 'onboarding'"), "{error}");
    }

    #[test]
    fn a_name_that_needs_quotes_is_shown_in_them() {
        for (line, quoted) in [
            ("[bundles.Geschäftsführung]", "[bundles.\"Geschäftsführung\"]"),
            ("[bundles.Head Office]", "[bundles.\"Head Office\"]"),
            ("Zürich = \"Y2lz\"", "\"Zürich\" = \"Y2lz\""),
        ] {
            let text = format!("rate = \"5/s\"\n{line}\n");
            let error = misread(&text, &text.parse::<Table>().unwrap_err());
            assert!(error.contains(&format!("in quotes: {quoted}")), "{error}");
        }
        let error = misread("rate = 5/s", &"rate = 5/s".parse::<Table>().unwrap_err());
        assert!(error.contains("Texts go in quotes"), "{error}");
    }

    #[test]
    fn a_profile_goes_before_the_top_level_field_by_field() {
        let text = "rate = \"5/s\"\nmap = { email = \"A\", license = \"B\" }\n\
            [profiles.x]\nrate = \"6/s\"\nmap = { email = \"C\" }\nmax-removals = 0";
        let config = read(text, Some("x")).unwrap();
        let mut whole = command();
        whole.build();
        let words = |line: &[&str]| {
            let matches = whole.clone().try_get_matches_from(line).unwrap();
            let (name, given) = matches.subcommand().unwrap();
            let words = config.words(whole.find_subcommand(name).unwrap(), given).unwrap();
            words.into_iter().map(|word| word.into_string().unwrap()).collect::<Vec<_>>()
        };
        let said = words(&["seatbatch", "plan", "x.csv"]);
        for word in ["--rate=6/s", "--map=email=C", "--map=license=B", "--max-removals=0"] {
            assert!(said.iter().any(|said| said == word), "{word}: {said:?}");
        }
        let said = words(&["seatbatch", "plan", "x.csv", "--rate", "1/s", "--map", "email=D"]);
        assert!(!said.iter().any(|said| said.starts_with("--rate") || said.contains("email")), "{said:?}");
        assert!(words(&["seatbatch", "check", "x.csv"]).iter().all(|said| !said.starts_with("--rate")));
    }
}
