//! The options that say how a file is to be taken, the same for every command that reads one.

use std::path::PathBuf;

use clap::Args;

use crate::assign::{Field, Interpretation};
use crate::input::{Encoding, EncodingNameError};

#[derive(Debug, Args)]
#[command(next_help_heading = "The file")]
pub(in crate::cli) struct Reading {
    /// How the file is encoded, as in windows-1252; found out where it is not said.
    #[arg(long, value_name = "NAME", value_parser = encoding, hide_short_help = true)]
    pub(in crate::cli) encoding: Option<Encoding>,
    /// The sheet of a workbook, by its name; the first one where it is not said.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) sheet: Option<String>,
    /// Which column is which, as in email="Work Mail"; may be repeated.
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = field_and_text)]
    pub(in crate::cli) map: Vec<(Field, String)>,
    /// What every row says in a field that has no column, as in operation=remove; may be repeated.
    #[arg(long, value_name = "FIELD=VALUE", value_parser = field_and_text, hide_short_help = true)]
    pub(in crate::cli) set: Vec<(Field, String)>,
    /// A column that means nothing, whatever it looks like; may be repeated.
    #[arg(long, value_name = "COLUMN", hide_short_help = true)]
    pub(in crate::cli) ignore: Vec<String>,
    /// Write every problem of the file to this one, as CSV.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) problems: Option<PathBuf>,
}

impl Reading {
    /// What the library is told about the file.
    pub(in crate::cli) fn interpretation(&self) -> Interpretation {
        Interpretation {
            encoding: self.encoding,
            sheet: self.sheet.clone(),
            map: self.map.clone(),
            set: self.set.clone(),
            ignore: self.ignore.clone(),
        }
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
