//! Web pages of other origins, as browsers ask for them: raw HTTP/1.1.

use std::{net::SocketAddr, time::Duration};

use bellwether_server::ServeConfig;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::harness::{Running, config, start_with};

const ORIGIN: &str = "https://ops.example.com";

async fn serving(origins: &[&str]) -> Running {
    let dir = tempfile::tempdir().unwrap();
    let cors_origins = origins.iter().map(|origin| origin.parse().unwrap()).collect();
    let config = ServeConfig { cors_origins, ..config(&dir) };
    start_with(dir, config).await
}

/// The answer's status line and headers, in lower case, and its body.
async fn exchange(address: SocketAddr, request: &[u8]) -> (Vec<String>, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = vec![];
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    let end = answer.windows(4).position(|at| at == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap().to_ascii_lowercase();
    (head.split("\r\n").map(str::to_owned).collect(), answer[end + 4..].to_vec())
}

async fn preflight(server: &Running, origin: &str) -> Vec<String> {
    let request = format!(
        "OPTIONS /test.v1.EchoService/Echo HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\norigin: {origin}\r\n\
         access-control-request-method: POST\r\n\
         access-control-request-headers: authorization,content-type,x-grpc-web\r\n\r\n"
    );
    exchange(server.address, request.as_bytes()).await.0
}

async fn call(server: &Running, method: &str, origin: &str) -> (Vec<String>, Vec<u8>) {
    let message = [0, 0, 0, 0, 4, 0x0a, 2, b'h', b'i'];
    let head = format!(
        "POST /test.v1.EchoService/{method} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\norigin: {origin}\r\n\
         content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\ncontent-length: {}\r\n\r\n",
        message.len()
    );
    exchange(server.address, &[head.as_bytes(), &message].concat()).await
}

fn value<'h>(headers: &'h [String], name: &str) -> Option<&'h str> {
    headers.iter().find_map(|header| header.strip_prefix(name)?.strip_prefix(": "))
}

#[tokio::test]
async fn a_page_of_a_listed_origin_may_call_and_see_the_answer() {
    let server = serving(&["http://localhost:5173", ORIGIN]).await;
    let answer = preflight(&server, ORIGIN).await;
    assert_eq!(answer[0], "http/1.1 200 ok");
    assert_eq!(value(&answer, "access-control-allow-origin"), Some(ORIGIN));
    assert_eq!(value(&answer, "access-control-allow-methods"), Some("post"));
    let allowed = value(&answer, "access-control-allow-headers").unwrap();
    for header in ["authorization", "content-type", "x-grpc-web", "grpc-timeout"] {
        assert!(allowed.split(',').any(|allowed| allowed == header), "{header} in {allowed}");
    }
    assert_eq!(value(&answer, "access-control-allow-credentials"), None);
    assert!(value(&answer, "vary").unwrap().contains("origin"), "{answer:?}");

    let (answer, body) = call(&server, "Echo", ORIGIN).await;
    assert_eq!(answer[0], "http/1.1 200 ok");
    assert_eq!(value(&answer, "access-control-allow-origin"), Some(ORIGIN));
    let exposed = value(&answer, "access-control-expose-headers").unwrap();
    assert_eq!(exposed, "grpc-status,grpc-message,grpc-status-details-bin");
    let text = String::from_utf8_lossy(&body);
    assert!(text.contains("hi") && text.contains("grpc-status:0"), "{text:?}");
    server.stop().await;
}

/// A refusal has its status in the headers, which is why the page must see them.
#[tokio::test]
async fn a_refusal_can_be_read_too() {
    let server = serving(&[ORIGIN]).await;
    let (answer, _) = call(&server, "NoSuchMethod", ORIGIN).await;
    assert_eq!(value(&answer, "access-control-allow-origin"), Some(ORIGIN));
    assert_eq!(value(&answer, "grpc-status"), Some("12"), "{answer:?}");
    assert!(value(&answer, "grpc-status-details-bin").is_some());
    server.stop().await;
}

#[tokio::test]
async fn a_page_of_another_origin_is_told_nothing() {
    let server = serving(&[ORIGIN]).await;
    for origin in
        ["https://evil.example", "https://ops.example.com.evil.example", "http://ops.example.com", "null"]
    {
        let answer = preflight(&server, origin).await;
        assert_eq!(value(&answer, "access-control-allow-origin"), None, "{origin}: {answer:?}");
        let (answer, _) = call(&server, "Echo", origin).await;
        assert_eq!(value(&answer, "access-control-allow-origin"), None, "{origin}: {answer:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn unless_told_otherwise_no_page_may_call() {
    let server = serving(&[]).await;
    let answer = preflight(&server, ORIGIN).await;
    assert_ne!(answer[0], "http/1.1 200 ok");
    assert!(!answer.iter().any(|header| header.starts_with("access-control")), "{answer:?}");
    server.stop().await;
}
