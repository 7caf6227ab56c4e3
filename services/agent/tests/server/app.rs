//! A small application: says who it is, and does on request what applications do.

use std::{
    convert::Infallible,
    pin::pin,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use bellwether_clock::spawn;
use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{body::Incoming, service::service_fn, upgrade};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::sleep,
};

/// Answers its live check no more.
static HANGING: AtomicBool = AtomicBool::new(false);

type Body = BoxBody<Bytes, hyper::Error>;

/// Serves until the listener fails or `/exit` is asked for.
pub async fn serve(listener: TcpListener, name: String) {
    while let Ok((stream, _)) = listener.accept().await {
        let name = name.clone();
        spawn("application", async move {
            let service = service_fn(move |request| answer(name.clone(), request));
            let server = auto::Builder::new(TokioExecutor::new());
            let connection = server.serve_connection_with_upgrades(TokioIo::new(stream), service);
            let _ = pin!(connection).await;
        });
    }
}

async fn answer(name: String, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path().to_owned();
    let mut words = path.trim_start_matches('/').split('/');
    let (what, number) = (words.next().unwrap_or_default(), words.next().and_then(|word| word.parse().ok()));
    let mut response = match what {
        "status" => {
            let mut response = text(format!("{name}\n"));
            *response.status_mut() = StatusCode::from_u16(number.unwrap_or(200)).unwrap_or(StatusCode::OK);
            response
        }
        "slow" => {
            sleep(Duration::from_millis(number.unwrap_or(100).into())).await;
            text(name.clone())
        }
        "echo" => Response::new(request.into_body().boxed()),
        "ticks" => Response::new(ticks(number.unwrap_or(10).into()).boxed()),
        "events" => {
            let mut response = Response::new(ticks(number.unwrap_or(10).into()).boxed());
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            response
        }
        "say" => {
            println!("{}", words.next().unwrap_or("hello"));
            text(name.clone())
        }
        "eat" => {
            // a byte other than zero makes the pages real
            std::mem::forget(vec![1_u8; number.map_or(0, usize::from) << 20]);
            text(name.clone())
        }
        "spin" => {
            std::thread::spawn(|| {
                loop {
                    std::hint::spin_loop();
                }
            });
            text(name.clone())
        }
        "hang" => {
            HANGING.store(true, Relaxed);
            text(name.clone())
        }
        "live" if HANGING.load(Relaxed) => std::future::pending().await,
        "flood" => Response::new(flood().boxed()),
        "headers" => text(format!("{:?}", request.headers())),
        "upgrade" => upgraded(request),
        "grpc" => grpc(request).await,
        "exit" => std::process::exit(number.unwrap_or(0).into()),
        "break" => broken(),
        _ => text(name.clone()),
    };
    if let Ok(name) = HeaderValue::from_str(&name) {
        response.headers_mut().insert("x-served-by", name);
    }
    Ok(response)
}

fn text(text: String) -> Response<Body> {
    Response::new(Full::from(text).map_err(|never| match never {}).boxed())
}

/// One chunk every 20 ms.
fn ticks(count: u64) -> StreamBody<impl stream::Stream<Item = Result<Frame<Bytes>, hyper::Error>>> {
    StreamBody::new(stream::unfold(0, move |tick| async move {
        sleep(Duration::from_millis(20)).await;
        if tick == count {
            return None;
        }
        Some((Ok(Frame::data(Bytes::from(format!("tick {tick}\n")))), tick + 1))
    }))
}

/// As much as anybody takes.
fn flood() -> StreamBody<impl stream::Stream<Item = Result<Frame<Bytes>, hyper::Error>>> {
    let chunk = Bytes::from_static(&[b'x'; 64 * 1024]);
    StreamBody::new(stream::repeat_with(move || Ok(Frame::data(chunk.clone()))))
}

/// Promises more than it sends.
fn broken() -> Response<Body> {
    let mut response = Response::new(ticks(1).boxed());
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("80"));
    response
}

/// Switches to a protocol that sends back what it gets.
fn upgraded(request: Request<Incoming>) -> Response<Body> {
    let protocol = request.headers().get(header::UPGRADE).cloned();
    spawn("upgraded", async move {
        let Ok(stream) = upgrade::on(request).await else {
            return;
        };
        let mut stream = TokioIo::new(stream);
        let mut buffer = [0; 1024];
        while let Ok(read) = stream.read(&mut buffer).await
            && read > 0
            && stream.write_all(&buffer[..read]).await.is_ok()
        {}
    });
    let mut response = text(String::new());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    response.headers_mut().insert(header::UPGRADE, protocol.unwrap_or(HeaderValue::from_static("none")));
    response
}

/// Sends the message back, then the status that the request asks for.
async fn grpc(request: Request<Incoming>) -> Response<Body> {
    let wanted = request.headers().get("x-grpc-status").cloned().unwrap_or(HeaderValue::from_static("0"));
    let message = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let trailers = HeaderMap::from_iter([(header::HeaderName::from_static("grpc-status"), wanted)]);
    let frames = [Ok(Frame::data(message)), Ok(Frame::trailers(trailers))];
    let mut response = Response::new(StreamBody::new(stream::iter(frames)).boxed());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}
