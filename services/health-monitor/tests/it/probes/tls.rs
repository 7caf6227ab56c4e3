//! Probes over TLS, against real servers whose certificates the operator's own authority made.

use std::{net::SocketAddr, path::Path};

use bellwether_clock::{Env, spawn};
use bellwether_health_monitor::SourcesArgs;
use bellwether_proto::monitor::v1 as pb;
use bellwether_server::install_crypto_provider;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic_health::ServingStatus;

use super::given::{apply, probe, tried};
use crate::harness::{Process, place};

/// The standard health service over TLS; its certificate.
async fn serve(name: &str) -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let (reporter, service) = tonic_health::server::health_reporter();
    reporter.set_service_status("shop.Cart", ServingStatus::Serving).await;
    reporter.set_service_status("shop.Pay", ServingStatus::NotServing).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = ServerTlsConfig::new().identity(Identity::from_pem(&certificate, &key));
    let server = Server::builder().tls_config(tls).unwrap().add_service(service);
    spawn("grpc over TLS", async move {
        _ = server.serve_with_incoming(TcpListenerStream::new(listener)).await;
        drop(reporter);
    });
    (address, certificate)
}

fn grpc(id: &str, address: &str, service: &str, tls: bool) -> pb::Probe {
    let grpc = pb::GrpcProbe { address: address.into(), service: service.into(), tls };
    probe(id, pb::probe::Kind::Grpc(grpc))
}

/// A monitor whose operator names these authorities.
async fn monitor(dir: &Path, authorities: &str) -> Process {
    let (sources, roots) = (dir.join("sources.toml"), dir.join("ca.pem"));
    std::fs::write(&roots, authorities).unwrap();
    std::fs::write(&sources, format!("[probes]\nca_file = {roots:?}\n")).unwrap();
    let args = SourcesArgs { file: Some(sources), networks: vec!["127.0.0.0/8".parse().unwrap()] };
    Process::start_with(dir, Env::system(), &args).await
}

#[tokio::test]
async fn a_grpc_server_is_checked_over_tls() {
    install_crypto_provider();
    let dir = place();
    let (address, certificate) = serve("localhost").await;
    let (stranger, _) = serve("localhost").await;
    let mut monitor = monitor(dir.path(), &certificate).await;
    let (here, there) = (format!("localhost:{}", address.port()), format!("localhost:{}", stranger.port()));
    let cases = [
        (grpc("well", &here, "shop.Cart", true), ""),
        (grpc("down", &here, "shop.Pay", true), "the service shop.Pay is NOT_SERVING, expected SERVING"),
        (grpc("stranger", &there, "shop.Cart", true), "invalid peer certificate"),
        (grpc("named", &address.to_string(), "shop.Cart", true), "not valid for name"),
        (grpc("plain", &here, "shop.Cart", false), "the check ends with "),
    ];
    for (probe, _) in &cases {
        apply(&mut monitor.client, probe.clone()).await.unwrap();
    }
    let runs = tried(&mut monitor.client).await;
    for (probe, expected) in &cases {
        let (_, run) = runs.iter().find(|(name, _)| *name == format!("probes/{}", probe.name)).unwrap();
        assert_eq!(run.passed, expected.is_empty(), "{}: {}", probe.name, run.text);
        assert!(run.text.contains(expected), "{}: {}", probe.name, run.text);
    }
    monitor.stop().await;
}

#[tokio::test]
async fn the_systems_authorities_do_not_know_ours() {
    install_crypto_provider();
    let (dir, (address, _)) = (place(), serve("localhost").await);
    let mut monitor = Process::start(dir.path(), Env::system()).await;
    let here = format!("localhost:{}", address.port());
    apply(&mut monitor.client, grpc("cart", &here, "shop.Cart", true)).await.unwrap();
    let (_, run) = tried(&mut monitor.client).await.remove(0);
    assert!(!run.passed && run.text.contains("invalid peer certificate"), "{}", run.text);
    monitor.stop().await;
}
