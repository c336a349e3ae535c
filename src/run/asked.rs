//! All that a file asks of whom, as one number.

use sha2::{Digest as _, Sha256};

use crate::assign::{CheckError, Checked, Placed, SecondReading};
use crate::domain::{EmailAddress, OrgId, PersonId, Target};
use crate::input::InputFile;

/// The SHA-256 of all that a checked file asks, word for word, in hexadecimal digits: by which license or site itself rather than
/// by what it is called. Another one, and something else is asked of somebody. The file is read once more.
///
/// # Errors
/// [`CheckError`].
pub fn operations_sha256(checked: Checked, file: &InputFile) -> Result<(String, Checked), CheckError> {
    let targets: Vec<Target> = checked.targets().all().to_vec();
    let mut second = SecondReading::new(checked, file)?;
    let (mut sum, mut placed) = (Sha256::new(), Vec::new());
    while second.next(&mut placed)?.is_some() {
        placed.drain(..).for_each(|placed| add(&mut sum, &targets, &placed));
    }
    let checked = second.finish()?;
    Ok((sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect(), checked))
}

fn add(sum: &mut Sha256, targets: &[Target], Placed { key, content }: &Placed) {
    let Ok(operation) = content else { return };
    let properties = &operation.properties;
    let words = [
        operation.email.as_ref().map(EmailAddress::as_str),
        operation.person.as_ref().map(PersonId::as_str),
        operation.org.as_ref().map(OrgId::as_str),
        targets.get(operation.target.0 as usize).map(Target::as_str),
        Some(operation.action.as_str()),
        properties.phone_number.as_ref().map(|number| number.as_str()),
        properties.extension.as_deref(),
        properties.location.as_ref().map(|location| location.as_str()),
    ];
    sum.update(key.line.get().to_le_bytes());
    sum.update(key.item.get().to_le_bytes());
    for word in words {
        sum.update(word.unwrap_or_default().as_bytes());
        sum.update([0]);
    }
}
