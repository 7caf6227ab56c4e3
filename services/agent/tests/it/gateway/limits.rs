//! Clients that ask for too much or too slowly.

use http::{Method, StatusCode};
use http_body_util::Full;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::kit::{Client, Gateway, Instance};

async fn one() -> Gateway {
    let a = Instance::start("a").await;
    Gateway::with(&[("stable", &[&a])], &[("stable", 100.0)]).await
}

#[tokio::test]
async fn a_head_that_is_too_large_is_431() {
    let gateway = one().await;
    let client = Client::new(gateway.listen);
    let request =
        client.request("/").header("x-large", "x".repeat(100 * 1024)).body(Full::default()).unwrap();
    assert_eq!(client.send(request).await.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert_eq!(client.get("/").await.1, "a");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_413() {
    let mut gateway = one().await;
    gateway.target().policy.max_request_bytes = 1000;
    gateway.apply().await;
    let client = Client::new(gateway.listen);
    for (length, status) in [(1000, StatusCode::OK), (1001, StatusCode::PAYLOAD_TOO_LARGE)] {
        let body = Full::from(vec![1; length]);
        let request = client.request("/echo").method(Method::POST).body(body).unwrap();
        assert_eq!(client.send(request).await.status(), status);
    }
    // also when its length is not told before
    let mut stream = TcpStream::connect(gateway.listen).await.unwrap();
    let head = "POST /slow/2000 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&[1; 2000]).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 413");
    assert_eq!(gateway.samples().await[0].errors, 0, "the client's fault");
}

#[tokio::test]
async fn slow_clients_are_no_burden_to_others() {
    let gateway = one().await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(gateway.listen).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nx-slow: ").await.unwrap();
        slow.push(stream);
    }
    let client = Client::new(gateway.listen);
    for _ in 0..20 {
        assert_eq!(client.get("/").await.1, "a");
    }
    // those that finish their head are answered
    let mut stream = slow.pop().unwrap();
    stream.write_all(b"yes\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 200");
}

#[tokio::test]
async fn a_client_that_leaves_is_no_error() {
    let gateway = one().await;
    let mut stream = TcpStream::connect(gateway.listen).await.unwrap();
    stream.write_all(b"GET /slow/10000 HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let open = || async { gateway.client.status().await.unwrap().instances["a"].in_flight };
    crate::kit::until("the request to be open", || async { open().await == 1 }).await;
    drop(stream);
    crate::kit::until("it to be counted", || async { gateway.samples().await[0].client_aborts == 1 }).await;
    assert_eq!((gateway.samples().await[0].errors, open().await), (0, 0));
}

#[tokio::test]
async fn connect_is_not_offered() {
    let gateway = one().await;
    let mut stream = TcpStream::connect(gateway.listen).await.unwrap();
    stream.write_all(b"CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 501");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_never_read_cost_little_memory() {
    let gateway = one().await;
    let client = Client::new(gateway.listen);
    client.get("/").await;
    let before = gateway.resident();
    let mut silent = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(gateway.listen).await.unwrap();
        stream.write_all(b"GET /flood HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        silent.push(stream);
    }
    let open = || async { gateway.client.status().await.unwrap().instances["a"].in_flight };
    crate::kit::until("all to be open", || async { open().await == 100 }).await;
    // the others are served meanwhile, and each answer is a moment in which more could have been buffered
    for _ in 0..200 {
        assert_eq!(client.get("/").await.1, "a");
    }
    let each = gateway.resident().saturating_sub(before) / 100;
    assert!(each < 1024 * 1024, "{each} bytes for each");
}
