//! A webhook receiver that keeps every message once, by its `webhook-id`, as receivers are told to.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use bellwether_clock::spawn;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinHandle};

type Kept = Arc<Mutex<BTreeMap<String, Vec<serde_json::Value>>>>;

/// The receiver; it ends when it is dropped.
pub struct Receiver {
    address: SocketAddr,
    kept: Kept,
    task: JoinHandle<()>,
}

// === impl Receiver ===

impl Receiver {
    /// Listens on a free port.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let (address, kept) = (listener.local_addr()?, Kept::default());
        let task = spawn("receiver", serve(listener, kept.clone()));
        Ok(Self { address, kept, task })
    }

    /// Where messages go.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// The messages by their id, each with every body that came under it.
    pub fn kept(&self) -> BTreeMap<String, Vec<serde_json::Value>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, kept: Kept) {
    while let Ok((stream, _)) = listener.accept().await {
        let kept = kept.clone();
        let service = service_fn(move |request| {
            let kept = kept.clone();
            async move { Ok::<_, Infallible>(keep(request, &kept).await) }
        });
        spawn("receiver-connection", async move {
            // a notifier that is killed leaves in the middle
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn keep(request: Request<Incoming>, kept: &Kept) -> Response<Full<Bytes>> {
    let id =
        request.headers().get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    let whole = request.into_body().collect().await.map(|body| body.to_bytes());
    let mut response = Response::new(Full::default());
    match whole.map(|body| serde_json::from_slice(&body)) {
        Ok(Ok(message)) => {
            kept.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default().push(message);
        }
        Ok(Err(_)) | Err(_) => *response.status_mut() = hyper::StatusCode::BAD_REQUEST,
    }
    response
}
