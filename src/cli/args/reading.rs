//! The options that say how a file is to be taken, the same for every command that reads one.

use clap::{Args, ValueEnum};

use crate::assign::{Field, Interpretation};
use crate::input;

#[derive(Debug, Args)]
pub(in crate::cli) struct Reading {
    /// How the file is encoded; UTF-8 and UTF-16 are told apart by themselves.
    #[arg(long, value_enum, default_value_t)]
    pub(in crate::cli) encoding: Encoding,
    /// Which column is which, as in email="Work Mail"; may be repeated.
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = field_and_text)]
    pub(in crate::cli) map: Vec<(Field, String)>,
    /// What every row says in a field that has no column, as in operation=remove; may be repeated.
    #[arg(long, value_name = "FIELD=VALUE", value_parser = field_and_text)]
    pub(in crate::cli) set: Vec<(Field, String)>,
    /// A column that means nothing, whatever it looks like; may be repeated.
    #[arg(long, value_name = "COLUMN")]
    pub(in crate::cli) ignore: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(in crate::cli) enum Encoding {
    #[default]
    Auto,
    #[value(name = "windows-1252")]
    Windows1252,
}

impl From<Encoding> for input::Encoding {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Auto => Self::Auto,
            Encoding::Windows1252 => Self::Windows1252,
        }
    }
}

impl Reading {
    /// What the library is told about the file.
    pub(in crate::cli) fn interpretation(&self) -> Interpretation {
        Interpretation {
            encoding: self.encoding.into(),
            map: self.map.clone(),
            set: self.set.clone(),
            ignore: self.ignore.clone(),
        }
    }
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
