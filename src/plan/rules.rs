//! The rules among licenses that the live reference documents, as far as they can be told from what a user
//! holds and will hold.

use crate::domain::Action;

/// What a license is, told from its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LicenseKind {
    /// Webex Calling Professional.
    CallingProfessional,
    /// Webex Calling Standard.
    CallingStandard,
    /// Attendant Console.
    AttendantConsole,
    /// Customer Experience Essential.
    CxEssential,
    /// Screen Share.
    ScreenShare,
    /// Webex Messenger, which this API does not manage.
    Messenger,
    /// Messaging that costs nothing.
    FreeMessaging,
    /// Messaging that is paid for.
    Messaging,
    /// Meetings that cost nothing.
    FreeMeeting,
    /// Meetings that are paid for.
    Meeting,
    /// None of these.
    Other,
}

impl LicenseKind {
    /// What a license of this name is.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let name = name.to_lowercase();
        let has = |word: &str| name.contains(word);
        let free = has("free") || has("basic");
        if has("attendant console") {
            Self::AttendantConsole
        } else if has("essential") && (has("cx") || has("customer experience")) {
            Self::CxEssential
        } else if has("calling") && has("professional") {
            Self::CallingProfessional
        } else if has("calling") && (has("standard") || has("basic")) {
            Self::CallingStandard
        } else if has("screen share") {
            Self::ScreenShare
        } else if has("messenger") {
            Self::Messenger
        } else if has("messaging") {
            if free { Self::FreeMessaging } else { Self::Messaging }
        } else if has("meeting") {
            if free { Self::FreeMeeting } else { Self::Meeting }
        } else {
            Self::Other
        }
    }

    /// Whether it comes with a number, an extension and settings, which go with it when it is removed.
    #[must_use]
    pub const fn is_calling(self) -> bool {
        matches!(self, Self::CallingProfessional | Self::CallingStandard)
    }

    /// Kinds of which it must be known whether a user holds them, to say whether the user may get one of this kind.
    #[must_use]
    pub const fn companions(self) -> &'static [Self] {
        match self {
            Self::CallingProfessional => &[Self::CallingStandard],
            Self::CallingStandard => &[Self::CallingProfessional, Self::AttendantConsole, Self::CxEssential],
            Self::AttendantConsole => &[Self::CallingProfessional, Self::CallingStandard],
            Self::CxEssential => &[Self::CallingStandard],
            Self::Messaging => &[Self::FreeMessaging],
            Self::Meeting => &[Self::FreeMeeting],
            Self::FreeMeeting => &[Self::FreeMessaging, Self::Messaging],
            Self::FreeMessaging | Self::ScreenShare | Self::Messenger | Self::Other => &[],
        }
    }
}

/// A documented rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each says itself in `Rule::text`")]
pub enum Rule {
    ProfessionalToStandard,
    Messenger,
    ProfessionalAndStandard,
    StandardAndConsole,
    StandardAndEssential,
    ConsoleNeedsProfessional,
    EssentialToStandard,
    CallingUnplaced,
    MessagingNeedsFree,
    MeetingNeedsFree,
    MeetingNeedsMessaging,
    ScreenShareStays,
}

impl Rule {
    /// The service's code for breaking it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ProfessionalToStandard => "400112",
            Self::Messenger => "400118",
            Self::ProfessionalAndStandard => "400404",
            Self::StandardAndConsole => "400406",
            Self::StandardAndEssential => "400407",
            Self::ConsoleNeedsProfessional => "400408",
            Self::EssentialToStandard => "400410",
            Self::CallingUnplaced => "400411",
            Self::MessagingNeedsFree => "700003",
            Self::MeetingNeedsFree => "700004",
            Self::MeetingNeedsMessaging => "700005",
            Self::ScreenShareStays => "700006",
        }
    }

    /// In words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::ProfessionalToStandard => "Calling Professional cannot become Calling Standard",
            Self::Messenger => "a Messenger license is not managed by this API",
            Self::ProfessionalAndStandard => {
                "Calling Professional and Calling Standard cannot be held together"
            }
            Self::StandardAndConsole => "Calling Standard and Attendant Console cannot be held together",
            Self::StandardAndEssential => {
                "Calling Standard and Customer Experience Essential cannot be held together"
            }
            Self::ConsoleNeedsProfessional => "Attendant Console needs Calling Professional",
            Self::EssentialToStandard => "Customer Experience Essential cannot become Calling Standard",
            Self::CallingUnplaced => "a Calling license needs a phone number, or an extension and a location",
            Self::MessagingNeedsFree => "paid messaging needs free messaging",
            Self::MeetingNeedsFree => "a paid meeting license needs the free one",
            Self::MeetingNeedsMessaging => "a meeting license needs messaging",
            Self::ScreenShareStays => "Screen Share cannot be removed",
        }
    }
}

/// What a rule about one more license looks at. What is not known of a user is never held against them.
pub struct Situation<'a> {
    /// Whether the organization has licenses of the kind at all.
    pub sold: &'a dyn Fn(LicenseKind) -> bool,
    /// Whether the user held one before; `None` where that is not known.
    pub held: &'a dyn Fn(LicenseKind) -> Option<bool>,
    /// Whether the user holds one by now, with earlier operations done; `None` where that is not known.
    pub holds: &'a dyn Fn(LicenseKind) -> Option<bool>,
    /// Whether the user is to get one of the kind in the same request.
    pub adds: &'a dyn Fn(LicenseKind) -> bool,
}

/// The rule that keeps a user from getting a license of this kind, if one surely does.
#[must_use]
pub fn may_add(kind: LicenseKind, placed: bool, at: &Situation<'_>) -> Option<Rule> {
    use LicenseKind as K;
    let holds = |kind| (at.holds)(kind) == Some(true);
    let held = |kind| (at.held)(kind) == Some(true);
    let lacks = |kind| (at.holds)(kind) == Some(false);
    let both = (at.adds)(K::CallingProfessional) && (at.adds)(K::CallingStandard);
    let rule = match kind {
        K::Messenger => Some(Rule::Messenger),
        K::CallingProfessional | K::CallingStandard if both => Some(Rule::ProfessionalAndStandard),
        K::CallingProfessional if holds(K::CallingStandard) => Some(Rule::ProfessionalAndStandard),
        K::CallingStandard if held(K::CallingProfessional) || holds(K::CallingProfessional) => {
            Some(Rule::ProfessionalToStandard)
        }
        K::CallingStandard if held(K::CxEssential) && lacks(K::CxEssential) => {
            Some(Rule::EssentialToStandard)
        }
        K::CallingStandard if holds(K::AttendantConsole) => Some(Rule::StandardAndConsole),
        K::AttendantConsole if holds(K::CallingStandard) => Some(Rule::StandardAndConsole),
        K::CallingStandard if holds(K::CxEssential) => Some(Rule::StandardAndEssential),
        K::CxEssential if holds(K::CallingStandard) => Some(Rule::StandardAndEssential),
        K::AttendantConsole if lacks(K::CallingProfessional) => Some(Rule::ConsoleNeedsProfessional),
        K::Messaging if (at.sold)(K::FreeMessaging) && lacks(K::FreeMessaging) => {
            Some(Rule::MessagingNeedsFree)
        }
        K::Meeting if (at.sold)(K::FreeMeeting) && lacks(K::FreeMeeting) => Some(Rule::MeetingNeedsFree),
        K::FreeMeeting if (at.sold)(K::FreeMessaging) && lacks(K::FreeMessaging) && lacks(K::Messaging) => {
            Some(Rule::MeetingNeedsMessaging)
        }
        _ => None,
    };
    rule.or_else(|| (kind.is_calling() && !placed).then_some(Rule::CallingUnplaced))
}

/// The rule that keeps a license of this kind from being taken away.
#[must_use]
pub const fn may_remove(kind: LicenseKind) -> Option<Rule> {
    match kind {
        LicenseKind::ScreenShare => Some(Rule::ScreenShareStays),
        LicenseKind::Messenger => Some(Rule::Messenger),
        _ => None,
    }
}

/// The rule that keeps an operation from being done, whatever the user holds.
pub(super) const fn whatever_is_held(kind: LicenseKind, action: Action, placed: bool) -> Option<Rule> {
    match action {
        Action::Remove => may_remove(kind),
        Action::Add if kind.is_calling() && !placed => Some(Rule::CallingUnplaced),
        Action::Add => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_from_names() {
        for (name, kind) in [
            ("Webex Calling - Professional", LicenseKind::CallingProfessional),
            ("Webex Calling - Standard", LicenseKind::CallingStandard),
            ("Attendant Console", LicenseKind::AttendantConsole),
            ("CX Essentials", LicenseKind::CxEssential),
            ("Messaging", LicenseKind::Messaging),
            ("Basic Messaging", LicenseKind::FreeMessaging),
            ("Meetings Suite", LicenseKind::Meeting),
            ("Webex Messenger", LicenseKind::Messenger),
            ("Events", LicenseKind::Other),
        ] {
            assert_eq!(LicenseKind::of(name), kind, "{name}");
        }
    }

    fn code(
        kind: LicenseKind,
        held: &[LicenseKind],
        now: &[LicenseKind],
        adds: &[LicenseKind],
        placed: bool,
    ) -> &'static str {
        let situation = Situation {
            sold: &|_| true,
            held: &|kind| Some(held.contains(&kind)),
            holds: &|kind| Some(now.contains(&kind)),
            adds: &|other| other == kind || adds.contains(&other),
        };
        may_add(kind, placed, &situation).map_or("", Rule::code)
    }

    #[test]
    fn every_documented_rule_has_its_code() {
        use LicenseKind as K;
        let pro = &[K::CallingProfessional][..];
        let std = &[K::CallingStandard][..];
        assert_eq!(code(K::CallingStandard, pro, &[], &[], true), "400112");
        assert_eq!(code(K::CallingProfessional, std, std, &[], true), "400404");
        assert_eq!(code(K::CallingProfessional, std, &[], &[], true), "");
        assert_eq!(code(K::CallingProfessional, &[], &[], std, true), "400404");
        assert_eq!(code(K::AttendantConsole, std, std, &[], true), "400406");
        assert_eq!(code(K::CxEssential, std, std, &[], true), "400407");
        assert_eq!(code(K::AttendantConsole, &[], &[], &[], true), "400408");
        assert_eq!(code(K::AttendantConsole, &[], pro, &[], true), "");
        assert_eq!(code(K::CallingStandard, &[K::CxEssential], &[], &[], true), "400410");
        assert_eq!(code(K::CallingProfessional, &[], &[], &[], false), "400411");
        assert_eq!(code(K::Messaging, &[], &[], &[], true), "700003");
        assert_eq!(code(K::Meeting, &[], &[], &[], true), "700004");
        assert_eq!(code(K::FreeMeeting, &[], &[], &[], true), "700005");
        assert_eq!(may_remove(K::ScreenShare).map(Rule::code), Some("700006"));
    }

    #[test]
    fn what_is_not_known_is_held_against_nobody() {
        let situation = Situation { sold: &|_| true, held: &|_| None, holds: &|_| None, adds: &|_| false };
        for kind in [
            LicenseKind::AttendantConsole,
            LicenseKind::Messaging,
            LicenseKind::Meeting,
            LicenseKind::CallingStandard,
        ] {
            assert_eq!(may_add(kind, true, &situation), None);
        }
    }
}
