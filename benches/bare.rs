//! A bare client to compare with: the same bodies, encoded ahead, so many at a time, and nothing
//! else. `cargo bench --bench bare -- URL TOKEN USERS BATCH IN_FLIGHT [LICENSE …]`, where a batch of 0 is
//! the object form. Without arguments it does nothing.
//!
//! `… -- serve` is a bare server: it takes everything, and answers in the object form what was asked
//! for. It prints its address first.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench prints, and fails by panicking"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    if args.first().is_some_and(|arg| arg == "serve") {
        return tokio::runtime::Runtime::new().unwrap().block_on(serve());
    }
    let [url, token, users, batch, in_flight, licenses @ ..] = args.as_slice() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bodies = bodies(users.parse().unwrap(), batch.parse().unwrap(), licenses);
    runtime.block_on(send(url, token, bodies, in_flight.parse().unwrap()));
}

fn assignment(user: usize, licenses: &[String]) -> Value {
    let licenses: Vec<Value> = licenses.iter().map(|id| json!({"id": id, "operation": "add"})).collect();
    json!({"email": format!("user{user}@example.com"), "licenses": licenses})
}

fn bodies(users: usize, batch: usize, licenses: &[String]) -> Vec<Vec<u8>> {
    let all: Vec<Value> = (1..=users).map(|user| assignment(user, licenses)).collect();
    match batch {
        0 => all.iter().map(|one| serde_json::to_vec(one).unwrap()).collect(),
        size => all.chunks(size).map(|batch| serde_json::to_vec(batch).unwrap()).collect(),
    }
}

async fn send(url: &str, token: &str, bodies: Vec<Vec<u8>>, in_flight: usize) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build().unwrap();
    let (bodies, next) = (Arc::new(bodies), Arc::new(AtomicUsize::new(0)));
    let begun = Instant::now();
    let workers = (0..in_flight).map(|_| {
        let (client, bodies, next) = (client.clone(), Arc::clone(&bodies), Arc::clone(&next));
        let (url, token) = (format!("{url}/licenses/users"), format!("Bearer {token}"));
        tokio::spawn(async move {
            while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                let request = client.patch(&url).header(AUTHORIZATION, &token);
                let request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
                let answer = request.send().await.unwrap();
                assert_eq!(answer.status(), 200);
                answer.bytes().await.unwrap();
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    let seconds = begun.elapsed().as_secs_f64();
    let count = bodies.len();
    println!(
        "{count} requests in {seconds:.2} s, {:.0} a second",
        f64::from(u32::try_from(count).unwrap()) / seconds
    );
}

/// That of the licenses in `rivals.py`, as an ID: an answer about another one is not believed.
const ORGANIZATION: &str =
    "Y2lzY29zcGFyazovL3VzL09SR0FOSVpBVElPTi81YTRkMWMwMC0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMGMwZGU";

async fn serve() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("listening on http://{}/v1", listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let service = service_fn(answer);
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let body = request.into_body().collect().await?.to_bytes();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let held = |one: &Value| {
        one["licenses"].as_array().map(|all| all.iter().map(|l| l["id"].clone()).collect::<Value>())
    };
    let body = held(&asked).map_or_else(Bytes::new, |ids| {
        Bytes::from(
            json!({"orgId": ORGANIZATION, "personId": "P", "email": asked["email"], "licenses": ids})
                .to_string(),
        )
    });
    Ok(Response::builder()
        .header("trackingid", "BENCH")
        .header("content-type", "application/json")
        .body(Full::new(body))
        .unwrap())
}
