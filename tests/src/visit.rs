//! One request of a user.

use std::net::SocketAddr;

use anyhow::Context as _;
use bellwether::demo::shop::VERSION;
use http_body_util::{BodyExt as _, Empty};
use hyper::{Request, body::Bytes};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// What a user got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The HTTP status.
    pub status: u16,
    /// The version that answered; empty: none said so.
    pub version: String,
    /// The cookie that it asks to be sent with the next request, as `name=value`; empty: none.
    pub cookie: String,
    /// The body.
    pub body: String,
}

/// GETs a page with these headers, on a connection of its own.
///
/// # Errors
/// When there is no answer.
pub async fn visit(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<Visit> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = bellwether_clock::spawn("visit", connection);
    let request = Request::get(path).header("host", address.to_string());
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
    let text = |name: &str| -> anyhow::Result<String> {
        let value = response.headers().get(name).map(|value| value.to_str()).transpose()?;
        Ok(value.unwrap_or_default().to_owned())
    };
    let (status, version, cookie) = (response.status().as_u16(), text(VERSION)?, text("set-cookie")?);
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    let body = response.into_body().collect().await.context("no body")?.to_bytes();
    connection.abort();
    Ok(Visit { status, version, cookie, body: String::from_utf8_lossy(&body).into_owned() })
}
