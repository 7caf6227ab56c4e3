use std::{
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bellwether_clock::spawn;
use http::{HeaderMap, Method};
use rcgen::{CertificateParams, KeyPair};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::{AddressPolicy, Call, Client, Limits, SystemLookup};

const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";

/// A server on loopback with a certificate of its own for `localhost`.
struct Server {
    address: SocketAddr,
    certificate: CertificateDer<'static>,
}

async fn answer(mut io: impl AsyncRead + AsyncWrite + Unpin) {
    let mut request = [0; 4096];
    if io.read(&mut request).await.is_ok_and(|read| read > 0) {
        io.write_all(ANSWER).await.unwrap();
        // the client may be gone by now
        let _ = io.shutdown().await;
    }
}

impl Server {
    async fn start(tls: bool) -> Self {
        bellwether_server::install_crypto_provider();
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        let certificate = certificate.der().clone();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        spawn("server", async move {
            while let Ok((io, _)) = listener.accept().await {
                match tls {
                    false => answer(io).await,
                    // one that does not trust us goes away
                    true => {
                        if let Ok(io) = acceptor.accept(io).await {
                            answer(io).await;
                        }
                    }
                }
            }
        });
        Self { address, certificate }
    }

    fn call(&self, scheme: &str) -> Call {
        Call {
            method: Method::GET,
            url: format!("{scheme}://localhost:{}/", self.address.port()).parse().unwrap(),
            headers: HeaderMap::new(),
            body: bytes::Bytes::new(),
            timeout: Duration::from_secs(20),
        }
    }
}

fn client(read: Read) -> Client {
    let policy = AddressPolicy::allowing(vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
    Client::with_roots(policy, Limits::default(), SystemLookup, SystemRoots::reading(read)).unwrap()
}

#[tokio::test]
async fn without_any_plain_calls_are_made_and_https_says_what_is_missing() {
    let (plain, secure) = (Server::start(false).await, Server::start(true).await);
    let client = client(Vec::new);
    assert_eq!(client.send(plain.call("http")).await.unwrap().status, 204);
    let refused = client.send(secure.call("https")).await.unwrap_err();
    assert!(matches!(refused, SendError::NoRoots), "{refused}");
    assert!(refused.to_string().contains("install the package ca-certificates"), "{refused}");
}

#[tokio::test]
async fn they_are_looked_for_again_until_there_are_some() {
    static INSTALLED: Mutex<Vec<CertificateDer<'static>>> = Mutex::new(Vec::new());
    let server = Server::start(true).await;
    let client = client(|| INSTALLED.lock().unwrap_or_else(PoisonError::into_inner).clone());
    assert!(matches!(client.send(server.call("https")).await, Err(SendError::NoRoots)));
    *INSTALLED.lock().unwrap() = vec![server.certificate.clone()];
    assert_eq!(client.send(server.call("https")).await.unwrap().status, 204);
}

#[tokio::test]
async fn who_is_not_vouched_for_is_not_called() {
    static TRUSTED: OnceLock<CertificateDer<'static>> = OnceLock::new();
    let (trusted, stranger) = (Server::start(true).await, Server::start(true).await);
    TRUSTED.set(trusted.certificate.clone()).unwrap();
    let client = client(|| TRUSTED.get().cloned().into_iter().collect());
    assert_eq!(client.send(trusted.call("https")).await.unwrap().status, 204);
    let refused = client.send(stranger.call("https")).await.unwrap_err();
    assert!(matches!(refused, SendError::Connect(_)), "{refused}");
}
