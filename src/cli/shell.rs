//! Words as people paste them into a shell: the one that their system comes with.

/// What reads the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shell {
    Posix,
    PowerShell,
}

const HERE: Shell = if cfg!(windows) { Shell::PowerShell } else { Shell::Posix };

/// The word as the shell reads it back.
pub(super) fn shell_word(word: &str) -> String {
    HERE.word(word)
}

/// Words as the shell takes them, in a line.
pub(super) fn shell_words(words: &[String]) -> String {
    words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ")
}

/// The line that sets a variable of the environment for what is run after it.
pub(super) fn shell_variable(name: &str, value: &str) -> String {
    HERE.variable(name, value)
}

impl Shell {
    fn word(self, word: &str) -> String {
        let own = match self {
            Self::Posix => "@%",
            Self::PowerShell => "\\",
        };
        let is_plain = |c: char| c.is_alphanumeric() || "/._-+:".contains(c) || own.contains(c);
        if !word.is_empty() && word.chars().all(is_plain) {
            return word.to_owned();
        }
        match self {
            Self::Posix => format!("'{}'", word.replace('\'', r"'\''")),
            // The old command prompt knows no other quotes, and PowerShell looks for variables between these.
            Self::PowerShell if !word.contains(['$', '`', '"']) => format!("\"{word}\""),
            Self::PowerShell => format!("'{}'", word.replace('\'', "''")),
        }
    }

    fn variable(self, name: &str, value: &str) -> String {
        match self {
            Self::Posix => format!("export {name}={}", self.word(value)),
            Self::PowerShell => format!("$env:{name} = '{}'", value.replace('\'', "''")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Shell::{Posix, PowerShell};
    use super::*;

    #[test]
    fn words_come_back_from_a_shell_as_they_were() {
        for (word, posix, power_shell) in [
            ("/tmp/people-1.csv", "/tmp/people-1.csv", "/tmp/people-1.csv"),
            ("new people.csv", "'new people.csv'", "\"new people.csv\""),
            (r"C:\Users\ada\seatbatch.db", r"'C:\Users\ada\seatbatch.db'", r"C:\Users\ada\seatbatch.db"),
            ("it's", r"'it'\''s'", "\"it's\""),
            ("it's $5", r"'it'\''s $5'", "'it''s $5'"),
            ("@people.csv", "@people.csv", "\"@people.csv\""),
            ("a,b", "'a,b'", "\"a,b\""),
            ("", "''", "\"\""),
        ] {
            assert_eq!((Posix.word(word), PowerShell.word(word)), (posix.to_owned(), power_shell.to_owned()));
        }
    }

    #[test]
    fn a_variable_is_set_as_the_shell_does_it() {
        assert_eq!(Posix.variable("A", "x y"), "export A='x y'");
        assert_eq!(PowerShell.variable("A", "it's"), "$env:A = 'it''s'");
        let here = if cfg!(windows) { "$env:A = 'b'" } else { "export A=b" };
        assert_eq!(shell_variable("A", "b"), here);
    }
}
