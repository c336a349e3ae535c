//! The sandbox and the client held to one word: what is asked and what is answered stands in `golden/exchanges.jsonl`, as
//! the specification and the live reference document it, and nothing of ours reads or writes it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use reqwest::header::CONTENT_TYPE;
use seatbatch::domain::{
    Action, Assignment, AssignmentNo, Body, Change, EmailAddress, LicenseId, Line, LocationId, Operation,
    OperationKey, OrgId, PersonId, PhoneNumber, Properties, SiteUrl, User, WireForm,
};
use seatbatch::sandbox::{Options, Organization, Sandbox};
use seatbatch::webex::wire::{answer_body, request_body};
use serde_json::Value;

fn golden(name: &str) -> String {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn form(wire: &str) -> WireForm {
    if wire == "object" { WireForm::Object } else { WireForm::Array }
}

async fn sandbox(wire: &str) -> Sandbox {
    let wire = form(wire);
    let state = serde_json::from_str(&golden("organization.json")).unwrap();
    Sandbox::start(Options::new("token", wire, Organization::from_state(state).unwrap())).await.unwrap()
}

/// Whether two texts agree, `*` standing for anything.
fn agrees(expected: &str, found: &str) -> bool {
    match expected.split_once('*') {
        Some((before, after)) => {
            found.len() >= before.len() + after.len() && found.starts_with(before) && found.ends_with(after)
        }
        None => expected == found,
    }
}

#[tokio::test]
async fn every_exchange_is_as_documented() {
    let http = http();
    for line in golden("exchanges.jsonl").lines() {
        let exchange: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| exchange[name].as_str().unwrap();
        let service = sandbox(text("wire")).await;
        let url = format!("{}{}", service.url().trim_end_matches("/v1"), text("path"));
        let mut request = http.request(text("method").parse().unwrap(), url).bearer_auth("token");
        if text("method") == "PATCH" {
            request = request.header(CONTENT_TYPE, text("contentType")).body(exchange["body"].to_string());
        }
        let response = request.send().await.unwrap();
        let tracking_id = response.headers()["trackingid"].to_str().unwrap().to_owned();
        assert_eq!(response.status().as_u16(), exchange["status"], "{line}");
        for (name, expected) in exchange["headers"].as_object().into_iter().flatten() {
            let found = response.headers()[name.as_str()].to_str().unwrap();
            assert!(agrees(expected.as_str().unwrap(), found), "{line}\n{name}: {found}");
        }
        let link = response.headers().contains_key("link");
        assert_eq!(link, exchange["headers"].get("link").is_some(), "{line}");
        let body = response.text().await.unwrap();
        let mut answer: Value =
            if body.is_empty() { Value::Null } else { serde_json::from_str(&body).unwrap() };
        if exchange["answer"]["trackingId"] == "*" {
            assert_eq!(answer["trackingId"].take(), Value::from(tracking_id), "{line}");
            answer["trackingId"] = "*".into();
        }
        assert_eq!(answer, exchange["answer"], "{line}");
    }
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    let http = http();
    for line in golden("exchanges.jsonl").lines() {
        let exchange: Value = serde_json::from_str(line).unwrap();
        if exchange["method"] != "PATCH" || exchange["status"] == 200 || exchange["status"] == 206 {
            continue;
        }
        let service = sandbox(exchange["wire"].as_str().unwrap()).await;
        let before = serde_json::to_value(service.state()).unwrap();
        let request = http.patch(format!("{}/licenses/users", service.url())).bearer_auth("token");
        let kind = exchange["contentType"].as_str().unwrap();
        request.header(CONTENT_TYPE, kind).body(exchange["body"].to_string()).send().await.unwrap();
        assert_eq!(serde_json::to_value(service.state()).unwrap(), before, "{line}");
    }
}

#[tokio::test]
async fn nobody_gets_in_without_the_token() {
    let service = sandbox("array").await;
    let http = http();
    for path in ["licenses", "licenses/MESSAGING"] {
        let response =
            http.get(format!("{}/{path}", service.url())).bearer_auth("other").send().await.unwrap();
        assert_eq!(response.status().as_u16(), 401);
        let tracking_id = response.headers()["trackingid"].to_str().unwrap().to_owned();
        let answer: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(answer["trackingId"], tracking_id.as_str());
        assert!(answer["errors"][0]["description"].is_string());
    }
}

/// What a documented request asks for, in our types; `None` where no client should ask so.
fn assignment(asked: &Value) -> Option<Assignment> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let operation = |value: &Value, change| Operation {
        key: OperationKey::of_line(Line::new(2)),
        action: if value["operation"] == "remove" { Action::Remove } else { Action::Add },
        change,
        rows: 1,
    };
    let licenses = asked["licenses"].as_array().into_iter().flatten().map(|license| {
        let properties = Properties {
            location: text(&license["properties"]["locationId"]).map(|id| LocationId::parse(&id).unwrap()),
            phone_number: text(&license["properties"]["phoneNumber"])
                .map(|number| PhoneNumber::parse(&number).unwrap()),
            extension: text(&license["properties"]["extension"]).map(Into::into),
        };
        Some(operation(
            license,
            Change::License(LicenseId::parse(license["id"].as_str()?).unwrap(), properties),
        ))
    });
    let sites = asked["siteUrls"].as_array().into_iter().flatten().map(|site| {
        let is_documented = matches!(site["operation"].as_str(), Some("add" | "remove"))
            && site["accountType"].as_str().is_none_or(|kind| kind == "attendee");
        let url = SiteUrl::parse(site["siteUrl"].as_str()?).unwrap();
        is_documented.then(|| operation(site, Change::Site(url)))
    });
    Some(Assignment {
        number: AssignmentNo(0),
        user: User::new(
            text(&asked["email"]).and_then(|email| EmailAddress::parse(&email).ok()),
            text(&asked["personId"]).map(|person| PersonId::parse(&person).unwrap()),
        )?,
        org: text(&asked["orgId"]).map(|org| OrgId::parse(&org).unwrap()),
        operations: licenses.chain(sites).collect::<Option<_>>()?,
    })
}

/// The request with what may be left out of it.
fn in_full(mut asked: Value) -> Value {
    for license in asked["licenses"].as_array_mut().into_iter().flatten() {
        license.as_object_mut().unwrap().entry("operation").or_insert("add".into());
    }
    for site in asked["siteUrls"].as_array_mut().into_iter().flatten() {
        site.as_object_mut().unwrap().entry("accountType").or_insert("attendee".into());
    }
    asked.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    asked
}

#[test]
fn the_client_asks_as_documented() {
    let mut asked = 0;
    for line in golden("exchanges.jsonl").lines() {
        let exchange: Value = serde_json::from_str(line).unwrap();
        let list = match &exchange["body"] {
            Value::Array(list) if exchange["wire"] == "array" => list.clone(),
            one @ Value::Object(_) if exchange["wire"] == "object" => vec![one.clone()],
            _ => continue,
        };
        let Some(assignments) = list.iter().map(assignment).collect::<Option<Vec<_>>>() else { continue };
        let form = form(exchange["wire"].as_str().unwrap());
        let sent: Value = serde_json::from_slice(&request_body(form, None, &assignments)).unwrap();
        let list: Vec<Value> = list.into_iter().map(in_full).collect();
        let expected = if form == WireForm::Array { Value::Array(list) } else { list[0].clone() };
        assert_eq!(sent, expected, "{line}");
        asked += 1;
    }
    assert!(asked > 30, "{asked} requests could be read");
}

#[test]
fn the_client_understands_what_is_documented_as_an_answer() {
    for line in golden("exchanges.jsonl").lines() {
        let exchange: Value = serde_json::from_str(line).unwrap();
        if exchange["method"] != "PATCH" {
            continue;
        }
        let answer = &exchange["answer"];
        let bytes = if answer.is_null() { Vec::new() } else { answer.to_string().into_bytes() };
        let status = u16::try_from(exchange["status"].as_u64().unwrap()).unwrap();
        let form = form(exchange["wire"].as_str().unwrap());
        match answer_body(form, status, Some("application/json"), &bytes) {
            Body::Empty => assert!(answer.is_null(), "{line}"),
            Body::Items(items) => {
                let documented = answer.as_array().unwrap();
                assert_eq!((status, items.len()), (206, documented.len()), "{line}");
                for (item, documented) in items.iter().zip(documented) {
                    assert_eq!(item.email.as_deref(), documented["email"].as_str(), "{line}");
                    assert_eq!(item.person_id.as_deref(), documented["personId"].as_str(), "{line}");
                    let error = item.error.as_ref().unwrap();
                    let code = error.code.as_ref().map(ToString::to_string);
                    assert_eq!(code.as_deref(), documented["error"]["code"].as_str(), "{line}");
                    assert_eq!(error.message.as_deref(), documented["error"]["message"].as_str(), "{line}");
                }
            }
            Body::Holdings(held) => {
                assert!(matches!(status, 200 | 206) && form == WireForm::Object, "{line}");
                let documented = |name: &str| serde_json::from_value(answer[name].clone()).unwrap();
                assert_eq!(held.person_id.as_deref(), answer["personId"].as_str(), "{line}");
                assert_eq!(held.org_id.as_deref(), answer["orgId"].as_str(), "{line}");
                assert_eq!(held.licenses, Some(documented("licenses")), "{line}");
            }
            Body::Error(error) => {
                assert!(status >= 400, "{line}");
                assert_eq!(error.message.as_deref(), answer["message"].as_str(), "{line}");
            }
            other => panic!("{line}: {other:?}"),
        }
    }
}
