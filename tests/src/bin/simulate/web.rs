//! Webhooks: the notifier's calls over the simulated network, and the receiver at their other end.

use std::convert::Infallible;

use async_trait::async_trait;
use bellwether_clock::spawn;
use bellwether_egress::{Answer, Call, Exchange, SendError};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1 as client,
    header::HOST,
    server::conn::http1 as server,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use turmoil::net::{TcpListener, TcpStream};

use crate::{net::PORT, world::World};

/// Makes calls over the simulated network.
pub(crate) struct Wire;

/// Where the receiver is called.
pub(crate) fn receiver_url() -> String {
    format!("http://{}:{PORT}/hook", World::RECEIVER)
}

// === impl Wire ===

#[async_trait]
impl Exchange for Wire {
    async fn exchange(&self, call: Call) -> Result<Answer, SendError> {
        let made = tokio::time::timeout(call.timeout, exchange(&call)).await;
        // whatever was lost on the way may have arrived
        made.map_err(|_| SendError::Timeout)?.map_err(|_| SendError::Timeout)
    }
}

async fn exchange(call: &Call) -> anyhow::Result<Answer> {
    let host = call.url.host_str().unwrap_or_default().to_owned();
    let port = call.url.port_or_known_default().unwrap_or(PORT);
    let stream = TcpStream::connect((host.clone(), port)).await?;
    let (mut sender, connection) = client::handshake(TokioIo::new(stream)).await?;
    let connection = spawn("webhook-connection", connection);
    let mut request = Request::new(Full::new(call.body.clone()));
    *request.method_mut() = call.method.clone();
    *request.uri_mut() = call.url.path().parse()?;
    *request.headers_mut() = call.headers.clone();
    request.headers_mut().insert(HOST, host.parse()?);
    let response = sender.send_request(request).await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.into_body().collect().await?.to_bytes();
    connection.abort();
    Ok(Answer { status, headers, body, truncated: false })
}

/// Keeps every message by the id that receivers deduplicate by.
pub(crate) async fn receive(world: World) -> anyhow::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let world = world.clone();
        let service = service_fn(move |request| {
            let world = world.clone();
            async move { Ok::<_, Infallible>(keep(&world, request).await) }
        });
        spawn("receiver-connection", async move {
            // a notifier that crashes leaves in the middle
            let _ = server::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn keep(world: &World, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let id =
        request.headers().get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    let body = request.into_body().collect().await.map(|body| body.to_bytes());
    let mut response = Response::new(Full::default());
    match body.map(|body| serde_json::from_slice(&body)) {
        Ok(Ok(message)) => {
            world.trace().line(World::RECEIVER, format_args!("{id} {message}"));
            world.received().entry(id).or_default().push(message);
        }
        Ok(Err(_)) | Err(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    response
}
