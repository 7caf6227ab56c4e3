//! TLS by files that change.

use std::{path::Path, process::Command, sync::Arc};

use bellwether_agent::gateway::Tls;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::kit::{Gateway, Instance, until};

/// Writes a certificate for localhost and its key; false where openssl is not installed.
fn certificate(directory: &Path) -> bool {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(directory.join("key.pem"))
        .arg("-out")
        .arg(directory.join("certificate.pem"))
        .output();
    made.is_ok_and(|made| made.status.success())
}

/// The answer to a request over TLS that trusts the certificate now in the directory.
async fn get(gateway: &Gateway, directory: &Path, alpn: &str) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(directory.join("certificate.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
    let stream = TcpStream::connect(gateway.listen).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(alpn.as_bytes()));
    stream.write_all(b"GET /headers HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn a_changed_certificate_is_taken_up() {
    let directory = tempfile::tempdir().unwrap();
    if !certificate(directory.path()) {
        println!("skipped: openssl not installed");
        return;
    }
    let a = Instance::start("a").await;
    let mut gateway = Gateway::with(&[("stable", &[&a])], &[("stable", 100.0)]).await;
    let files =
        Tls { certificate: directory.path().join("certificate.pem"), key: directory.path().join("key.pem") };
    gateway.target().ingress[0].tls = Some(files);
    gateway.apply().await;
    let answer = get(&gateway, directory.path(), "http/1.1").await.unwrap();
    assert!(answer.contains(r#""x-forwarded-proto": "https""#), "{answer}");
    assert!(certificate(directory.path()));
    until("the new certificate", || async { get(&gateway, directory.path(), "http/1.1").await.is_ok() })
        .await;
}

#[tokio::test]
async fn a_key_that_is_missing_is_told_and_changes_nothing() {
    let a = Instance::start("a").await;
    let mut gateway = Gateway::with(&[("stable", &[&a])], &[("stable", 100.0)]).await;
    let files = Tls { certificate: "/nowhere/certificate.pem".into(), key: "/nowhere/key.pem".into() };
    gateway.target().ingress[0].tls = Some(files);
    gateway.table.version += 1;
    let refused = gateway.client.apply(&gateway.table, true).await.unwrap_err().to_string();
    assert!(refused.contains("/nowhere/certificate.pem"), "{refused}");
    assert_eq!(crate::kit::Client::new(gateway.listen).get("/").await.1, "a");
}

#[tokio::test]
async fn without_a_usable_certificate_nothing_is_served_in_plain_text() {
    let directory = tempfile::tempdir().unwrap();
    if !certificate(directory.path()) {
        println!("skipped: openssl not installed");
        return;
    }
    let a = Instance::start("a").await;
    let mut gateway = Gateway::with(&[("stable", &[&a])], &[("stable", 100.0)]).await;
    let files =
        Tls { certificate: directory.path().join("certificate.pem"), key: directory.path().join("key.pem") };
    gateway.target().ingress[0].tls = Some(files);
    gateway.apply().await;
    let key = std::fs::read(directory.path().join("key.pem")).unwrap();
    std::fs::remove_file(directory.path().join("key.pem")).unwrap();
    gateway.kill_and_restart().await;
    let mut stream = TcpStream::connect(gateway.listen).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // closed, or reset because the request was not read
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    std::fs::write(directory.path().join("key.pem"), key).unwrap();
    until("the certificate", || async { get(&gateway, directory.path(), "http/1.1").await.is_ok() }).await;
}
