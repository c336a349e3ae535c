//! What the codes of failures mean to a person, and whether sending the same again can help.

/// What is known of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// The code, as the failures CSV has it.
    pub code: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// Whether the same operation may pass the second time, unchanged.
    pub may_pass: bool,
}

const fn mend(code: &'static str, meaning: &'static str, remedy: &'static str) -> Advice {
    Advice { code, meaning, remedy, may_pass: false }
}

const fn again(code: &'static str, meaning: &'static str, remedy: &'static str) -> Advice {
    Advice { code, meaning, remedy, may_pass: true }
}

/// Every code that we give ourselves or that the service documents, but for those of rows that were never sent.
pub const CODES: [Advice; 27] = [
    again(
        "IN_DOUBT",
        "sent, and never answered",
        "retry asks or sends again; see what users hold with verify",
    ),
    again(
        super::code::RETRIES_EXHAUSTED,
        "the service was failing each time it was asked",
        "retry once the service has recovered",
    ),
    again(
        super::code::NOT_APPLIED,
        "accepted, and yet the user does not hold what was asked for",
        "check whether units are left and whether the user is still pending, then retry",
    ),
    again("HTTP_408", "the service took too long", "retry later"),
    again("HTTP_409", "something else was changing the user", "retry"),
    again("HTTP_423", "the user was locked by another change", "retry later"),
    again("HTTP_425", "the service was not ready", "retry later"),
    again("HTTP_429", "too many requests", "retry, with a lower --rate"),
    mend(
        "HTTP_400",
        "the service refused the request and gave no reason",
        "look at the rows: license, user, organization",
    ),
    mend(
        "HTTP_403",
        "the token may not change this user",
        "use a token of an administrator of the user's organization",
    ),
    mend(
        "HTTP_404",
        "the user or license is not known",
        "look at the address, the license ID and the organization",
    ),
    mend("400", "the location is not known", "look at locationId"),
    mend(
        "400000",
        "the license is not known in this organization",
        "look at the ID: seatbatch licenses list shows them",
    ),
    mend(
        "400112",
        "Calling Professional cannot become Standard",
        "remove the Professional license first, in a row before",
    ),
    mend("400118", "a Messenger license cannot be changed here", "change it in Control Hub"),
    mend("400216", "the attendee site is not one of the organization's", "look at siteUrl"),
    mend("400404", "Calling Professional and Standard exclude each other", "take one of them away"),
    mend("400406", "Calling Standard and Attendant Console exclude each other", "take one of them away"),
    mend(
        "400407",
        "Calling Standard and Customer Experience Essentials exclude each other",
        "take one of them away",
    ),
    mend("400408", "Attendant Console needs Calling Professional", "give Calling Professional too"),
    mend("400410", "Customer Experience Essentials cannot become Calling Standard", "take it away first"),
    mend(
        "400411",
        "a Calling license needs a phone number, or an extension and a location",
        "fill in phoneNumber, or extension and locationId",
    ),
    mend("400413", "only one license of its group can be held", "take the other one away first"),
    mend("700003", "paid messaging needs free messaging", "give free messaging too"),
    mend("700004", "a paid meeting license needs the free one", "give the free meeting license too"),
    mend("700005", "meetings need messaging", "give messaging too"),
    mend("700006", "Screen Share cannot be taken away", "leave the row out"),
];

/// What is known of a code; `None` for one that we have never heard of.
#[must_use]
pub fn advice(code: &str) -> Option<&'static Advice> {
    let find = |code: &str| CODES.iter().find(|known| known.code == code);
    find(code).or_else(|| find(&format!("HTTP_{}", as_status(code)?)))
}

/// The status, where a code is one: some of the service's own codes are.
fn as_status(code: &str) -> Option<&str> {
    let digits = code.strip_prefix("HTTP_").unwrap_or(code);
    (digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

/// Whether an operation that failed with this code may pass the second time, unchanged. Of a code that nobody
/// documents it may: its cause can be gone.
#[must_use]
pub fn may_pass(code: &str) -> bool {
    match (advice(code), as_status(code)) {
        (Some(known), _) => known.may_pass,
        // A refusal without a reason is one; an illness passes.
        (None, Some(status)) => status.starts_with('5'),
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sending_the_same_again_helps_where_the_row_is_not_the_reason() {
        let passing = [
            "IN_DOUBT",
            "RETRIES_EXHAUSTED",
            "NOT_APPLIED",
            "HTTP_409",
            "HTTP_503",
            "503",
            "409",
            "NEVER_SEEN",
            "700099",
        ];
        assert!(passing.iter().all(|code| may_pass(code)));
        assert!(
            ["400000", "400411", "HTTP_400", "HTTP_404", "HTTP_418", "404", "403", "422"]
                .iter()
                .all(|code| !may_pass(code))
        );
    }

    #[test]
    fn every_code_is_explained_once() {
        let mut codes: Vec<_> = CODES.iter().map(|known| known.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), CODES.len());
    }
}
