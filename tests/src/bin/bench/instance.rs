//! The application whose instances are behind the gateways: quick answers, and streams that take a while.

use std::{convert::Infallible, net::SocketAddr, pin::pin, time::Duration};

use anyhow::Context as _;
use bellwether_clock::spawn;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Request, Response,
    body::{Bytes, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};

/// The word that this program is started with as an instance.
pub const WORD: &str = "instance";
/// Parts of a stream.
pub const PARTS: usize = 30;
/// One part.
pub const PART: &[u8] = b"tick\n";
/// Between two parts: a stream takes 600 ms.
const EVERY: Duration = Duration::from_millis(20);

type Body = BoxBody<Bytes, Infallible>;

/// Serves on `PORT` until SIGTERM, then finishes what it has.
///
/// # Errors
/// When the port cannot be listened on.
pub fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve())
}

async fn serve() -> anyhow::Result<()> {
    let port: u16 = std::env::var("PORT").context("no PORT is given")?.parse()?;
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (stop, stopped) = watch::channel(());
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                spawn("connection", connection(stream, stopped.clone()));
            }
        }
    }
    drop((listener, stopped));
    // every connection holds a receiver until its last request is answered
    stop.send_replace(());
    stop.closed().await;
    Ok(())
}

async fn connection(stream: TcpStream, mut stopped: watch::Receiver<()>) {
    // without it small answers wait for acknowledgements
    let _ = stream.set_nodelay(true);
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service_fn(answer))
    );
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    Ok(Response::new(match request.uri().path() {
        "/stream" => ticks(),
        _ => Full::from(&b"{\"items\":[\"bell\",\"rope\",\"sheep\"]}"[..]).boxed(),
    }))
}

fn ticks() -> Body {
    let (sender, parts) = mpsc::channel(1);
    spawn("ticks", async move {
        for _ in 0..PARTS {
            tokio::time::sleep(EVERY).await;
            if sender.send(Bytes::from_static(PART)).await.is_err() {
                return;
            }
        }
    });
    BodyExt::boxed(StreamBody::new(ReceiverStream::new(parts).map(|part| Ok(Frame::data(part)))))
}
