//! Any header over a row of TRUE and FALSE, or of ticks: no panic, nothing is taken away unless that was asked for, no
//! more is asked for than cells say, and what is not understood is told.

use std::io::Write as _;

use seatbatch::assign::{Interpretation, Known, KnownLicense, LicenseNames, ServiceMode, check};
use seatbatch::domain::{LicenseId, Order};
use seatbatch::input::InputFile;

pub(crate) fn holds(bytes: &[u8]) {
    let Ok(header) = std::str::from_utf8(bytes) else { return };
    let header = header.lines().next().unwrap_or_default();
    let columns = header.split(',').count();
    let row = |word: &str| {
        let cells = (0..columns).map(|_| word).collect::<Vec<_>>().join(",");
        format!("User ID/Email (Required),{header}\nuser@example.com,{cells}\n")
    };
    for (word, mode) in [
        ("TRUE", ServiceMode::AddOnly),
        ("FALSE", ServiceMode::AddOnly),
        ("FALSCH", ServiceMode::AddAndRemove),
        ("X", ServiceMode::AddOnly),
    ] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(row(word).as_bytes()).unwrap();
        let file = InputFile::open(file.path()).unwrap();
        let license = |name: &str| KnownLicense {
            id: LicenseId::parse(name).unwrap(),
            name: name.to_owned(),
            site: Some("meet.example.com".to_owned()),
            subscription: Some("Sub1".to_owned()),
            free: None,
        };
        let names = ["Messaging", "Meetings Suite", "Webex Calling - Professional"].map(license);
        let names = LicenseNames::default().with(None, names.to_vec());
        let how = Interpretation { service_mode: mode, ..Interpretation::default() };
        let known = Known { names, holdings: None };
        let mut told = 0;
        let Ok(checked) = check(&file, &how, Order::File, known, &mut |_| told += 1) else { continue };
        let counts = checked.counts();
        assert!(counts.removes == 0 || word == "FALSCH" || counts.services.is_none());
        assert!(counts.adds + counts.removes <= columns as u64 + 1);
        assert!(counts.errors + counts.warnings <= told);
        if word == "X" && counts.services.is_some() {
            assert!(counts.adds == 0 && counts.errors > 0, "columns that may be services vanish: {header}");
        }
    }
}
