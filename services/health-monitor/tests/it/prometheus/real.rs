//! A real server, where it is installed: native histograms, over TLS, with a user and a password.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bellwether_clock::{Env, spawn};
use bellwether_health_monitor::SourcesArgs;
use bellwether_proto::monitor::v1 as pb;
use pb::Decision;
use prost::Message as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{asking, of};
use crate::harness::{Monitor, PATIENCE, place};

/// bcrypt of `s3cret`.
const HASH: &str = "$2b$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG";

/// The program; None, and a word on the standard error, where it is not installed.
fn installed() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|dir| dir.join("prometheus")).find(|file| file.is_file());
    if found.is_none() {
        eprintln!("skipped: prometheus not installed");
    }
    found
}

/// Killed when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// The exposition's messages, as far as they are needed (`io.prometheus.client`).
mod client {
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct MetricFamily {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(int32, tag = "3")]
        pub kind: i32,
        #[prost(message, repeated, tag = "4")]
        pub metric: Vec<Metric>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Metric {
        #[prost(message, repeated, tag = "1")]
        pub label: Vec<LabelPair>,
        #[prost(message, optional, tag = "3")]
        pub counter: Option<Counter>,
        #[prost(message, optional, tag = "7")]
        pub histogram: Option<Histogram>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct LabelPair {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(string, tag = "2")]
        pub value: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Counter {
        #[prost(double, tag = "1")]
        pub value: f64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Histogram {
        #[prost(uint64, tag = "1")]
        pub sample_count: u64,
        #[prost(double, tag = "2")]
        pub sample_sum: f64,
        #[prost(sint32, tag = "5")]
        pub schema: i32,
        #[prost(double, tag = "6")]
        pub zero_threshold: f64,
        #[prost(message, repeated, tag = "12")]
        pub positive_span: Vec<BucketSpan>,
        #[prost(sint64, repeated, packed = "false", tag = "13")]
        pub positive_delta: Vec<i64>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct BucketSpan {
        #[prost(sint32, tag = "1")]
        pub offset: i32,
        #[prost(uint32, tag = "2")]
        pub length: u32,
    }
}

/// What an instance exposes after so many requests, all in the bucket of this index of schema 3 (in seconds).
fn exposed(requests: u64, bucket: i32) -> Vec<u8> {
    use client::{BucketSpan, Counter, Histogram, LabelPair, Metric, MetricFamily};
    let code = LabelPair { name: "code".into(), value: "200".into() };
    let counter =
        Metric { label: vec![code], counter: Some(Counter { value: requests as f64 }), ..Default::default() };
    let histogram = Histogram {
        sample_count: requests,
        sample_sum: requests as f64 * 0.02,
        schema: 3,
        zero_threshold: 1e-9,
        positive_span: vec![BucketSpan { offset: bucket, length: 1 }],
        positive_delta: vec![i64::try_from(requests).unwrap()],
    };
    let duration = Metric { histogram: Some(histogram), ..Default::default() };
    let of = |name: &str, kind, metric| MetricFamily { name: name.into(), kind, metric: vec![metric] };
    let families = [of("http_requests_total", 0, counter), of("http_request_duration_seconds", 4, duration)];
    families.iter().flat_map(MetricFamily::encode_length_delimited_to_vec).collect()
}

/// An application under `/new` and `/old`; each scrape sees a thousand requests more, those of `/new` take 80 ms instead of 20.
/// Both are at one address, so that their instances are called alike.
async fn application() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    spawn("application", async move {
        static REQUESTS: AtomicU64 = AtomicU64::new(0);
        while let Ok((stream, _)) = listener.accept().await {
            let requests = REQUESTS.fetch_add(1_000, Ordering::Relaxed);
            spawn("scrape", expose(stream, requests));
        }
    });
    port
}

async fn expose(mut stream: TcpStream, requests: u64) {
    let mut head = [0; 4_096];
    let Ok(length) = stream.read(&mut head).await else { return };
    let slow = head[..length].starts_with(b"GET /new");
    let body = exposed(requests, if slow { -29 } else { -45 });
    let kind = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    let _gone = stream.write_all(&[head.into_bytes(), body].concat()).await;
}

/// Starts the server; where it is.
async fn start(program: &Path, dir: &Path) -> (Running, u16) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(dir.join("ca.pem"), made.cert.pem()).unwrap();
    std::fs::write(dir.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(dir.join("password"), "s3cret\n").unwrap();
    let job = |fleet: &str, port: u16| {
        format!(
            "- {{job_name: {fleet}, metrics_path: /{fleet}, scrape_interval: 1s, scrape_timeout: 900ms, \
             static_configs: [{{targets: ['127.0.0.1:{port}'], labels: {{bellwether_fleet: {fleet}}}}}]}}\n"
        )
    };
    let port = application().await;
    let config = format!("scrape_configs:\n{}{}", job("new", port), job("old", port));
    std::fs::write(dir.join("prometheus.yml"), config).unwrap();
    let web = format!(
        "tls_server_config: {{cert_file: ca.pem, key_file: key.pem}}\nbasic_auth_users: {{bellwether: '{HASH}'}}\n"
    );
    std::fs::write(dir.join("web.yml"), web).unwrap();
    // it takes no socket that is open already
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = Command::new(program)
        .arg(format!("--config.file={}", dir.join("prometheus.yml").display()))
        .arg(format!("--web.config.file={}", dir.join("web.yml").display()))
        .arg(format!("--storage.tsdb.path={}", dir.join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{free}"))
        .arg("--enable-feature=native-histograms")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    (Running(child), free)
}

#[tokio::test]
async fn native_histograms_come_over_tls_with_a_password() {
    let Some(program) = installed() else { return };
    let dir = place();
    let (_server, port) = start(&program, dir.path()).await;
    let path = |name: &str| dir.path().join(name).display().to_string();
    let named = |name: &str, password: &str, ca: &str| {
        format!(
            "[prometheus.{name}]\nurl = 'https://localhost:{port}'\nusername = 'bellwether'\npassword_file = '{}'\n{ca}\n",
            path(password)
        )
    };
    std::fs::write(dir.path().join("wrong"), "other").unwrap();
    let ca = format!("ca_file = '{}'", path("ca.pem"));
    let file = dir.path().join("sources.toml");
    let text =
        [named("main", "password", &ca), named("wrong", "wrong", &ca), named("strange", "password", "")];
    std::fs::write(&file, text.concat()).unwrap();
    // what is scraped has the real time
    let env = Env::system();
    let sources = SourcesArgs { file: Some(file), ..SourcesArgs::default() };
    let mut monitor = Monitor::start_with(dir.path(), env.now(), &sources).await;
    for server in ["main", "wrong", "strange"] {
        let asking = pb::PrometheusSource {
            server: server.into(),
            latency: "http_request_duration_seconds".into(),
            timeout: None,
            ..asking("")
        };
        monitor.start_analysis(of(server, asking)).await;
    }
    let mut last = None;
    let waiting = async {
        let mut every = tokio::time::interval(Duration::from_millis(250));
        let (mut refused, mut untrusted) = (false, false);
        loop {
            every.tick().await;
            monitor.clock.advance(env.now().duration_since(monitor.now()).unsigned_abs());
            let verdict = monitor.verdict("analyses/main").await;
            let mut says = async |id: &str, words: &str| {
                let verdict = monitor.verdict(&format!("analyses/{id}")).await;
                let text = verdict.reason.as_ref().map_or("", |reason| &reason.text);
                verdict.decision() == Decision::Error && text.contains(words)
            };
            refused |= says("wrong", "check the credentials").await;
            untrusted |= says("strange", "certificate").await;
            if refused && untrusted && verdict.decision() == Decision::Fail {
                return verdict;
            }
            last = Some((refused, untrusted, verdict));
        }
    };
    let waited = tokio::time::timeout(6 * PATIENCE, waiting).await;
    let verdict = waited.unwrap_or_else(|_| panic!("refused, not trusted, judged: {last:#?}"));
    let latency = verdict.checks.iter().find(|check| check.id == "latency").unwrap();
    assert_eq!(latency.level(), pb::Level::Fail, "{verdict:#?}");
    assert!((latency.effect.unwrap() - 4.0).abs() < 0.5, "{latency:?}");
    assert!((10.0..30.0).contains(&latency.baseline.unwrap()), "in ms: {latency:?}");
    monitor.stop().await;
}
