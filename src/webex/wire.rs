//! The bodies of requests, as they travel.

use std::borrow::Cow;

use serde::Serialize;

pub use super::answers::answer_body;
use crate::domain::{Action, Assignment, Change, OrgId, Properties, WireForm};

/// `LicenseAssignment`
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the specification's names")]
pub struct LicenseAssignment<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<LicenseRequest<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub site_urls: Vec<SiteRequest<'a>>,
}

/// An item of `licenses`.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the specification's names")]
pub struct LicenseRequest<'a> {
    pub id: Cow<'a, str>,
    pub operation: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<LicenseProperties<'a>>,
}

/// `properties` of a license.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the specification's names")]
pub struct LicenseProperties<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension: Option<Cow<'a, str>>,
}

/// An item of `siteUrls`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the specification's names")]
pub struct SiteRequest<'a> {
    pub site_url: Cow<'a, str>,
    pub account_type: Cow<'a, str>,
    pub operation: Cow<'a, str>,
}

impl<'a> From<&'a Assignment> for LicenseAssignment<'a> {
    fn from(assignment: &'a Assignment) -> Self {
        let mut wire = Self {
            email: assignment.user.email().map(|email| email.as_str().into()),
            person_id: assignment.user.person().map(|person| person.as_str().into()),
            org_id: assignment.org.as_ref().map(|org| org.as_str().into()),
            ..Self::default()
        };
        for operation in &assignment.operations {
            let word = Cow::Borrowed(operation.action.as_str());
            match &operation.change {
                Change::License(id, properties) => wire.licenses.push(LicenseRequest {
                    id: id.as_str().into(),
                    operation: word,
                    properties: (operation.action == Action::Add)
                        .then(|| wire_properties(properties))
                        .flatten(),
                }),
                Change::Site(url) => wire.site_urls.push(SiteRequest {
                    site_url: url.as_str().into(),
                    account_type: "attendee".into(),
                    operation: word,
                }),
            }
        }
        wire
    }
}

fn wire_properties(properties: &Properties) -> Option<LicenseProperties<'_>> {
    (*properties != Properties::default()).then(|| LicenseProperties {
        location_id: properties.location.as_ref().map(|location| location.as_str().into()),
        phone_number: properties.phone_number.as_ref().map(|number| number.as_str().into()),
        extension: properties.extension.as_deref().map(Into::into),
    })
}

/// The body of a `PATCH /licenses/users`, with `org` for those that name no organization. The object
/// form carries the first assignment; it is sent with one.
#[must_use]
pub fn request_body(form: WireForm, org: Option<&OrgId>, assignments: &[Assignment]) -> Vec<u8> {
    let mut wire: Vec<LicenseAssignment<'_>> = assignments.iter().map(Into::into).collect();
    for assignment in &mut wire {
        assignment.org_id = assignment.org_id.take().or_else(|| org.map(|org| org.as_str().into()));
    }
    let body = match form {
        WireForm::Array => serde_json::to_vec(&wire),
        WireForm::Object => serde_json::to_vec(&wire.first()),
    };
    // Texts alone, written to memory: this cannot fail.
    body.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::domain::{
        AssignmentNo, EmailAddress, LicenseId, Line, Operation, OperationKey, PhoneNumber, SiteUrl, User,
    };

    fn assignment() -> Assignment {
        let operation = |line, action, change| Operation {
            key: OperationKey::of_line(Line::new(line)),
            action,
            change,
            rows: 1,
        };
        let license = |id: &str| LicenseId::parse(id).unwrap();
        let calling = Properties {
            phone_number: Some(PhoneNumber::parse("+14085550100").unwrap()),
            ..Default::default()
        };
        Assignment {
            number: AssignmentNo(0),
            user: User::Email(EmailAddress::parse("ada@example.com").unwrap()),
            org: None,
            operations: vec![
                operation(2, Action::Add, Change::License(license("L1"), calling.clone())),
                operation(3, Action::Remove, Change::License(license("L2"), calling)),
                operation(4, Action::Add, Change::Site(SiteUrl::parse("meet.example.com").unwrap())),
            ],
        }
    }

    #[test]
    fn an_assignment_travels_as_the_specification_says() {
        let expected = serde_json::json!({
            "email": "ada@example.com",
            "licenses": [
                {"id": "L1", "operation": "add", "properties": {"phoneNumber": "+14085550100"}},
                {"id": "L2", "operation": "remove"},
            ],
            "siteUrls": [{"siteUrl": "meet.example.com", "accountType": "attendee", "operation": "add"}],
        });
        let object: Value =
            serde_json::from_slice(&request_body(WireForm::Object, None, &[assignment()])).unwrap();
        assert_eq!(object, expected);
        let array: Value =
            serde_json::from_slice(&request_body(WireForm::Array, None, &[assignment()])).unwrap();
        assert_eq!(array, Value::Array(vec![expected]));
    }
}
