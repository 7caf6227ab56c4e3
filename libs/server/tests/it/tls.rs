//! TLS, and its certificate's renewal under a running server.

use std::{fs, path::Path, time::Duration};

use bellwether_server::{TlsFiles, install_crypto_provider};
use tonic::transport::{Certificate, Channel, ClientTlsConfig};

use crate::harness::{Running, config, request, start_with, unary};

/// Writes a new self-signed certificate and returns it.
fn renew(dir: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(dir.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    fs::write(dir.join("cert.pem"), made.cert.pem()).unwrap();
    made.cert.pem()
}

async fn connect(server: &Running, trusted: &str) -> Option<Channel> {
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(trusted)).domain_name("localhost");
    let endpoint = Channel::from_shared(format!("https://{}", server.address)).unwrap();
    endpoint.tls_config(tls).unwrap().connect().await.ok()
}

#[tokio::test]
async fn a_renewed_certificate_is_served_without_a_restart() {
    install_crypto_provider();
    let dir = tempfile::tempdir().unwrap();
    let first = renew(dir.path());
    let mut config = config(&dir);
    config.tls = Some(TlsFiles { certificate: dir.path().join("cert.pem"), key: dir.path().join("key.pem") });
    let server = start_with(dir, config).await;
    let open = connect(&server, &first).await.unwrap();
    assert_eq!(unary(&open, "Echo", request(b"x")).await.unwrap().into_inner(), b"x");

    fs::write(server.dir.path().join("key.pem"), "half a key").unwrap();
    let second = renew(server.dir.path());
    let mut every = tokio::time::interval(Duration::from_millis(5));
    while connect(&server, &second).await.is_none() {
        every.tick().await;
    }
    assert!(connect(&server, &first).await.is_none(), "the old one is gone");
    assert!(unary(&open, "Echo", request(b"x")).await.is_ok(), "open connections stay");
    server.stop().await;
}
