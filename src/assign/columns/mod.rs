//! Columns: which column of the file is which of ours.

mod beside;
mod default_action;
mod doubtful;
mod error;
mod hint;
mod top;

pub(super) use beside::ServicesBeside;
pub(super) use doubtful::Doubtful;
pub use error::ColumnsError;
use top::{hint_of_rows, hint_of_sheets, refuse_a_row_for_header};

pub(super) use super::field::Field;
use super::going;
use super::interpretation::{Interpretation, Request, ServiceMode};
use super::service_name::Naming;
use super::words::{self, key};
use crate::domain::Printable;
use crate::input::{Header, Row, Rows};

/// A column's name as it has to be typed.
pub(super) fn quoted(name: &str) -> String {
    let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "._-".contains(c));
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\\\"")) }
}

const NOWHERE: usize = usize::MAX;

/// Where each of ours stands in the file.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    positions: [usize; Field::COUNT],
    constants: [Box<str>; Field::COUNT],
    names: [Box<str>; Field::COUNT],
}

impl Columns {
    /// Matches the header's names.
    pub(super) fn of(header: &Header, how: &Interpretation) -> Result<Self, ColumnsError> {
        refuse_a_row_for_header(header)?;
        let mut columns = Self {
            positions: [NOWHERE; Field::COUNT],
            constants: std::array::from_fn(|_| Box::default()),
            names: std::array::from_fn(|field| {
                Field::ALL.get(field).map_or_else(Box::default, |field| field.name().into())
            }),
        };
        let own = header.names();
        for (field, name) in &how.map {
            let position = position_of(header, name, || format!("--map {}={}", field.name(), quoted(name)))?;
            columns.put(header, *field, position)?;
        }
        let ignored: Vec<usize> = how
            .ignore
            .iter()
            .map(|name| match all_called(header, name) {
                none if none.is_empty() => Err(missing(header, name, format!("--ignore {}", quoted(name)))),
                all => Ok(all),
            })
            .collect::<Result<Vec<_>, _>>()?
            .concat();
        let mapped: Vec<Field> = how.map.iter().map(|(field, _)| *field).collect();
        for (position, name) in own.iter().enumerate() {
            let taken = columns.positions.contains(&position) || ignored.contains(&position);
            if let Some(field) = words::field(name).filter(|field| !taken && !mapped.contains(field)) {
                columns.put(header, field, position)?;
            }
        }
        for (field, value) in &how.set {
            if let Some(name) = columns.position(*field).and_then(|position| own.get(position)) {
                let (field, name) = (field.name(), name.to_string());
                return Err(ColumnsError::SetTwice { line: header.line().get(), field, name });
            }
            if let Some(constant) = columns.constants.get_mut(*field as usize) {
                *constant = value.as_str().into();
            }
        }
        Ok(columns)
    }

    fn put(&mut self, header: &Header, field: Field, position: usize) -> Result<(), ColumnsError> {
        let name = |position| name_at(header, position);
        if let Some(first) = self.position(field) {
            return Err(ColumnsError::Twice {
                line: header.line().get(),
                field: field.name(),
                first: first + 1,
                second: position + 1,
                names: (name(first), name(position)),
            });
        }
        if let (Some(slot), Some(named)) =
            (self.positions.get_mut(field as usize), self.names.get_mut(field as usize))
        {
            (*slot, *named) = (position, name(position).into());
        }
        Ok(())
    }

    /// Where a field stands, counted from 0.
    pub(super) fn position(&self, field: Field) -> Option<usize> {
        self.positions.get(field as usize).copied().filter(|position| *position != NOWHERE)
    }

    /// Whether a column is one of ours.
    pub(super) fn is_taken(&self, position: usize) -> bool {
        self.positions.contains(&position)
    }

    /// Whether the file or an option says what is asked, so that no column of services does.
    pub(super) fn say_what_is_asked(&self, how: &Interpretation) -> bool {
        let targets = Field::TARGET.iter().any(|field| self.has(*field));
        targets || self.has(Field::Operation) || !how.requests.is_empty()
    }

    /// Whether the key of a user is called as Control Hub alone calls it.
    pub(super) fn are_control_hubs(&self) -> bool {
        self.position(Field::Email).is_some() && words::is_control_hub(self.name(Field::Email))
    }

    /// The columns of the file's own that nothing is known of, each with its position.
    pub(super) fn not_understood<'h>(
        &self,
        header: &'h Header,
        how: &Interpretation,
    ) -> impl Iterator<Item = (usize, &'h str)> {
        let own = header.names().iter().map(String::as_str).enumerate();
        own.filter(move |(position, name)| {
            let key = words::key(name);
            let is_named = |other: &String| words::key(other) == key;
            let is_due = how.due.as_ref().is_some_and(|due| is_named(&due.column));
            let is_other = is_due || words::is_innocent(&key) || how.ignore.iter().any(is_named);
            !key.is_empty() && !is_other && header.is_carried(*position) && !self.is_taken(*position)
        })
    }

    /// Refuses a column of operations that nothing in the rows could be meant by.
    pub(super) fn refuse_idle_operations(&self, header: &Header) -> Result<(), ColumnsError> {
        let own = Field::TARGET.iter().any(|field| self.has(*field));
        match self.position(Field::Operation) {
            Some(_) if !own => {
                let name = self.name(Field::Operation).to_owned();
                Err(ColumnsError::IdleOperations { line: header.line().get(), name })
            }
            _ => Ok(()),
        }
    }

    /// Refuses operations beside nothing but columns of services.
    pub(super) fn refuse_operations_of_services(
        &self,
        header: &Header,
        how: &Interpretation,
    ) -> Result<(), ColumnsError> {
        let targets = Field::TARGET.iter().any(|field| self.has(*field));
        if targets || !self.has(Field::Operation) || how.service_mode == ServiceMode::Ignore {
            return Ok(());
        }
        let mut services = self.not_understood(header, how);
        let Some((_, service)) = services.find(|(_, name)| Naming::of(name, how) == Naming::Named) else {
            return Ok(());
        };
        let name = self.name(Field::Operation);
        let (what, remedy) = match self.position(Field::Operation) {
            Some(_) => (
                format!("the column '{}'", Printable(name)),
                format!("leave it out with --ignore {}", quoted(name)),
            ),
            None => ("--set operation".to_owned(), "take that away".to_owned()),
        };
        let (line, service) = (header.line().get(), service.to_owned());
        Err(ColumnsError::OperationsOfServices { line, what, service, remedy })
    }

    /// Refuses a column of licenses or sites of which only the default says that they are to be added, beside
    /// options that say what is asked: of those who leave, it would give what it lists.
    pub(super) fn refuse_targets_beside(
        &self,
        requests: &[Request],
        header: &Header,
    ) -> Result<(), ColumnsError> {
        let target = Field::TARGET.into_iter().find(|field| self.position(*field).is_some());
        match target.filter(|_| !requests.is_empty() && !self.has(Field::Operation)) {
            Some(field) => Err(ColumnsError::TargetsBesideOptions {
                line: header.line().get(),
                options: Request::options(requests),
                field: match field {
                    Field::SiteUrl => "site",
                    Field::Bundle => "bundle",
                    _ => "license",
                },
                name: self.name(field).to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// Whether the file or an option gives this field.
    pub(super) fn has(&self, field: Field) -> bool {
        self.position(field).is_some() || !self.constant(field).is_empty()
    }

    /// Whether an option gives one of these fields.
    pub(super) fn has_constant(&self, fields: &[Field]) -> bool {
        fields.iter().any(|field| !self.constant(*field).is_empty())
    }

    fn constant(&self, field: Field) -> &str {
        self.constants.get(field as usize).map_or("", |constant| constant)
    }

    /// The name of a field's column as the file has it.
    pub(super) fn name(&self, field: Field) -> &str {
        self.names.get(field as usize).map_or("", |name| name)
    }

    /// What a row says in this field, trimmed; empty where it says nothing.
    pub(super) fn cell<'a>(&'a self, row: &Row<'a>, field: Field) -> &'a str {
        match self.positions.get(field as usize) {
            Some(&NOWHERE) | None => self.constant(field),
            Some(position) => row.at(*position),
        }
    }

    /// Refuses a file that names nobody.
    pub(super) fn require_user(&self, rows: &mut Rows, how: &Interpretation) -> Result<(), ColumnsError> {
        let required = self.require(&Field::USER, "'email' or 'personId'", rows.header(), how);
        required.map_err(|error| match error {
            ColumnsError::Missing { line, what, found, hint } => {
                let of_rows = hint_of_rows(rows, |name| self.mapped(Field::Email, name, how));
                let hint = of_rows.unwrap_or_else(|| hint + &hint_of_sheets(rows).unwrap_or_default());
                ColumnsError::Missing { line, what, found, hint }
            }
            other => other,
        })
    }

    /// Refuses a file that names people, and nothing that is asked for them.
    pub(super) fn require_target(&self, header: &Header, how: &Interpretation) -> Result<(), ColumnsError> {
        let required = self.require(&Field::TARGET, "'licenseId', 'license' or 'siteUrl'", header, how);
        required.map_err(|error| match error {
            ColumnsError::Missing { line, what, found, hint } => {
                let bundle = if !how.bundles.is_empty() {
                    ". If a column names bundles of seatbatch.toml, say --map bundle=COLUMN"
                } else {
                    ""
                };
                let site = if words::is_meetings_site(header.names()) {
                    ". It looks like the user list of a Webex meetings site, which tells no licenses: take Control Hub's export instead"
                } else {
                    ""
                };
                let all = "say what all of its users are to get or to lose with --add LICENSE, --remove LICENSE, --replace A=B or --remove-all";
                ColumnsError::Missing { line, what, found, hint: format!("{site}{hint}{bundle}. Or, if the file only names people, {all}") }
            }
            other => other,
        })
    }

    /// Refuses a file in which no column can name one of `wanted`.
    pub(super) fn require(
        &self,
        wanted: &[Field],
        what: &'static str,
        header: &Header,
        how: &Interpretation,
    ) -> Result<(), ColumnsError> {
        if wanted.iter().any(|field| self.has(*field)) {
            return Ok(());
        }
        let alike = header.names().iter().rev().map(|name| (words::most_alike(name, wanted), name));
        let nearest = alike.filter(|(likeness, _)| *likeness >= 0.8).max_by(|a, b| a.0.total_cmp(&b.0));
        let nearest = nearest.map(|(_, name)| name).or_else(|| {
            let speaks = |name: &&String| wanted.contains(&Field::License) && words::names_object(name);
            header.names().iter().find(speaks)
        });
        // A column called license takes names and IDs.
        let field = match wanted {
            [Field::LicenseId, ..] | [] => Field::License,
            [field, ..] => *field,
        };
        let hint = match (unseparated(header), nearest) {
            (Some(hint), _) => hint.to_owned(),
            (None, Some(name)) => {
                format!(". If '{}' is the column, say {}", Printable(name), self.mapped(field, name, how))
            }
            (None, None) => format!(
                ". Name the column with --map {}=COLUMN; columns are separated by commas, semicolons or tabs",
                field.name()
            ),
        };
        Err(ColumnsError::Missing { line: header.line().get(), what, found: found(header), hint })
    }

    /// The options that take a column of this name for this one of ours.
    fn mapped(&self, field: Field, name: &str, how: &Interpretation) -> String {
        let is_said = self.has(Field::Operation) || !how.requests.is_empty();
        let removing = if !is_said && going::speaks_of_going(name) { " --set operation=remove" } else { "" };
        format!("--map {}={}{removing}", field.name(), quoted(&Printable(name).to_string()))
    }
}

/// What helps where all names stand in one cell.
fn unseparated(header: &Header) -> Option<&'static str> {
    let [name] = header.names() else { return None };
    let commas = name.contains([',', ';', '\t']);
    match (commas, name.contains('|')) {
        (true, _) => Some(
            ". All of it is one cell: a line above names another delimiter than there is; take that line out",
        ),
        (false, true) => {
            Some(". All of it is one cell: put a line sep=| above it, or separate the columns by commas")
        }
        (false, false) => None,
    }
}

/// The header's cells, but for those without a name.
fn found(header: &Header) -> String {
    let named: Vec<&str> =
        header.names().iter().map(|name| name.trim()).filter(|name| !name.is_empty()).collect();
    named.join(", ")
}

fn name_at(header: &Header, position: usize) -> String {
    header.names().get(position).map_or_else(String::new, |name| name.to_string())
}

/// The position of the one column that an option names.
pub(super) fn position_of(
    header: &Header,
    name: &str,
    option: impl FnOnce() -> String,
) -> Result<usize, ColumnsError> {
    match all_called(header, name).as_slice() {
        [] => Err(missing(header, name, option())),
        [position] => Ok(*position),
        [first, second, ..] => Err(ColumnsError::SeveralCalledSo {
            line: header.line().get(),
            option: option(),
            first: first + 1,
            second: second + 1,
            names: (name_at(header, *first), name_at(header, *second)),
        }),
    }
}

/// The positions of the columns that an option names: exactly so, or else on letters and digits alone.
fn all_called(header: &Header, name: &str) -> Vec<usize> {
    let sought = key(name);
    let all = |is_called: &dyn Fn(&str) -> bool| {
        let all = header.names().iter().enumerate().filter(|(_, column)| is_called(column));
        all.map(|(position, _)| position).collect::<Vec<_>>()
    };
    let exactly = all(&|column| column == name.trim());
    if exactly.is_empty() && !sought.is_empty() { all(&|column| key(column) == sought) } else { exactly }
}

fn missing(header: &Header, name: &str, option: String) -> ColumnsError {
    let sought = key(name);
    let own = header.names().iter();
    let alike = own.map(|column| (strsim::jaro_winkler(&key(column), &sought), column));
    let nearest = alike.filter(|(likeness, _)| *likeness >= 0.75).max_by(|a, b| a.0.total_cmp(&b.0));
    let nearest = nearest.map(|(_, column)| column.to_string());
    ColumnsError::NoSuchColumn { line: header.line().get(), option, nearest, found: found(header) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Line;

    fn header(cells: &[&str]) -> Header {
        Header::new(Line::new(1), cells)
    }

    #[test]
    fn names_match_on_letters_and_digits_alone() {
        for name in ["personId", "person_id", "Person ID", "PERSON-ID"] {
            let columns =
                Columns::of(&header(&["x", name, "Lizenz-ID"]), &Interpretation::default()).unwrap();
            assert_eq!(columns.position(Field::PersonId), Some(1), "{name}");
            assert_eq!(columns.position(Field::LicenseId), Some(2));
            assert_eq!(columns.position(Field::Email), None);
        }
    }

    #[test]
    fn two_columns_of_one_meaning_are_refused_unless_one_is_chosen() {
        let cells = header(&["email", "licenseId", "Work E-Mail", "note", "note"]);
        let error = Columns::of(&cells, &Interpretation::default()).unwrap_err();
        assert!(matches!(error, ColumnsError::Twice { first: 1, second: 3, .. }), "{error}");
        let how =
            Interpretation { map: vec![(Field::Email, "work email".into())], ..Interpretation::default() };
        assert_eq!(Columns::of(&cells, &how).unwrap().position(Field::Email), Some(2));
        let how = Interpretation { ignore: vec!["Email".into()], ..Interpretation::default() };
        assert_eq!(Columns::of(&cells, &how).unwrap().position(Field::Email), Some(2));
    }

    #[test]
    fn an_option_that_names_no_column_says_the_nearest() {
        let how =
            Interpretation { map: vec![(Field::Email, "Arbeits-Mial".into())], ..Interpretation::default() };
        let error = Columns::of(&header(&["Arbeits-Mail", "Lizenz"]), &how).unwrap_err().to_string();
        assert!(error.contains("nearest is 'Arbeits-Mail'") && error.contains("--map email="), "{error}");
    }

    #[test]
    fn a_column_that_is_proposed_brings_nothing_raw_to_a_terminal() {
        let columns = Columns::of(&header(&["Em\u{1b}ails"]), &Interpretation::default()).unwrap();
        let error =
            columns.require(&Field::USER, "'email'", &header(&["Em\u{1b}ails"]), &Interpretation::default());
        let error = error.unwrap_err().to_string();
        assert!(error.contains("is the column, say --map email=") && !error.contains('\u{1b}'), "{error}");
    }

    #[test]
    fn a_constant_beside_a_column_is_refused() {
        let how = Interpretation { set: vec![(Field::Operation, "add".into())], ..Interpretation::default() };
        let error = Columns::of(&header(&["email", "license", "Aktion"]), &how).unwrap_err().to_string();
        assert!(error.contains("--ignore Aktion"), "{error}");
    }
}
