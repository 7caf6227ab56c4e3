//! A server that hooks call: it remembers who called, and can refuse or say nothing.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use bellwether_clock::spawn;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, StatusCode, body::Bytes, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinHandle};

/// Calls here are refused.
const FAILS: &str = "/fails";
/// Calls here get no answer.
const HANGS: &str = "/hangs";

/// A call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The name of the hook.
    pub hook: String,
    /// Whether it undoes an earlier one.
    pub undo: bool,
    /// The key of the call.
    pub key: String,
}

#[derive(Default)]
struct Seen {
    calls: Vec<Call>,
    given_up: usize,
}

type Shared = Arc<Mutex<Seen>>;

/// The server; it ends when it is dropped.
pub struct Hooks {
    address: SocketAddr,
    seen: Shared,
    task: JoinHandle<()>,
}

/// Counts a call whose caller goes away before there is an answer.
struct Unanswered(Shared);

// === impl Hooks ===

impl Hooks {
    /// Listens on a free port.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let (address, seen) = (listener.local_addr()?, Shared::default());
        let task = spawn("hooks", serve(listener, seen.clone()));
        Ok(Self { address, seen, task })
    }

    /// Where calls are answered well.
    pub fn works(&self) -> String {
        format!("http://{}/works", self.address)
    }

    /// Where calls are refused.
    pub fn fails(&self) -> String {
        format!("http://{}{FAILS}", self.address)
    }

    /// Where calls get no answer.
    pub fn hangs(&self) -> String {
        format!("http://{}{HANGS}", self.address)
    }

    /// The calls in the order in which they came, and how many of those without an answer were given up.
    pub fn calls(&self) -> (Vec<Call>, usize) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.calls.clone(), seen.given_up)
    }
}

impl Drop for Hooks {
    fn drop(&mut self) {
        self.task.abort();
    }
}

// === impl Unanswered ===

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).given_up += 1;
    }
}

async fn serve(listener: TcpListener, seen: Shared) {
    while let Ok((stream, _)) = listener.accept().await {
        let seen = seen.clone();
        let service = service_fn(move |request| {
            let seen = seen.clone();
            async move { Ok::<_, Infallible>(called(request, seen).await) }
        });
        spawn("hooks-connection", async move {
            // a caller that gives up leaves in the middle
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn called(request: Request<Incoming>, seen: Shared) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let key = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut response = Response::new(Full::default());
    let Some(call) = key.and_then(|key| read(&body, key)) else {
        *response.status_mut() = StatusCode::BAD_REQUEST;
        return response;
    };
    seen.lock().unwrap_or_else(PoisonError::into_inner).calls.push(call);
    match path.as_str() {
        HANGS => {
            let _unanswered = Unanswered(seen);
            std::future::pending::<()>().await;
        }
        FAILS => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
        _ => {}
    }
    response
}

/// A call whose body says what its header says.
fn read(body: &[u8], key: String) -> Option<Call> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let hook = body.get("hook")?.as_str()?.to_owned();
    let undo = body.get("undo")?.as_bool()?;
    (body.get("idempotency_key")?.as_str()? == key).then_some(Call { hook, undo, key })
}
