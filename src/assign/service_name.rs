//! What a column's name says of a service: a license as Control Hub calls it, its site and its subscription.

use super::interpretation::Interpretation;
use super::spelling::is_called;
use super::words;

/// How a column's name speaks of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Naming {
    /// Not at all, as far as can be told without asking.
    Unknown,
    /// It begins as one does, and goes on otherwise.
    Akin,
    /// It is one, or nearly.
    Named,
}

impl Naming {
    pub(super) fn of(header: &str, how: &Interpretation) -> Self {
        if configured(header, how).is_some() {
            return Self::Named;
        }
        let parts = Parts::of(header);
        let is_hosted = parts.site.is_some_and(|site| parts.attendee || site.ends_with(".webex.com"));
        if is_hosted || !parts.tags.is_empty() || words::is_nearly_service(parts.name) {
            return Self::Named;
        }
        if words::begins_as_service(parts.name) { Self::Akin } else { Self::Unknown }
    }
}

/// The license that `[services]` has for a column.
pub(super) fn configured<'h>(header: &str, how: &'h Interpretation) -> Option<&'h String> {
    let mut called_so = how.services.iter().filter(|(name, _)| is_called(name, header));
    how.services.get(header).or_else(|| called_so.next().map(|(_, license)| license))
}

/// A header taken apart: the service's name, the site before it, and what stands in brackets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts<'h> {
    pub(super) name: &'h str,
    pub(super) site: Option<&'h str>,
    pub(super) tags: Vec<&'h str>,
    pub(super) attendee: bool,
}

impl<'h> Parts<'h> {
    pub(super) fn of(header: &'h str) -> Self {
        let header = suspended(header).unwrap_or(header);
        let (before, tags) = header.split_once('[').unwrap_or((header, ""));
        let tags = tags
            .split(['[', ']'])
            .map(str::trim)
            .filter(|tag| !tag.is_empty() && !words::is_bracket(tag))
            .collect();
        let before = before.trim();
        // A host first, and a dash that is no part of it.
        let end = before.find(|c: char| c.is_whitespace() || words::is_long_dash(c));
        let end = end.or_else(|| before.rfind('-'));
        let (host, rest) = end.and_then(|end| before.split_at_checked(end)).unwrap_or((before, ""));
        let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || words::is_dash(c));
        let host = host.trim_end_matches('-');
        let is_host =
            host.contains('.') && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'));
        if is_host && !rest.is_empty() {
            let attendee = words::key(rest).starts_with("attendee");
            return Self { name: rest, site: Some(host), tags, attendee };
        }
        Self { name: before, site: None, tags, attendee: false }
    }
}

/// The header without the mark of a suspended service, where it has one.
pub(super) fn suspended(header: &str) -> Option<&str> {
    let open = header.rfind('(')?;
    let inside = header.get(open + 1..)?.split(')').next()?.trim();
    inside.eq_ignore_ascii_case("suspended").then(|| header.get(..open).unwrap_or_default().trim())
}

impl Parts<'_> {
    /// What the service may be called: as here, and as the API has it.
    pub(super) fn names(&self) -> [&str; 2] {
        [self.name, words::license_of_service(self.name).unwrap_or(self.name)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_told_from_what_people_keep_beside() {
        let how =
            Interpretation { services: [("Chat".into(), "M".into())].into(), ..Interpretation::default() };
        for (header, expected) in [
            ("chat", Naming::Named),
            ("Webex Teams", Naming::Named),
            ("Mesaging", Naming::Named),
            ("Webex Calling\u{2013}Profesional", Naming::Named),
            ("Sales Suite [Sub1]", Naming::Named),
            ("x.webex.com - Anything", Naming::Named),
            ("meet.example.com - Attendee", Naming::Named),
            ("Webex Suite", Naming::Akin),
            ("Meetings Suite 1000", Naming::Akin),
            ("Last Sign In [READ ONLY]", Naming::Unknown),
            ("Department", Naming::Unknown),
            ("Sales Suite", Naming::Unknown),
            ("Meet", Naming::Unknown),
        ] {
            assert_eq!(Naming::of(header, &how), expected, "{header}");
        }
    }
    #[test]
    fn headers_are_taken_apart() {
        let parts =
            |name, site, tags: &[&'static str], attendee| Parts { name, site, tags: tags.to_vec(), attendee };
        for (header, expected) in [
            ("Webex Teams [Sub121331]", parts("Webex Teams", None, &["Sub121331"], false)),
            (
                "Webex Calling VAR Basic [sub-site name]",
                parts("Webex Calling VAR Basic", None, &["sub-site name"], false),
            ),
            (
                "Customer Experience Essentials[sub-site name]",
                parts("Customer Experience Essentials", None, &["sub-site name"], false),
            ),
            ("Call Service Aware", parts("Call Service Aware", None, &[], false)),
            (
                "meet.webex.com - WebEx Enterprise Edition [Sub1]",
                parts("WebEx Enterprise Edition", Some("meet.webex.com"), &["Sub1"], false),
            ),
            ("my-site.webex.com\u{2013}Attendee", parts("Attendee", Some("my-site.webex.com"), &[], true)),
            ("my-site.webex.com - Attendee", parts("Attendee", Some("my-site.webex.com"), &[], true)),
            ("my-site.webex.com-Attendee", parts("Attendee", Some("my-site.webex.com"), &[], true)),
            ("Messaging (Suspended)", parts("Messaging", None, &[], false)),
        ] {
            assert_eq!(Parts::of(header), expected, "{header}");
        }
        assert!(suspended("Messaging [S] (Suspended)").is_some() && suspended("Messaging (1:1)").is_none());
    }
}
