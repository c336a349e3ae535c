//! The way to the service: proxies, trust, name resolution, and what a connection that fails means.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::CertificateError;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::BaseUrl;
use super::trust::{self, Authorities, Distrusted};
use crate::domain::{Printable, Prospect, Unconnected};

/// What the user and the machine say of the way to the service.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Authorities whose certificates are trusted beside the system's.
    pub authorities: Authorities,
    /// What named the proxy, where there is one: a variable, usually.
    pub proxy_named_by: Option<String>,
}

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no store of certificates.
    #[error(
        "this machine has no store of trusted certificates (or SSL_CERT_FILE names none); install one, the package \
         ca-certificates on most systems, or name the certificates to trust with --ca-file"
    )]
    NothingTrusted,
    /// Another reason.
    #[error("cannot set up the HTTP client")]
    Other(#[from] reqwest::Error),
}

/// How long making a connection may take: what is in the way is told within ten seconds.
const CONNECT: Duration = Duration::from_secs(8);

/// How long somebody in the way is asked what is the matter.
const ASK: Duration = Duration::from_secs(2);

/// Why a request has no answer.
pub(super) enum NoAnswer {
    /// It surely did not reach the service.
    NotSent(Unconnected),
    /// It may have.
    Lost(String),
}

/// Connections to one base, and what is known of the way there.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) http: reqwest::Client,
    way: Arc<Way>,
}

#[derive(Debug)]
struct Way {
    /// Host and port of the base.
    host: String,
    is_plain: bool,
    /// Whether anything has been answered.
    spoke: AtomicBool,
    proxy: Option<Proxy>,
    distrusted: Distrusted,
}

struct Proxy {
    intercept: Intercept,
    /// The variable, or what else names it.
    named_by: String,
}

impl fmt::Debug for Proxy {
    /// Its address may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("named_by", &self.named_by).finish_non_exhaustive()
    }
}

impl Proxy {
    fn host(&self) -> &str {
        self.intercept.uri().host().unwrap_or_default()
    }

    fn is_tunnel_in_the_clear(&self) -> bool {
        self.intercept.uri().scheme_str() == Some("http")
    }
}

impl fmt::Display for Proxy {
    /// Where it is and who says so, without its password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = self.intercept.uri();
        write!(f, "the proxy {}://{}", uri.scheme_str().unwrap_or("http"), self.host())?;
        uri.port_u16().iter().try_for_each(|port| write!(f, ":{port}"))?;
        write!(f, " (from {})", self.named_by)
    }
}

impl Route {
    /// Requests to one base that end after `limit`, follow nothing and are never made again by themselves.
    pub(super) fn new(
        base: &BaseUrl,
        network: &Network,
        limit: Duration,
        idle: usize,
    ) -> Result<Self, ClientError> {
        // Only the first call of a process sets it; all of ours set the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let distrusted = Distrusted::default();
        let tls = if base.is_plain() {
            trust::nobody()
        } else {
            trust::system_and(&network.authorities, &distrusted)
                .map_err(|trust::NothingTrusted| ClientError::NothingTrusted)?
        };
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("seatbatch/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls)
            .dns_resolver(Arc::new(Resolver))
            .timeout(limit)
            .connect_timeout(limit.min(CONNECT))
            .pool_idle_timeout(Duration::from_secs(8))
            // Each takes a file handle, and no more than are in use at once are worth one.
            .pool_max_idle_per_host(idle)
            .tcp_nodelay(true)
            // The token must not follow to another place.
            .redirect(reqwest::redirect::Policy::none())
            // What is sent again is journaled first, so it is decided elsewhere.
            .retry(reqwest::retry::never());
        builder = if base.is_loopback() { builder.no_proxy() } else { builder.https_only(true) };
        let way = Way {
            host: base.host_and_port(),
            is_plain: base.is_plain(),
            spoke: AtomicBool::new(false),
            proxy: if base.is_loopback() { None } else { proxy_to(base, network) },
            distrusted,
        };
        Ok(Self { http: builder.build()?, way: Arc::new(way) })
    }

    /// Why a request has no answer.
    pub(super) async fn failed(&self, error: &reqwest::Error) -> NoAnswer {
        if error.is_connect() {
            let obstacle = match Obstacle::of(error) {
                Obstacle::TunnelRefused => Obstacle::ProxyRefused(self.ask_proxy().await),
                other => other,
            };
            return NoAnswer::NotSent(self.way.told(&obstacle));
        }
        // What has left may have been done, however the answer broke: only who speaks TLS there has surely not read
        // it.
        if self.way.is_plain && !self.has_spoken() && self.speaks_tls().await {
            return NoAnswer::NotSent(self.way.told(&Obstacle::NoHttp));
        }
        NoAnswer::Lost(lost(error))
    }

    /// Takes in that an answer came.
    pub(super) fn spoke(&self) {
        self.way.spoke.store(true, Ordering::Relaxed);
    }

    fn has_spoken(&self) -> bool {
        self.way.spoke.load(Ordering::Relaxed)
    }

    /// Whether a server that has no answer to a request in the clear takes part in a TLS handshake.
    async fn speaks_tls(&self) -> bool {
        const ALERT: u8 = 0x15;
        const HANDSHAKE: u8 = 0x16;
        let Ok(name) = ServerName::try_from("localhost") else { return false };
        let Ok(mut tls) = rustls::ClientConnection::new(Arc::new(trust::nobody()), name) else {
            return false;
        };
        let mut hello = Vec::new();
        let answered = timeout(ASK, async {
            tls.write_tls(&mut hello)?;
            let mut stream = TcpStream::connect(&self.way.host).await?;
            stream.write_all(&hello).await?;
            stream.read_u8().await
        });
        matches!(answered.await, Ok(Ok(ALERT | HANDSHAKE)))
    }

    /// What the proxy answers to the wish for a tunnel: the error does not say it.
    async fn ask_proxy(&self) -> Option<u16> {
        let proxy = self.way.proxy.as_ref().filter(|proxy| proxy.is_tunnel_in_the_clear())?;
        let asked = timeout(ASK, async {
            let address = (proxy.host(), proxy.intercept.uri().port_u16().unwrap_or(80));
            let mut stream = TcpStream::connect(address).await?;
            let host = &self.way.host;
            let login = proxy.intercept.basic_auth().and_then(|value| value.to_str().ok());
            let login = login.map_or_else(String::new, |login| format!("Proxy-Authorization: {login}\r\n"));
            stream
                .write_all(format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n{login}\r\n").as_bytes())
                .await?;
            let mut head = [0; 12];
            stream.read_exact(&mut head).await.map(|_| head)
        });
        let head = asked.await.ok()?.ok()?;
        // `HTTP/1.1 403`
        std::str::from_utf8(head.get(9..)?).ok()?.parse().ok()
    }
}

fn proxy_to(base: &BaseUrl, network: &Network) -> Option<Proxy> {
    let intercept = Matcher::from_system().intercept(&base.to_string().parse().ok()?)?;
    let named_by = network.proxy_named_by.clone().unwrap_or_else(|| "the system's settings".to_owned());
    Some(Proxy { intercept, named_by })
}

/// The names of hosts, as the system resolves them; an error says which name it was.
#[derive(Debug)]
struct Resolver;

#[derive(Debug, thiserror::Error)]
#[error("the name {host} does not resolve")]
struct UnresolvedHost {
    host: String,
    source: io::Error,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await.map(Iterator::collect::<Vec<_>>);
            match found {
                Ok(addresses) => Ok(Box::new(addresses.into_iter()) as Addrs),
                Err(source) => Err(UnresolvedHost { host, source }.into()),
            }
        })
    }
}

/// What is in the way of a connection.
#[derive(Debug, Clone, PartialEq)]
enum Obstacle {
    Unresolved(String),
    Certificate(CertificateError),
    NoTls,
    NoHttp,
    ProxyLogin,
    /// By a proxy, for a reason that it was not asked for yet.
    TunnelRefused,
    /// With this status.
    ProxyRefused(Option<u16>),
    Refused,
    TimedOut,
    NoNetwork,
    Other,
}

impl Obstacle {
    fn of(error: &reqwest::Error) -> Self {
        let timed_out = if error.is_timeout() { Self::TimedOut } else { Self::Other };
        causes(error).into_iter().find_map(Self::named).unwrap_or(timed_out)
    }

    fn named(cause: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(UnresolvedHost { host, .. }) = cause.downcast_ref() {
            return Some(Self::Unresolved(host.clone()));
        }
        if let Some(error) = cause.downcast_ref::<rustls::Error>() {
            return match error {
                rustls::Error::InvalidCertificate(error) => Some(Self::Certificate(error.clone())),
                rustls::Error::InvalidMessage(_) => Some(Self::NoTls),
                _ => None,
            };
        }
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            return match error.kind() {
                io::ErrorKind::ConnectionRefused => Some(Self::Refused),
                io::ErrorKind::TimedOut => Some(Self::TimedOut),
                io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkDown
                | io::ErrorKind::AddrNotAvailable => Some(Self::NoNetwork),
                _ => None,
            };
        }
        // The type of these is nobody else's to see.
        match cause.to_string().as_str() {
            "tunnel error: proxy authorization required" => Some(Self::ProxyLogin),
            "tunnel error: unsuccessful" => Some(Self::TunnelRefused),
            _ => None,
        }
    }
}

/// An error and all that is behind it. An I/O error that wraps another hides it from its own sources.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut all = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        all.push(cause);
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped as &(dyn Error + 'static)),
            None => cause.source(),
        };
    }
    all
}

impl Way {
    /// What is in the way, with its remedy.
    fn told(&self, obstacle: &Obstacle) -> Unconnected {
        let Self { host, proxy, .. } = self;
        let through = proxy.as_ref().map_or_else(String::new, |proxy| format!(" through {proxy}"));
        let hopeless = |reason| Unconnected { reason, prospect: Prospect::Hopeless };
        let doubtful = |reason| Unconnected { reason, prospect: Prospect::Doubtful };
        let passing = |reason| Unconnected { reason, prospect: Prospect::Passing };
        match (obstacle, proxy) {
            (Obstacle::Certificate(error), _) => hopeless(self.distrust(error, &through)),
            (Obstacle::NoTls, _) => hopeless(format!(
                "{host}{through} does not speak https: something speaks http there, or another protocol; correct \
                 --base-url, its scheme and its port"
            )),
            (Obstacle::NoHttp, _) => hopeless(format!(
                "{host} does not speak http: something speaks https there; correct --base-url, its scheme and its port"
            )),
            (Obstacle::ProxyLogin, Some(proxy)) => hopeless(format!(
                "{proxy} wants a login before it connects to {host} (HTTP 407); give it there, as in \
                 http://USER:PASSWORD@PROXY:PORT. Logins by NTLM or Kerberos need a helper on this machine, such as \
                 px or cntlm"
            )),
            (Obstacle::ProxyRefused(Some(status @ 500..)), Some(proxy)) => {
                passing(format!("{proxy} does not reach {host} (HTTP {status})"))
            }
            (Obstacle::ProxyRefused(status), Some(proxy)) => {
                let status = status.map_or_else(String::new, |status| format!(" (HTTP {status})"));
                hopeless(format!(
                    "{proxy} refuses to connect to {host}{status}; have it allowed there, or name the host in \
                     NO_PROXY where it can be reached without a proxy"
                ))
            }
            (Obstacle::Unresolved(name), Some(proxy)) if proxy.host() == name => {
                doubtful(format!("the name of {proxy} does not resolve; correct it, or take it out"))
            }
            (Obstacle::Unresolved(name), _) => doubtful(format!(
                "the name {name} does not resolve; correct --base-url, look at this machine's DNS, or set HTTPS_PROXY \
                 where the company has a proxy"
            )),
            (Obstacle::Refused, Some(proxy)) => {
                doubtful(format!("nothing listens at {proxy}; correct it, start it, or take it out"))
            }
            (Obstacle::Refused, None) => passing(format!("nothing listens at {host} (connection refused)")),
            (Obstacle::TimedOut, _) => passing(format!("no connection to {host}{through} in time")),
            (Obstacle::NoNetwork, _) => passing(format!("the network does not lead to {host}{through}")),
            (_, _) => passing(format!("no connection to {host}{through}: it was closed at its start")),
        }
    }

    fn distrust(&self, error: &CertificateError, through: &str) -> String {
        let host = &self.host;
        let issuer = self.distrusted.issuer();
        let issuer = issuer.as_deref().map_or_else(String::new, |issuer| format!(" ({})", Printable(issuer)));
        let shown = format!("the certificate that {host} shows{through}");
        match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                format!(
                    "{shown} has expired; look at this machine's clock, then ask whoever runs the service or the proxy"
                )
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                format!("{shown} is not valid yet; look at this machine's clock")
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!("{shown} is for another name; correct --base-url, or ask who answers in its place")
            }
            CertificateError::UnknownIssuer => format!(
                "{shown} is from an issuer{issuer} that this machine does not trust; where it is your company's \
                 inspection, name its certificate with --ca-file PEM or in SSL_CERT_FILE, or add it to the system's store"
            ),
            _ => format!(
                "{shown} is not accepted; where its issuer{issuer} is your company's, name its certificate with \
                 --ca-file PEM"
            ),
        }
    }
}

/// Why a request that left has no answer.
pub(super) fn lost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let causes = causes(error);
    let is_no_http = |cause: &&(dyn Error + 'static)| {
        cause.downcast_ref().is_some_and(|error: &hyper::Error| error.is_parse())
    };
    if causes.iter().any(is_no_http) {
        return "an answer came that is not http, or not whole: its status or a header cannot be read"
            .to_owned();
    }
    let kinds = causes.into_iter().filter_map(|cause| cause.downcast_ref::<io::Error>());
    match kinds.map(io::Error::kind).next() {
        Some(
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe,
        ) => "the connection was cut before the answer".to_owned(),
        Some(io::ErrorKind::UnexpectedEof) => "the answer broke off".to_owned(),
        _ => "the connection was closed before the whole answer".to_owned(),
    }
}
