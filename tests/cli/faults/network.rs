//! What is in the way of every connection is told at once, with its remedy, and costs no operation.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
#[cfg(unix)]
use std::process::Command;
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::harness::{Desk, Ran, counts, finish, onboarding};
#[cfg(unix)]
use crate::harness::{runtime, sandbox};
use crate::scripted::{Scripted, answer};

/// A service over TLS whose certificate is from an authority of its own.
struct Inspected {
    port: u16,
    authority: String,
}

impl Inspected {
    fn start() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Example Inspection CA");
        let authority = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let leaf_key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned()];
        let leaf = CertificateParams::new(names).unwrap().signed_by(&leaf_key, &issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![leaf.der().clone()],
                PrivateKeyDer::try_from(leaf_key.serialize_der()).unwrap(),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = Arc::new(config);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
                thread::spawn(move || serve(StreamOwned::new(tls, stream)));
            }
        });
        Self { port, authority }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}/v1", self.port)
    }
}

/// Everything is plain success.
fn serve(stream: StreamOwned<ServerConnection, std::net::TcpStream>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
    let length = head.lines().find_map(|line| {
        line.to_lowercase().strip_prefix("content-length:").map(str::trim).map(str::to_owned)
    });
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    if head.is_empty() || reader.read_exact(&mut body).is_err() {
        return;
    }
    let mut stream = reader.into_inner();
    let _ = stream
        .write_all(b"HTTP/1.1 200 OK\r\ntrackingid: T\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

fn apply(desk: &Desk, more: &[&str], environment: &[(&str, &str)]) -> Ran {
    desk.write("people.csv", onboarding(3));
    let mut command = desk.command(&[&["apply", "people.csv", "--json", "--yes"], more].concat());
    finish(command.envs(environment.iter().copied()).spawn().unwrap())
}

/// That nothing was sent, that the run can go on, and that these words say why.
#[track_caller]
fn paused(desk: &Desk, ran: Ran, words: &[&str]) {
    let ran = ran.exits(3);
    assert_eq!(counts(&ran.summary(), ["pending", "in_doubt", "failed", "requests"]), [3, 0, 0, 1]);
    let elapsed = ran.summary()["elapsed_s"].as_f64().unwrap();
    assert!(elapsed < 10.0, "told after {elapsed} s");
    for words in words {
        assert!(ran.stderr.contains(words), "no '{words}' in: {}", ran.stderr);
    }
    // Ours, never a library's.
    for foreign in ["client error", "tunnel error", "invalid peer", "UnknownIssuer", "dns error", "os error"]
    {
        assert!(!ran.stderr.contains(foreign), "{}", ran.stderr);
    }
    assert_eq!(desk.count("pending"), 3);
}

#[test]
fn an_issuer_that_nobody_trusts_is_named_and_can_be_trusted() {
    let service = Inspected::start();
    let desk = Desk::at(&service.url());
    let ran = apply(&desk, &[], &[]);
    paused(&desk, ran, &["localhost", "Example Inspection CA", "--ca-file", "SSL_CERT_FILE"]);
    let ca: PathBuf = desk.write("ca.pem", &service.authority);
    let resumed = desk.run(&["resume", "--json", "--yes", "--ca-file", ca.to_str().unwrap()]).exits(0);
    assert_eq!(counts(&resumed.summary(), ["done"]), [3]);

    let desk = Desk::at(&service.url());
    let ca = desk.write("ca.pem", &service.authority);
    apply(&desk, &[], &[("SSL_CERT_FILE", ca.to_str().unwrap())]).exits(0);

    // Before any run exists, there is none to resume.
    let desk = Desk::at(&service.url());
    let listed = desk.run(&["licenses", "list"]).exits(5);
    assert!(listed.stderr.contains("Example Inspection CA"), "{}", listed.stderr);
}

#[test]
fn a_certificate_file_without_a_certificate_is_refused() {
    let desk = Desk::at("https://localhost:1/v1");
    desk.write("ca.pem", "hello");
    let ran = apply(&desk, &["--ca-file", "ca.pem"], &[]).exits(2);
    assert!(ran.stderr.contains("-----BEGIN CERTIFICATE-----"), "{}", ran.stderr);
    apply(&desk, &["--ca-file", "nowhere.pem"], &[]).exits(2);
}

#[test]
fn https_to_a_server_of_http_and_http_to_one_of_https_are_told_apart_from_a_lost_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let desk = Desk::at(&format!("https://{}/v1", listener.local_addr().unwrap()));
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let ran = apply(&desk, &[], &[]);
    paused(&desk, ran, &["does not speak https", "--base-url"]);

    let service = Inspected::start();
    let desk = Desk::at(&service.url().replace("https://", "http://"));
    let ran = apply(&desk, &[], &[]);
    paused(&desk, ran, &["does not speak http:", "--base-url"]);
}

/// A proxy that answers every wish with this line, and remembers what was wished.
fn proxy(line: &'static str) -> (String, Arc<std::sync::Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heads = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = Arc::clone(&heads);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream);
            let mut head = String::new();
            while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
            log.lock().unwrap().push(head);
            let _ = reader
                .get_mut()
                .write_all(format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n").as_bytes());
        }
    });
    (address, heads)
}

const FAR: &str = "https://api.webex.test/v1";

#[test]
fn a_proxy_in_the_way_is_named_with_what_named_it_and_without_its_password() {
    for (line, words) in [
        ("407 Proxy Authentication Required", "wants a login"),
        ("403 Forbidden", "refuses to connect to api.webex.test:443 (HTTP 403)"),
    ] {
        let (address, heads) = proxy(line);
        let desk = Desk::at(FAR);
        let ran = apply(&desk, &[], &[("HTTPS_PROXY", &format!("http://user:hunter2@{address}"))]);
        assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
        paused(&desk, ran, &[words, &address, "HTTPS_PROXY"]);
        let heads = heads.lock().unwrap();
        assert!(heads.iter().all(|head| head.starts_with("CONNECT api.webex.test:443 ")), "{heads:?}");
        assert!(heads.iter().all(|head| head.to_lowercase().contains("proxy-authorization: basic")));
        assert!(heads.iter().all(|head| !head.contains("Bearer")), "the token was shown to the proxy");
    }
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let desk = Desk::at(FAR);
    let ran = apply(&desk, &[], &[("https_proxy", &format!("http://{closed}"))]);
    paused(&desk, ran, &["nothing listens", &closed, "https_proxy"]);
}

#[test]
fn a_name_that_does_not_resolve_is_told() {
    let desk = Desk::at(FAR);
    let ran = apply(&desk, &[], &[]);
    paused(&desk, ran, &["api.webex.test does not resolve"]);
    let desk = Desk::at(FAR);
    let ran = apply(&desk, &[], &[("HTTPS_PROXY", "http://proxy.test:8080")]);
    paused(&desk, ran, &["proxy.test:8080", "HTTPS_PROXY", "does not resolve"]);
}

#[test]
fn no_proxy_is_heeded_and_this_machine_needs_none() {
    let (address, heads) = proxy("403 Forbidden");
    let desk = Desk::at(FAR);
    let proxied = format!("http://{address}");
    let ran = apply(&desk, &[], &[("HTTPS_PROXY", &proxied), ("NO_PROXY", "webex.test")]);
    paused(&desk, ran, &["api.webex.test does not resolve"]);
    let service = Scripted::start(|_| answer(200, ""));
    apply(&Desk::at(&service.url), &[], &[("HTTP_PROXY", &proxied), ("ALL_PROXY", &proxied)]).exits(0);
    assert_eq!(heads.lock().unwrap().len(), 0);
}

#[test]
fn without_any_trusted_certificate_http_on_this_machine_works() {
    let nowhere = [("SSL_CERT_FILE", "/nowhere.pem"), ("SSL_CERT_DIR", "/nowhere")];
    let service = Scripted::start(|_| answer(200, ""));
    apply(&Desk::at(&service.url), &[], &nowhere).exits(0);
    let desk = Desk::at("https://localhost:1/v1");
    let ran = apply(&desk, &[], &nowhere).exits(2);
    assert!(ran.stderr.contains("--ca-file"), "{}", ran.stderr);
}

#[cfg(unix)]
#[test]
fn idle_connections_leave_handles_for_the_files() {
    let service = sandbox(200, seatbatch::domain::WireForm::Array, &["status=500,user=user7@example.com"]);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", onboarding(200));
    let binary = env!("CARGO_BIN_EXE_seatbatch");
    let script = format!(
        "ulimit -n 32; exec {binary} apply people.csv --json --yes --rate unlimited --batch-size 5 --max-attempts 2"
    );
    let mut command: Command = desk.command(&[]);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &script]).current_dir(desk.folder());
    for (name, value) in command.stdin(std::process::Stdio::null()).get_envs() {
        shell.env(name, value.unwrap());
    }
    shell.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let ran = runtime().block_on(async { finish(shell.spawn().unwrap()) });
    assert!(ran.code == 1, "{}: {}", ran.code, ran.stderr);
    assert!(desk.path("people.failures.csv").exists());
}
