//! A service that answers what a test tells it to, down to the bytes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use serde_json::Value;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) number: usize,
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Asked {
    /// The users it carries.
    pub(crate) fn users(&self) -> Vec<String> {
        let list = if self.body.is_array() {
            self.body.as_array().unwrap().clone()
        } else {
            vec![self.body.clone()]
        };
        list.iter()
            .map(|user| user["email"].as_str().or(user["personId"].as_str()).unwrap().to_owned())
            .collect()
    }

    pub(crate) fn token(&self) -> String {
        let line = self
            .head
            .lines()
            .find(|line| line.to_lowercase().starts_with("authorization:"))
            .unwrap_or_default();
        line.split(' ').next_back().unwrap_or_default().to_owned()
    }
}

/// What answers wait at until a test has done what it is about.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn pass(&self) {
        let (is_open, opened) = &*self.0;
        drop(opened.wait_while(is_open.lock().unwrap(), |is_open| !*is_open).unwrap());
    }

    pub(crate) fn open(&self) {
        let (is_open, opened) = &*self.0;
        *is_open.lock().unwrap() = true;
        opened.notify_all();
    }
}

/// An answer: status, further header lines, body. Status 0 closes the connection without a word.
pub(crate) type Answer = (u16, String, String);

pub(crate) fn answer(status: u16, body: impl Into<String>) -> Answer {
    (status, String::new(), body.into())
}

pub(crate) struct Scripted {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Scripted {
    pub(crate) fn start(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, script) = (Arc::clone(&asked), Arc::new(script));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (log, script) = (Arc::clone(&log), Arc::clone(&script));
                thread::spawn(move || serve(stream, &log, script.as_ref()));
            }
        });
        Self { url, asked }
    }

    /// Takes everything, once the gate is open.
    pub(crate) fn behind(gate: &Gate) -> Self {
        let gate = gate.clone();
        Self::start(move |_| {
            gate.pass();
            answer(200, "")
        })
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, log: &Mutex<Vec<Asked>>, script: &dyn Fn(&Asked) -> Answer) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
    let length = head.lines().find_map(|line| {
        line.to_lowercase().strip_prefix("content-length:").map(|length| length.trim().parse().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    if reader.read_exact(&mut body).is_err() || head.is_empty() {
        return;
    }
    let asked = {
        let mut log = log.lock().unwrap();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        let number = log.len() + 1;
        log.push(Asked { number, head, body });
        log.last().unwrap().clone()
    };
    let (status, headers, body) = script(&asked);
    if status == 0 {
        return;
    }
    let length = if headers.to_lowercase().contains("content-length") {
        String::new()
    } else {
        format!("Content-Length: {}\r\n", body.len())
    };
    let text = format!(
        "HTTP/1.1 {status} X\r\nConnection: close\r\ntrackingid: T{}\r\n{length}{headers}\r\n{body}",
        asked.number
    );
    let mut stream = stream;
    let _ = stream.write_all(text.as_bytes());
}

/// A service that refuses its first user and takes everybody else.
pub(crate) fn refusing_one() -> Scripted {
    Scripted::start(|_| answer(206, r#"[{"email":"user1@example.com","error":{"code":"A","message":"no"}}]"#))
}
