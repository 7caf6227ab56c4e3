//! The hands of the platform in memory: what a person, or bad luck, does to it.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use http_body_util::{BodyExt as _, Empty};
use hyper::{Method, Request, body::Bytes};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::stack::Stack;

/// The hands.
#[derive(Debug, Clone, Copy)]
pub struct Hands {
    address: SocketAddr,
}

// === impl Hands ===

impl Hands {
    /// On the platform of this stack.
    pub fn on(stack: &Stack) -> Self {
        Self { address: stack.fake_control() }
    }

    /// Routes of this target are refused, for this reason without spaces; none: they are taken again.
    ///
    /// # Errors
    /// When the platform does not answer.
    pub async fn refuse_routes(&self, target: &str, why: Option<&str>) -> anyhow::Result<()> {
        let why = why.map(|why| format!("&why={why}")).unwrap_or_default();
        self.call(Method::POST, &format!("/refuse_routes?target={target}{why}")).await.map(drop)
    }

    /// What happened to this target.
    ///
    /// # Errors
    /// When the platform does not answer.
    pub async fn state(&self, target: &str) -> anyhow::Result<serde_json::Value> {
        let body = self.call(Method::GET, &format!("/state?target={target}")).await?;
        Ok(serde_json::from_slice(&body)?)
    }

    async fn call(&self, method: Method, path: &str) -> anyhow::Result<Bytes> {
        let stream = TcpStream::connect(self.address).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = bellwether_clock::spawn("hands", connection);
        let request = Request::builder().method(method).uri(path).header("host", self.address.to_string());
        let response = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
        ensure!(response.status().is_success(), "{path}: {}", response.status());
        let body = response.into_body().collect().await.context("no body")?.to_bytes();
        connection.abort();
        Ok(body)
    }
}
