//! Any header over a row of TRUE, of FALSE or of ticks: no panic, nothing is taken away unless that was asked for, no
//! more is asked for than cells say, and what is not understood is told.

use std::io::Write as _;

use seatbatch::assign::{Interpretation, Known, KnownLicense, LicenseNames, ServiceMode, check};
use seatbatch::domain::{LicenseId, Order};
use seatbatch::input::InputFile;

pub(crate) fn holds(bytes: &[u8]) {
    let Ok(header) = std::str::from_utf8(bytes) else { return };
    let header = header.lines().next().unwrap_or_default();
    let columns = header.split(',').count();
    // One of them for each header, so that more headers have their turn.
    let (word, mode) = match bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) % 4 {
        0 => ("TRUE", ServiceMode::AddOnly),
        1 => ("FALSE", ServiceMode::AddOnly),
        2 => ("FALSCH", ServiceMode::AddAndRemove),
        _ => ("X", ServiceMode::AddOnly),
    };
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let cells = vec![word; columns].join(",");
    write!(file, "User ID/Email (Required),{header}\nuser@example.com,{cells}\n").unwrap();
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
    let Ok(checked) = check(&file, &how, Order::File, known, &mut |_| told += 1) else { return };
    let counts = checked.counts();
    assert!(counts.removes == 0 || word == "FALSCH" || counts.services.is_none());
    assert!(counts.adds + counts.removes <= columns as u64 + 1);
    assert!(counts.errors + counts.warnings <= told);
    if word == "X" && counts.services.is_some() {
        assert!(counts.adds == 0 && counts.errors > 0, "columns that may be services vanish: {header}");
    }
}
