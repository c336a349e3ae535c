//! How much is known of who holds what already, and what follows for the counts.

use std::io;
use std::path::Path;

use super::super::context::Context;
use super::super::shell::shell_word;
use super::{Preview, Voice};
use crate::domain::Printable;
use crate::plan::Capacity;
use crate::run::{NotRead, RunSettings};

impl Preview {
    pub(super) fn tell_unread(
        &self,
        voice: Voice,
        context: &Context,
        settings: &RunSettings,
        file: &Path,
    ) -> io::Result<()> {
        if let Some(why) = &self.outlook.no_units {
            voice.line(format_args!("units are not known: {}", Printable(why)))?;
        }
        let counted = "so what users hold already is counted as if it were new";
        let plan =
            || context.command_like(settings, format_args!("plan {}", shell_word(&file.to_string_lossy())));
        let too_many = |more: &str, requests: u64| {
            let requests = voice.output().amount(requests, "request");
            voice.line(format_args!(
                "who holds the licenses was not read, which takes {more}{requests}, {counted}. It is read by: {}",
                plan()
            ))
        };
        match &self.outlook.not_read {
            Some(NotRead::TooMany(requests)) => too_many("", *requests),
            Some(NotRead::MoreThan(requests)) => too_many("more than ", *requests),
            Some(NotRead::Refused(why)) => {
                voice.line(format_args!("who holds the licenses was not read, {counted}: {}", Printable(why)))
            }
            Some(NotRead::NotWanted) => {
                voice.line(format_args!("who holds the licenses was not read, {counted}"))
            }
            None => Ok(()),
        }?;
        let unknown: u64 =
            self.asked().map(|(_, capacity)| capacity.adds_unknown + capacity.removes_unknown).sum();
        if self.outlook.not_read.is_none() && self.unknown_licenses() < unknown {
            voice.line(format_args!(
                "of {} the lists do not say whether {}",
                voice.output().amount(unknown, "operation"),
                if unknown == 1 {
                    "it changes anything: it is counted as if it did"
                } else {
                    "they change anything: they are counted as if they did"
                }
            ))?;
        }
        Ok(())
    }

    /// What changes nothing of what the table counts, as far as that is known.
    pub(super) fn tell_in_effect(&self, voice: Voice) -> io::Result<()> {
        let sum =
            |count: fn(&Capacity) -> u64| self.asked().map(|(_, capacity)| count(capacity)).sum::<u64>();
        let output = voice.output();
        let part = |part: u64, all: u64, of: &str, one: &str, many: &str| {
            (part > 0).then(|| {
                let state = if part == 1 { one } else { many };
                format!("{} of the {} to {of} {state}", output.number(part), output.number(all))
            })
        };
        let (held, not_held) = (sum(|of| of.adds_held), sum(|of| of.removes_not_held));
        let held_text = part(held, sum(|of| of.adds), "add", "is held already", "are held already");
        let not_held_text = part(not_held, sum(|of| of.removes), "remove", "is not held", "are not held");
        let parts: Vec<String> = held_text.into_iter().chain(not_held_text).collect();
        if parts.is_empty() {
            return Ok(());
        }
        let change = if held + not_held == 1 { "it changes" } else { "they change" };
        voice.line(format_args!("{}: {change} nothing", parts.join(", and ")))
    }

    /// Operations on what has no list of holders.
    fn unknown_licenses(&self) -> u64 {
        let listless = self.asked().filter(|(stock, _)| !self.outlook.is_read(*stock));
        listless.map(|(_, capacity)| capacity.adds_unknown + capacity.removes_unknown).sum()
    }
}
