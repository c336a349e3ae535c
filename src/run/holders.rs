//! Who holds a license: what the service says of operations of ours.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::patiently;
use crate::domain::{Action, Assignment, Change, IdKey, LicenseId, OperationKey, address_key};
use crate::webex::{Client, LicenseUser, ReadError};

/// Users who are looked for among the holders of one license.
#[derive(Debug, Default)]
pub struct Wanted {
    by_person: HashMap<IdKey, Vec<usize>>,
    by_email: HashMap<String, Vec<usize>>,
    held: Vec<bool>,
}

impl Wanted {
    /// Looks for this user too. Returns the user's number, from 0.
    pub fn add(&mut self, person: Option<&str>, email: Option<&str>) -> usize {
        let number = self.held.len();
        if let Some(person) = person {
            self.by_person.entry(IdKey::of(person)).or_default().push(number);
        }
        if let Some(email) = email {
            self.by_email.entry(address_key(email).into_owned()).or_default().push(number);
        }
        self.held.push(false);
        number
    }

    /// Whether the user of this number holds the license, as far as has been looked.
    #[must_use]
    pub fn holds(&self, number: usize) -> bool {
        self.held.get(number).copied().unwrap_or(false)
    }

    /// Looks at the license's users page by page: memory grows with those who are looked for, not
    /// with those who hold the license.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn look(
        &mut self,
        client: &Client,
        license: &LicenseId,
        max_wait: Duration,
    ) -> Result<(), ReadError> {
        let mut users = client.license_users(license);
        loop {
            match patiently(max_wait, async || users.next().await).await {
                Ok(Some(user)) => self.found(&user),
                // Nobody can hold a license that is gone.
                Ok(None) | Err(ReadError::NotFound) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn found(&mut self, user: &LicenseUser) {
        let by_person = self.by_person.get(&IdKey::of(&user.id)).into_iter().flatten();
        let email = address_key(user.email.as_deref().unwrap_or_default());
        let by_email = self.by_email.get(email.as_ref()).into_iter().flatten();
        for number in by_person.chain(by_email) {
            self.held.get_mut(*number).into_iter().for_each(|held| *held = true);
        }
    }
}

/// Those operations that are so already. Sites are never among them, since the API
/// does not list their attendees.
///
/// # Errors
/// [`ReadError`].
pub(super) async fn already_so(
    client: &Client,
    assignments: impl IntoIterator<Item = &Assignment>,
    max_wait: Duration,
) -> Result<HashSet<OperationKey>, ReadError> {
    let mut licenses: HashMap<&LicenseId, Asked> = HashMap::new();
    for assignment in assignments {
        let person = assignment.user.person().map(|person| person.as_str());
        let email = assignment.user.email().map(|email| email.as_str());
        for operation in &assignment.operations {
            if let Change::License(id, _) = &operation.change {
                licenses.entry(id).or_default().add(person, email, operation.key, operation.action);
            }
        }
    }
    let mut so = HashSet::new();
    for (license, asked) in licenses {
        so.extend(asked.already_so(client, license, max_wait).await?);
    }
    Ok(so)
}

/// Operations on one license, of which the service is asked whether they are so already.
#[derive(Debug, Default)]
pub(super) struct Asked {
    wanted: Wanted,
    operations: Vec<(OperationKey, Action)>,
}

impl Asked {
    /// Asks about this operation too.
    pub(super) fn add(
        &mut self,
        person: Option<&str>,
        email: Option<&str>,
        key: OperationKey,
        action: Action,
    ) {
        self.wanted.add(person, email);
        self.operations.push((key, action));
    }

    /// Those that are so: an addition that is held, a removal that is not.
    ///
    /// # Errors
    /// [`ReadError`].
    pub(super) async fn already_so(
        mut self,
        client: &Client,
        license: &LicenseId,
        max_wait: Duration,
    ) -> Result<Vec<OperationKey>, ReadError> {
        self.wanted.look(client, license, max_wait).await?;
        let numbered = self.operations.into_iter().enumerate();
        let so =
            numbered.filter(|(number, (_, action))| self.wanted.holds(*number) == (*action == Action::Add));
        Ok(so.map(|(_, (key, _))| key).collect())
    }
}
