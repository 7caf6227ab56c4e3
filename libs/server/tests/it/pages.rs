//! `/metrics`, `/healthz`, `/readyz` on the same address.

use http_body_util::{BodyExt as _, Empty};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};

use crate::harness::{Running, request, start, unary};

async fn get(server: &Running, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<bytes::Bytes>>();
    let mut request = http::Request::get(format!("http://{}{path}", server.address));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = client.request(request.body(Empty::new()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn readyz_says_who_is_missing() {
    let server = start(|_| ()).await;
    assert_eq!(get(&server, "/healthz", &[]).await.0, 200);
    assert_eq!(get(&server, "/readyz", &[]).await, (200, "ready\n".into()));
    server.readiness.not_ready("test.v1.EchoService", "STANDBY");
    assert_eq!(get(&server, "/readyz", &[]).await, (503, "test.v1.EchoService STANDBY\n".into()));
    server.stop().await;
}

#[tokio::test]
async fn metrics_count_calls_and_are_not_for_strangers() {
    let server = start(|_| ()).await;
    let channel = server.channel().await;
    unary(&channel, "Echo", request(b"")).await.unwrap();
    unary(&channel, "Panic", request(b"")).await.unwrap_err();
    unary(&channel, "Nonsense", request(b"")).await.unwrap_err();
    let (status, text) = get(&server, "/metrics", &[]).await;
    assert_eq!(status, 200);
    for line in [
        r#"bellwether_rpc_started_total{service="test.v1.EchoService",method="Echo"} 1"#,
        r#"bellwether_rpc_handled_total{service="test.v1.EchoService",method="Echo",code="Ok"} 1"#,
        r#"bellwether_rpc_handled_total{service="test.v1.EchoService",method="Panic",code="Internal"} 1"#,
        r#"bellwether_rpc_running{service="test.v1.EchoService",method="Echo"} 0"#,
        r#"bellwether_rpc_duration_seconds_count{service="test.v1.EchoService",method="Echo"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("Nonsense"));
    assert_eq!(get(&server, "/metrics", &[("x-forwarded-for", "10.0.0.1")]).await.0, 401);
    assert_eq!(get(&server, "/metrics", &[("authorization", "Bearer nonsense")]).await.0, 401);
    server.stop().await;
}
