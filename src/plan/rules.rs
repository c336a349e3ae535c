//! The rules among licenses that the live reference documents, as far as they can be told from what a user
//! holds and will hold.

/// What a license is, told from its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Webex Calling Professional.
    CallingProfessional,
    /// Webex Calling Standard.
    CallingStandard,
    /// Attendant Console.
    AttendantConsole,
    /// Customer Experience Essentials.
    CxEssentials,
    /// Screen Share.
    ScreenShare,
    /// Messaging that everybody has.
    FreeMessaging,
    /// Messaging that is paid for.
    Messaging,
    /// Meetings that everybody has.
    FreeMeeting,
    /// Meetings that are paid for.
    Meeting,
    /// None of these.
    Other,
}

impl Kind {
    /// What a license of this name is.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let name = name.to_lowercase();
        let has = |word: &str| name.contains(word);
        let free = has("free") || has("basic");
        match () {
            () if has("attendant console") => Self::AttendantConsole,
            () if has("cx essential") || has("customer experience essential") => Self::CxEssentials,
            () if has("calling") && has("professional") => Self::CallingProfessional,
            () if has("calling") && has("standard") => Self::CallingStandard,
            () if has("screen share") => Self::ScreenShare,
            () if has("messag") && free => Self::FreeMessaging,
            () if has("messag") => Self::Messaging,
            () if has("meeting") && free => Self::FreeMeeting,
            () if has("meeting") => Self::Meeting,
            () => Self::Other,
        }
    }

    /// Whether it comes with a number, an extension and settings, which go with it when it is removed.
    #[must_use]
    pub const fn is_calling(self) -> bool {
        matches!(self, Self::CallingProfessional | Self::CallingStandard)
    }

    /// Kinds that have a say in whether a user may get or give back a license of this kind.
    #[must_use]
    pub const fn companions(self) -> &'static [Self] {
        match self {
            Self::CallingProfessional => &[Self::CallingStandard, Self::AttendantConsole],
            Self::CallingStandard => &[Self::CallingProfessional, Self::AttendantConsole, Self::CxEssentials],
            Self::AttendantConsole => &[Self::CallingProfessional, Self::CallingStandard],
            Self::CxEssentials => &[Self::CallingStandard],
            Self::FreeMessaging | Self::Meeting => &[Self::Messaging, Self::FreeMeeting, Self::FreeMessaging],
            Self::Messaging => &[Self::FreeMessaging],
            Self::FreeMeeting => &[Self::Meeting],
            Self::ScreenShare | Self::Other => &[],
        }
    }
}

/// A documented rule, by the service's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// 400112
    ProfessionalToStandard,
}
