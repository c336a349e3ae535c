//! What a reader did that is not plain from the counts: no row disappears without a word.

use super::Counts;

impl Counts {
    /// What is worth saying about how the file was taken, a clause each.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let counted = |count: u64, one: &str, many: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {many}")),
        };
        let mut remarks = Vec::new();
        remarks.extend(self.services.map(|services| {
            let services =
                counted(services, "service", "services").unwrap_or_else(|| "no service".to_owned());
            format!("read as Control Hub's export, one row per user and one column per service: {services}")
        }));
        remarks.extend(
            counted(self.left_alone, "cell says FALSE and takes", "cells say FALSE and take")
                .map(|cells| format!("{cells} nothing away (--services add-and-remove does)")),
        );
        remarks.extend(counted(self.repeated, "repeated", "repeated"));
        remarks.extend(counted(
            self.calling_removes,
            "removal of a Calling license: number, extension and settings go with it",
            "removals of Calling licenses: numbers, extensions and settings go with them",
        ));
        remarks.extend(counted(
            self.everything,
            "row takes away everything that its user holds",
            "rows take away everything that their users hold",
        ));
        remarks.extend(counted(self.not_due, "row is not due yet", "rows are not due yet"));
        remarks.extend(counted(self.idle, "row asks for nothing", "rows ask for nothing"));
        remarks.extend(counted(
            self.left_out,
            "operation left out, since another row of the user cannot be sent",
            "operations left out, since another row of the user cannot be sent",
        ));
        remarks.extend(self.adds_by_default.then(|| "no operation column: every row adds".to_owned()));
        remarks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_agree_with_their_words() {
        let counts = Counts { not_due: 1, idle: 2, services: Some(1), ..Counts::default() };
        let expected = [
            "read as Control Hub's export, one row per user and one column per service: 1 service",
            "1 row is not due yet",
            "2 rows ask for nothing",
        ];
        assert_eq!(counts.remarks(), expected);
    }
}
