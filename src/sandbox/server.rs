//! The HTTP server.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::rejection::FormRejection;
use axum::extract::{Query, State as Shared};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::Response;
use axum::routing::{get, patch, post};
use axum::{Form, Router};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use super::assigning::assign;
use super::log::Requests;
use super::organization::UserState;
use super::reading::{list, show};
use super::reply::{HangUp, TRACKING_ID, answered, error, finished, with_header};
use super::tokens::Reply;
use super::world::{Options, World};

/// The sandbox cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// Another machine could reach it.
    #[error("{0} can be reached from other machines; say --public if that is meant")]
    NotLoopback(IpAddr),
    /// The address cannot be used.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// A running sandbox. It ends when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    world: Arc<World>,
    task: JoinHandle<()>,
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Sandbox {
    /// Starts it on the current runtime.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub async fn start(options: Options) -> Result<Self, SandboxError> {
        let address = options.listen;
        if !address.ip().is_loopback() && !options.public {
            return Err(SandboxError::NotLoopback(address.ip()));
        }
        let wrong = |source| SandboxError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(wrong)?;
        let address = listener.local_addr().map_err(wrong)?;
        let world = Arc::new(World::new(options));
        let task = tokio::spawn(accept(listener, Arc::clone(&world)));
        Ok(Self { address, world, task })
    }

    /// The base URL of its API.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What the user holds now.
    #[must_use]
    pub fn user(&self, email: &str) -> Option<UserState> {
        self.world.organization().user(email)
    }

    /// Everything the organization holds now.
    #[must_use]
    pub fn state(&self) -> super::OrganizationState {
        self.world.organization().state()
    }

    /// Ends all access tokens at once.
    pub fn revoke_tokens(&self) {
        self.world.tokens.revoke();
    }

    /// How many access tokens its token endpoints have given out.
    #[must_use]
    pub fn tokens_given(&self) -> u32 {
        self.world.tokens.given()
    }

    /// What was asked of it.
    #[must_use]
    pub fn requests(&self) -> &Requests {
        &self.world.requests
    }

    /// Runs until its task ends, which it does not by itself.
    pub async fn serve(&mut self) {
        let _ = (&mut self.task).await;
    }
}

async fn accept(listener: TcpListener, world: Arc<World>) {
    let router = router(Arc::clone(&world));
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, router.clone(), Arc::clone(&world)))),
            // Out of file handles, most likely: give the others time to close some.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(stream: TcpStream, router: Router, world: Arc<World>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let (router, world) = (router.clone(), Arc::clone(&world));
        async move {
            let response = router.oneshot(request).await.unwrap_or_else(|never: Infallible| match never {});
            // An error here closes the connection without a word.
            match response.extensions().get::<HangUp>() {
                Some(HangUp) => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
                None => Ok(finished(tracked(&world, response))),
            }
        }
    });
    let _ =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// Every answer has a tracking ID; those to a `PATCH` bring their own.
fn tracked(world: &World, response: Response) -> Response {
    if response.headers().contains_key(TRACKING_ID) {
        return response;
    }
    let number = world.others.fetch_add(1, Ordering::Relaxed) + 1;
    with_header(response, TRACKING_ID, &format!("SANDBOX_READ_{number:08}"))
}

fn router(world: Arc<World>) -> Router {
    Router::new()
        .route("/v1/licenses", get(list))
        .route("/v1/licenses/users", patch(assign))
        .route("/v1/licenses/{id}", get(show))
        .route("/v1/access_token", post(access_token))
        .route("/v1/device/authorize", post(authorize_device))
        .route("/v1/device/token", post(device_token))
        .route("/v1/device/activate", get(activate))
        .route("/sandbox/state", get(state))
        .route("/sandbox/requests", get(requests))
        .fallback(no_such_place)
        .method_not_allowed_fallback(no_such_method)
        .with_state(world)
}

async fn no_such_place(uri: Uri) -> Response {
    error(StatusCode::NOT_FOUND, &format!("There is nothing at {}", uri.path()), None)
}

async fn no_such_method(method: Method, uri: Uri) -> Response {
    let message = format!("{method} is not supported at {}", uri.path());
    error(StatusCode::METHOD_NOT_ALLOWED, &message, None)
}

/// The organization's whole state, as an organization file; for whoever checks what came of a run.
async fn state(Shared(world): Shared<Arc<World>>) -> Response {
    let state = world.organization().state();
    answered(StatusCode::OK, &serde_json::to_value(state).unwrap_or_default())
}

/// Every `PATCH` so far.
async fn requests(Shared(world): Shared<Arc<World>>) -> Response {
    answered(StatusCode::OK, &serde_json::to_value(world.requests.all()).unwrap_or_default())
}

type FormFields = Result<Form<HashMap<String, String>>, FormRejection>;

fn fields(form: FormFields) -> HashMap<String, String> {
    form.map(|Form(fields)| fields).unwrap_or_default()
}

async fn access_token(Shared(world): Shared<Arc<World>>, form: FormFields) -> Response {
    replied(world.tokens.refresh(&fields(form)))
}

async fn authorize_device(
    Shared(world): Shared<Arc<World>>,
    headers: HeaderMap,
    form: FormFields,
) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    replied(world.tokens.authorize_device(&fields(form), &format!("http://{host}/v1")))
}

async fn device_token(Shared(world): Shared<Arc<World>>, form: FormFields) -> Response {
    replied(world.tokens.device_token(&fields(form)))
}

async fn activate(
    Shared(world): Shared<Arc<World>>,
    Query(query): Query<HashMap<String, String>>,
) -> (StatusCode, &'static str) {
    let code = query.get("user_code").map(String::as_str).unwrap_or_default();
    if world.tokens.agree(code) {
        (StatusCode::OK, "You have agreed. Go back to the terminal.\n")
    } else {
        (StatusCode::NOT_FOUND, "There is no such code.\n")
    }
}

fn replied((status, body): Reply) -> Response {
    answered(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &body)
}
