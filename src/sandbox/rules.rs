//! The rules among licenses that the live reference documents, with its codes.

/// What the service refuses, in its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) code: &'static str,
    pub(super) message: String,
}

/// A refusal.
pub(super) fn refused<T>(code: &'static str, message: impl Into<String>) -> Result<T, Refused> {
    Err(Refused { code, message: message.into() })
}

/// What a license's name says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Product {
    CallingProfessional,
    CallingStandard,
    AttendantConsole,
    CxEssential,
    FreeMessaging,
    Messaging,
    FreeMeeting,
    Meeting,
    ScreenShare,
    /// Webex Messenger, the older Jabber service.
    Messenger,
    Other,
}

impl Product {
    pub(super) fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let says = |word: &str| name.contains(word);
        let free = says("free") || says("basic");
        match () {
            () if says("calling") && says("professional") => Self::CallingProfessional,
            () if says("calling") && (says("standard") || says("basic")) => Self::CallingStandard,
            () if says("attendant console") => Self::AttendantConsole,
            () if says("essential") && (says("cx") || says("customer experience")) => Self::CxEssential,
            () if says("screen share") => Self::ScreenShare,
            () if says("messenger") => Self::Messenger,
            () if says("messaging") && free => Self::FreeMessaging,
            () if says("messaging") => Self::Messaging,
            () if says("meeting") && free => Self::FreeMeeting,
            () if says("meeting") => Self::Meeting,
            () => Self::Other,
        }
    }

    /// Whether it is a license for telephony, which wants a number or an extension.
    pub(super) const fn is_calling(self) -> bool {
        matches!(self, Self::CallingProfessional | Self::CallingStandard)
    }
}

/// What a rule about one more license may look at.
pub(super) struct Circumstances<'a> {
    /// What the organization sells: a rule about free licenses concerns those that have some.
    pub(super) sold: &'a dyn Fn(Product) -> bool,
    /// What the user held when the request came.
    pub(super) held: &'a dyn Fn(Product) -> bool,
    /// What the user holds by now, the earlier operations of the request done.
    pub(super) holds: &'a dyn Fn(Product) -> bool,
    /// What else the request adds.
    pub(super) adds: &'a dyn Fn(Product) -> bool,
}

/// Whether the user may have a license of this kind too.
pub(super) fn may_add(kind: Product, at: &Circumstances<'_>) -> Result<(), Refused> {
    use Product::{
        AttendantConsole, CallingProfessional, CallingStandard, CxEssential, FreeMeeting, FreeMessaging,
        Meeting, Messaging,
    };
    let together = (at.adds)(CallingProfessional) && (at.adds)(CallingStandard);
    match kind {
        Product::Messenger => refused("400118", "A Messenger license is not managed here"),
        CallingProfessional | CallingStandard if together => {
            refused("400404", "Calling Professional and Calling Standard cannot be held together")
        }
        CallingProfessional if (at.holds)(CallingStandard) => {
            refused("400404", "Calling Professional and Calling Standard cannot be held together")
        }
        CallingStandard if (at.held)(CallingProfessional) || (at.holds)(CallingProfessional) => {
            refused("400112", "Calling Professional cannot become Calling Standard")
        }
        CallingStandard if (at.held)(CxEssential) && !(at.holds)(CxEssential) => {
            refused("400410", "Customer Experience Essential cannot become Calling Standard")
        }
        CallingStandard if (at.holds)(AttendantConsole) => {
            refused("400406", "Calling Standard and Attendant Console cannot be held together")
        }
        AttendantConsole if (at.holds)(CallingStandard) => {
            refused("400406", "Calling Standard and Attendant Console cannot be held together")
        }
        CallingStandard if (at.holds)(CxEssential) => {
            refused("400407", "Calling Standard and Customer Experience Essential cannot be held together")
        }
        CxEssential if (at.holds)(CallingStandard) => {
            refused("400407", "Calling Standard and Customer Experience Essential cannot be held together")
        }
        AttendantConsole if !(at.holds)(CallingProfessional) => {
            refused("400408", "Attendant Console needs Calling Professional")
        }
        Messaging if (at.sold)(FreeMessaging) && !(at.holds)(FreeMessaging) => {
            refused("700003", "Paid messaging needs free messaging")
        }
        Meeting if (at.sold)(FreeMeeting) && !(at.holds)(FreeMeeting) => {
            refused("700004", "A paid meeting license needs the free one")
        }
        FreeMeeting if (at.sold)(FreeMessaging) && !(at.holds)(FreeMessaging) && !(at.holds)(Messaging) => {
            refused("700005", "A meeting license needs messaging")
        }
        _ => Ok(()),
    }
}

/// Whether a license of this kind can be taken away.
pub(super) fn may_remove(kind: Product) -> Result<(), Refused> {
    match kind {
        Product::ScreenShare => refused("700006", "Screen Share cannot be removed"),
        Product::Messenger => refused("400118", "A Messenger license is not managed here"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_from_names() {
        for (name, kind) in [
            ("Webex Calling - Professional", Product::CallingProfessional),
            ("Webex Calling VAR Basic", Product::CallingStandard),
            ("Attendant Console", Product::AttendantConsole),
            ("Customer Experience - Essential", Product::CxEssential),
            ("Basic Messaging", Product::FreeMessaging),
            ("Messaging", Product::Messaging),
            ("Free Meetings", Product::FreeMeeting),
            ("Meetings Suite", Product::Meeting),
            ("Advanced Space Meetings", Product::Meeting),
            ("Screen Share", Product::ScreenShare),
            ("Webex Messenger", Product::Messenger),
            ("Events", Product::Other),
        ] {
            assert_eq!(Product::of(name), kind, "{name}");
        }
    }

    /// The code for adding `kind` in an organization that sells everything, to a user who holds these.
    fn code(kind: Product, held: &[Product], removed: &[Product], also: &[Product]) -> &'static str {
        let situation = Circumstances {
            sold: &|_| true,
            held: &|kind| held.contains(&kind),
            holds: &|kind| held.contains(&kind) && !removed.contains(&kind),
            adds: &|other| other == kind || also.contains(&other),
        };
        may_add(kind, &situation).err().map_or("", |refused| refused.code)
    }

    #[test]
    fn every_rule_has_its_code() {
        use Product::{
            AttendantConsole, CallingProfessional, CallingStandard, CxEssential, FreeMeeting, FreeMessaging,
            Meeting, Messaging,
        };
        assert_eq!(code(CallingStandard, &[CallingProfessional], &[], &[]), "400112");
        assert_eq!(code(CallingStandard, &[CallingProfessional], &[CallingProfessional], &[]), "400112");
        assert_eq!(code(CallingProfessional, &[CallingStandard], &[CallingStandard], &[]), "");
        assert_eq!(code(CallingProfessional, &[CallingStandard], &[], &[]), "400404");
        assert_eq!(code(CallingProfessional, &[], &[], &[CallingStandard]), "400404");
        assert_eq!(code(CallingStandard, &[AttendantConsole], &[], &[]), "400406");
        assert_eq!(code(AttendantConsole, &[CallingStandard], &[], &[]), "400406");
        assert_eq!(code(CallingStandard, &[CxEssential], &[], &[]), "400407");
        assert_eq!(code(CallingStandard, &[CxEssential], &[CxEssential], &[]), "400410");
        assert_eq!(code(AttendantConsole, &[], &[], &[]), "400408");
        assert_eq!(code(AttendantConsole, &[CallingProfessional], &[], &[]), "");
        assert_eq!(code(Messaging, &[], &[], &[]), "700003");
        assert_eq!(code(Messaging, &[FreeMessaging], &[], &[]), "");
        assert_eq!(code(Meeting, &[], &[], &[]), "700004");
        assert_eq!(code(FreeMeeting, &[], &[], &[]), "700005");
        assert_eq!(code(Product::Messenger, &[], &[], &[]), "400118");
        assert_eq!(may_remove(Product::ScreenShare).unwrap_err().code, "700006");
    }
}
