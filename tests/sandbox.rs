//! The sandbox held to its word: what is asked and what is answered stands in `golden/exchanges.jsonl`, as the
//! specification and the live reference document it, and nothing of ours reads or writes it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use reqwest::header::CONTENT_TYPE;
use seatbatch::domain::WireForm;
use seatbatch::sandbox::{Options, Organization, Sandbox};
use serde_json::Value;

fn golden(name: &str) -> String {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn sandbox(wire: &str) -> Sandbox {
    let wire = if wire == "object" { WireForm::Object } else { WireForm::Array };
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
