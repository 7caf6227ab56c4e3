//! Panics, deadlines, unknown methods, gRPC-Web, reflection.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tonic::Code;

use crate::{
    echo::framed,
    harness::{follow, reason, request, start, unary},
};

#[tokio::test]
async fn a_panic_is_internal_and_hurts_nobody_else() {
    let server = start(|_| ()).await;
    let channel = server.channel().await;
    for _ in 0..3 {
        let status = unary(&channel, "Panic", request(b"")).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Internal, "INTERNAL"));
        assert!(!status.message().contains("secret"));
    }
    let mut stream = follow(&channel, request(b"panic")).await.unwrap();
    assert_eq!(stream.message().await.unwrap_err().code(), Code::Internal);
    assert_eq!(unary(&channel, "Echo", request(b"x")).await.unwrap().into_inner(), b"x");
    server.stop().await;
}

#[tokio::test]
async fn deadlines_are_kept() {
    let server = start(|config| config.limits.unary_timeout = Duration::from_millis(80)).await;
    let channel = server.channel().await;
    let status = unary(&channel, "Hang", request(b"")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
    let mut asked = request(b"");
    // the header alone, so that the client's own timer does not answer in the server's place
    asked.metadata_mut().insert("grpc-timeout", "50m".parse().unwrap());
    let mut stream = follow(&channel, asked).await.unwrap();
    assert_eq!(stream.message().await.unwrap().unwrap(), b"token-1");
    assert_eq!(stream.message().await.unwrap_err().code(), Code::DeadlineExceeded);
    let mut malformed = request(b"");
    malformed.metadata_mut().insert("grpc-timeout", "soon".parse().unwrap());
    let status = unary(&channel, "Echo", malformed).await.unwrap_err();
    assert_eq!(reason(&status), "DEADLINE_MALFORMED");
    server.stop().await;
}

#[tokio::test]
async fn what_is_unknown_or_malformed_has_a_reason() {
    let server = start(|_| ()).await;
    let channel = server.channel().await;
    let status = unary(&channel, "Nonsense", request(b"")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unimplemented, "METHOD_UNKNOWN"));
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel.clone());
    let unknown = tonic_health::pb::HealthCheckRequest { service: "nobody".into() };
    let status = health.check(unknown).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "NOT_FOUND"));
    let address = server.address;
    let garbage =
        post(address, "/test.v1.EchoService/Echo", "application/grpc-web", vec![0, 0, 0, 0, 2, 0xff, 0xff]);
    let (_, headers, _) = garbage.await;
    assert_eq!(headers["grpc-status"], (Code::InvalidArgument as i32).to_string());
    server.stop().await;
}

#[tokio::test]
async fn grpc_web_over_http_1() {
    let server = start(|_| ()).await;
    let body = framed(&b"hello".to_vec());
    let (status, _, answer) =
        post(server.address, "/test.v1.EchoService/Echo", "application/grpc-web+proto", body.clone()).await;
    assert_eq!(status, 200);
    assert!(answer.starts_with(&body), "the message comes back");
    assert!(String::from_utf8_lossy(&answer).contains("grpc-status:0"), "the trailers are in the body");
    let (status, ..) = post(server.address, "/nowhere", "text/plain", body).await;
    assert_eq!(status, 404);
    server.stop().await;
}

#[tokio::test]
async fn reflection_lists_what_is_served() {
    use tonic_reflection::pb::v1::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
    };
    let server = start(|_| ()).await;
    let mut client = ServerReflectionClient::new(server.channel().await);
    let list = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = client.server_reflection_info(tokio_stream::iter([list])).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(list) = answer else { panic!("{answer:?}") };
    let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    assert!(names.contains(&"test.v1.EchoService") && names.contains(&"grpc.health.v1.Health"), "{names:?}");
    server.stop().await;
}

async fn post(
    address: std::net::SocketAddr,
    path: &str,
    kind: &str,
    body: Vec<u8>,
) -> (u16, http::HeaderMap, Vec<u8>) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = http::Request::post(format!("http://{address}{path}"))
        .header("content-type", kind)
        .body(Full::new(bytes::Bytes::from(body)))
        .unwrap();
    let response = client.request(request).await.unwrap();
    let (parts, body) = response.into_parts();
    (parts.status.as_u16(), parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
}
