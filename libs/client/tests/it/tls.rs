//! A server with a certificate of its own.

use std::{fs, net::SocketAddr};

use bellwether_client::{Calls, Transport};
use bellwether_clock::{Env, spawn};
use bellwether_proto::executor::v1::{GetTargetRequest, executor_service_client::ExecutorServiceClient};
use bellwether_server::{Metrics, ServeConfig, Server, Shutdown, TlsFiles, bind, install_crypto_provider};

use crate::fake::Fake;

#[tokio::test]
async fn a_server_is_trusted_by_its_ca_file_and_not_without() {
    install_crypto_provider();
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let tls = Some(TlsFiles { certificate: certificate.clone(), key });
    let server = Server::new(Env::system(), ServeConfig { tls, ..ServeConfig::default() }, Metrics::new());
    let shutdown = Shutdown::new();
    let served = spawn("served", server.add_service(Fake::default()).serve(listener, shutdown.clone()));

    let calls = Calls::new(Env::system()).patience(std::time::Duration::ZERO);
    let get = async |transport: Transport| {
        let client = ExecutorServiceClient::new(transport);
        calls.read(async || client.clone().get_target(GetTargetRequest::default()).await).await
    };
    get(Transport::builder(&url).ca_file(certificate).build().unwrap()).await.unwrap();
    let error = get(Transport::builder(&url).build().unwrap()).await.unwrap_err();
    assert_eq!(error.reason, "UNREACHABLE");
    assert!(error.message.contains("certificate"), "{error}");
    shutdown.trigger();
    served.await.unwrap().unwrap();
}
