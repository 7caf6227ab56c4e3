//! A small HTTP shop: the application that the demonstration releases. It answers a catalogue, a cart and a checkout, takes a
//! few milliseconds for each, and can be told to be bad at it.

use std::{convert::Infallible, net::SocketAddr, path::PathBuf, time::Duration};

use bellwether_clock::{Env, spawn};
use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode, body::Bytes, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::{
    shop_metrics::{CONTENT_TYPE, Counted},
    shop_otlp::{Exported, Exporter},
    shop_work::{Pace, unit},
};

/// Answers with this header carry a fault that the version was told to have; whoever counts failures caused by a rollout
/// leaves them out.
pub const INJECTED: &str = "x-shop-injected";

/// Answers say which version gave them.
pub const VERSION: &str = "x-shop-version";

/// How a version behaves.
#[derive(Debug, Clone, clap::Args)]
pub struct ShopArgs {
    /// The port to listen on; the platform sets it.
    #[arg(long, env = "PORT")]
    port: u16,
    /// The version that answers name; the platform sets it.
    #[arg(long, env = "BELLWETHER_VERSION", default_value = "dev")]
    version: String,
    /// The share of requests that fail with 500, in percent.
    #[arg(long, env = "SHOP_ERRORS_PERCENT", default_value_t = 0.0)]
    errors_percent: f64,
    /// How much slower than normal each request is.
    #[arg(long, env = "SHOP_SLOWNESS", default_value_t = 1.0)]
    slowness: f64,
    /// How much slower than normal the slowest 5 % of the requests are.
    #[arg(long, env = "SHOP_TAIL_SLOWNESS", default_value_t = 1.0)]
    tail_slowness: f64,
    /// The share of checkouts that are answered well and make no order, in percent.
    #[arg(long, env = "SHOP_LOST_ORDERS_PERCENT", default_value_t = 0.0)]
    lost_orders_percent: f64,
    /// A file that every page needs, as it would its database: while it is missing each request fails with 500.
    #[arg(long, env = "SHOP_NEEDS")]
    needs: Option<PathBuf>,
    /// How long the process takes until it listens, in milliseconds.
    #[arg(long, env = "SHOP_START_MS", default_value_t = 150)]
    start_ms: u64,
    /// The fleet that metrics name; the platform sets it.
    #[arg(long, env = "BELLWETHER_FLEET", default_value = "")]
    fleet: String,
    /// The target that metrics name; the platform sets it.
    #[arg(long, env = "BELLWETHER_TARGET", default_value = "")]
    target: String,
    /// The instance that metrics name; the platform sets it.
    #[arg(long, env = "BELLWETHER_INSTANCE", default_value = "")]
    instance: String,
    /// Export metrics over OpenTelemetry here.
    #[arg(long, env = "SHOP_OTLP_ENDPOINT")]
    otlp_endpoint: Option<String>,
}

#[derive(Clone)]
struct Shop {
    args: ShopArgs,
    env: Env,
    counted: Counted,
    exported: Option<Exported>,
}

/// Serves until SIGTERM, then finishes the requests that it has.
///
/// # Errors
/// When the port cannot be listened on.
pub async fn serve(args: ShopArgs) -> anyhow::Result<()> {
    tokio::time::sleep(Duration::from_millis(args.start_ms)).await;
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], args.port))).await?;
    let exported = args.otlp_endpoint.as_deref().map(|endpoint| exporter(&args, endpoint).start());
    let (counted, exported) = (Counted::default(), exported.transpose()?);
    let shop = Shop { args, env: Env::system(), counted, exported };
    let mut terminate = signal(SignalKind::terminate())?;
    let (stop, stopped) = watch::channel(());
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    spawn("shop-connection", shop.clone().connection(stream, stopped.clone()));
                }
            }
        }
    }
    drop(listener);
    drop(stopped);
    // every connection holds a receiver until its last request is answered
    stop.send_replace(());
    stop.closed().await;
    Ok(())
}

fn exporter<'a>(args: &'a ShopArgs, endpoint: &'a str) -> Exporter<'a> {
    let ShopArgs { target, fleet, instance, version, .. } = args;
    Exporter { endpoint, target, fleet, instance, version }
}

// === impl Shop ===

impl Shop {
    async fn connection(self, stream: tokio::net::TcpStream, mut stopped: watch::Receiver<()>) {
        let service = service_fn(move |request| {
            let shop = self.clone();
            async move { Ok::<_, Infallible>(shop.answer(request).await) }
        });
        let mut server = auto::Builder::new(TokioExecutor::new());
        server.http1().timer(TokioTimer::new());
        let connection = server.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => {}
            _ = stopped.changed() => {
                connection.as_mut().graceful_shutdown();
                // a client that went away is no failure of the shop
                let _ = connection.await;
            }
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let began = self.env.now();
        let (page, status, body) = match (request.method(), request.uri().path()) {
            (&Method::GET, "/healthz") => return self.response(StatusCode::OK, "ok"),
            (&Method::GET, "/metrics") => return self.metrics(),
            (&Method::GET, "/") => ("/", StatusCode::OK, r#"{"items":["bell","rope","sheep"]}"#),
            (&Method::GET, "/cart") => ("/cart", StatusCode::OK, r#"{"cart":[]}"#),
            (&Method::POST, "/checkout") => ("/checkout", StatusCode::CREATED, r#"{"order":1}"#),
            _ => ("", StatusCode::NOT_FOUND, r#"{"error":"no such page"}"#),
        };
        let response = self.work_on(status, body).await;
        let took = self.env.since(began);
        let (method, status) = (request.method().as_str(), response.status().as_u16());
        self.counted.count(method, page, status, took);
        if let Some(exported) = &self.exported {
            exported.count(method, page, status, took);
        }
        if response.status() == StatusCode::CREATED {
            self.order();
        }
        response
    }

    /// Takes the order, if the version was not told to lose it.
    fn order(&self) {
        if unit(&self.env) * 100.0 < self.args.lost_orders_percent {
            return;
        }
        self.counted.order();
        if let Some(exported) = &self.exported {
            exported.order();
        }
    }

    fn metrics(&self) -> Response<Full<Bytes>> {
        let text = self.counted.expose(&self.args.fleet, &self.args.version);
        let mut response = Response::new(Full::new(Bytes::from(text)));
        let kind = http::HeaderValue::from_static(CONTENT_TYPE);
        response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
        response
    }

    async fn work_on(&self, status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
        let pace = Pace { all: self.args.slowness, tail: self.args.tail_slowness };
        tokio::time::sleep(pace.draw(&self.env)).await;
        if self.is_out().await || unit(&self.env) * 100.0 < self.args.errors_percent {
            let mut response =
                self.response(StatusCode::INTERNAL_SERVER_ERROR, r#"{"error":"out of sheep"}"#);
            response.headers_mut().insert(INJECTED, http::HeaderValue::from_static("error"));
            return response;
        }
        self.response(status, body)
    }

    async fn is_out(&self) -> bool {
        match &self.args.needs {
            Some(file) => !tokio::fs::try_exists(file).await.unwrap_or(false),
            None => false,
        }
    }

    fn response(&self, status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
        *response.status_mut() = status;
        if let Ok(version) = http::HeaderValue::from_str(&self.args.version) {
            response.headers_mut().insert(VERSION, version);
        }
        response
    }
}
