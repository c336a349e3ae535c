//! What a column can mean.

macro_rules! fields {
    ($($variant:ident => $name:literal,)+) => {
        /// What a column can mean; all others are carried along untouched.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names are the contract's")]
        pub enum Field { $($variant,)+ }

        impl Field {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name as it is documented.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

fields! {
    Email => "email",
    PersonId => "personId",
    OrgId => "orgId",
    LicenseId => "licenseId",
    License => "license",
    Operation => "operation",
    LocationId => "locationId",
    Location => "location",
    PhoneNumber => "phoneNumber",
    Extension => "extension",
    SiteUrl => "siteUrl",
    AccountType => "accountType",
    Bundle => "bundle",
}

impl Field {
    pub(super) const COUNT: usize = Self::ALL.len();

    /// Fields that name a user.
    pub(super) const USER: [Self; 2] = [Self::Email, Self::PersonId];
    /// Fields that name what the user gets or gives back.
    pub(super) const TARGET: [Self; 4] = [Self::LicenseId, Self::License, Self::SiteUrl, Self::Bundle];
}
