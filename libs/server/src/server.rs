//! The builder that services register with, and the server that it becomes.

use std::{convert::Infallible, net::SocketAddr, path::PathBuf, sync::Arc};

use axum::{Router, middleware, response::IntoResponse};
use bellwether_clock::{Env, spawn};
use http::Request;
use tokio::task::JoinHandle;
use tonic::{body::Body, server::NamedService};
use tonic_web::GrpcWebLayer;
use tower::{Service, ServiceExt as _};

use crate::{
    Identities, Listener, Methods, Metrics, Readiness, ServeConfig, Shutdown, StartError,
    accept::accept,
    connection::Connections,
    http as pages, reload,
    rpc::{Rpc, RpcMetrics, around},
    tls::Tls,
};

/// Collects the services of a process and serves them on one address: gRPC, gRPC-Web, health, reflection, metrics.
///
/// # Expected flow
/// `Server::new(env, config, metrics)`, [`Server::add_service`] for each service, [`Server::serve`].
pub struct Server {
    env: Env,
    config: ServeConfig,
    metrics: Metrics,
    readiness: Readiness,
    descriptors: Vec<u8>,
    grpc: Router,
    http: Router,
    names: Vec<&'static str>,
}

// === impl Server ===

impl Server {
    /// A server without services.
    pub fn new(env: Env, config: ServeConfig, metrics: Metrics) -> Self {
        Self {
            env,
            config,
            metrics,
            readiness: Readiness::new(),
            descriptors: bellwether_proto::DESCRIPTORS.to_vec(),
            grpc: Router::new(),
            http: Router::new(),
            names: Vec::new(),
        }
    }

    /// Serves methods of this encoded `FileDescriptorSet` instead of those of `bellwether_proto`.
    pub fn descriptors(mut self, descriptors: Vec<u8>) -> Self {
        self.descriptors = descriptors;
        self
    }

    /// Adds a tonic service. It is ready unless its readiness says otherwise.
    pub fn add_service<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
        S::Response: IntoResponse,
        S::Future: Send + 'static,
    {
        let service = service.map_request(|request: Request<axum::body::Body>| request.map(Body::new));
        self.grpc = self.grpc.route_service(&format!("/{}/{{*method}}", S::NAME), service);
        self.readiness.add(S::NAME);
        self.names.push(S::NAME);
        self
    }

    /// Adds plain HTTP routes beside `/metrics`, `/healthz` and `/readyz`. They do their own authentication.
    pub fn add_http(mut self, routes: Router) -> Self {
        self.http = self.http.merge(routes);
        self
    }

    /// Where services say whether they are ready.
    pub fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }

    /// Serves until `shutdown` fires, then drains: readiness off, streams told to end, calls in flight finished, all
    /// within the grace time.
    ///
    /// # Errors
    /// [`StartError`] before anything is served; none later.
    pub async fn serve(self, listener: impl Listener, shutdown: Shutdown) -> Result<(), StartError> {
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        let address =
            listener.local_addr().map_err(|source| StartError::Listen { address: unknown, source })?;
        if !address.ip().to_canonical().is_loopback() && self.config.tls.is_none() && !self.config.insecure {
            return Err(StartError::PlainText { address });
        }
        let identities = Identities::load(self.config.identity.clone(), &self.env)?;
        let tls = self.config.tls.clone().map(Tls::load).transpose()?;
        let acceptor = tls.as_ref().map(Tls::acceptor).transpose()?;
        let (limits, grace, readiness) =
            (self.config.limits.clone(), self.config.grace, self.readiness.clone());
        let mut tasks = vec![watch_identities(&identities, &self.config)];
        tasks.extend(tls.map(|tls| watch_tls(tls, &self.config)));
        let ready = readiness.clone();
        let draining = on_drain(readiness, shutdown.clone());
        let most = limits.connections;
        let env = self.env.clone();
        let router = self.router(identities, &mut tasks)?;
        let connections = Connections::new(env, limits, acceptor, router);
        tracing::info!(%address, "serving");
        ready.start();
        accept(listener, address, connections, most, grace, &shutdown).await;
        draining.abort();
        tasks.iter().for_each(JoinHandle::abort);
        tracing::info!(%address, "served");
        Ok(())
    }

    /// All routes with everything that happens around them.
    fn router(self, identities: Identities, tasks: &mut Vec<JoinHandle<()>>) -> Result<Router, StartError> {
        let (reporter, health) = tonic_health::server::health_reporter();
        tasks.push(spawn("health", self.readiness.clone().report(reporter)));
        let v1 = self.reflection().build_v1().map_err(|error| StartError::Reflection(error.into()))?;
        let v1alpha =
            self.reflection().build_v1alpha().map_err(|error| StartError::Reflection(error.into()))?;
        let rpc = Rpc::new(
            self.env.clone(),
            self.config.limits.clone(),
            Methods::load(&self.descriptors)?,
            identities.clone(),
            RpcMetrics::new(&self.metrics),
        );
        let grpc = tonic::service::Routes::from(self.grpc.clone())
            .add_service(health)
            .add_service(v1)
            .add_service(v1alpha)
            .into_axum_router()
            .layer(middleware::from_fn_with_state(Arc::new(rpc), around))
            .layer(GrpcWebLayer::new());
        let (metrics, readiness) = (self.metrics, self.readiness);
        let pages = pages::routes(pages::Pages { metrics, readiness, identities });
        Ok(grpc.merge(self.http).merge(pages))
    }

    /// Reflection tells of the services that are served here, and of no others.
    fn reflection(&self) -> tonic_reflection::server::Builder<'_> {
        let builder = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(&self.descriptors)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .with_service_name("grpc.health.v1.Health")
            .with_service_name("grpc.reflection.v1.ServerReflection");
        self.names.iter().fold(builder, |builder, name| builder.with_service_name(*name))
    }
}

fn on_drain(readiness: Readiness, shutdown: Shutdown) -> JoinHandle<()> {
    spawn("drain", async move {
        shutdown.triggered().await;
        readiness.drain();
    })
}

fn watch_identities(identities: &Identities, config: &ServeConfig) -> JoinHandle<()> {
    let paths: Vec<PathBuf> = identities.tokens_path().cloned().into_iter().collect();
    let identities = identities.clone();
    let reload = move || match identities.reload() {
        Ok(()) => tracing::info!("tokens were read again"),
        Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "tokens stay as they were"),
    };
    spawn("reload tokens", reload::watch(paths, config.reload_every, reload))
}

fn watch_tls(tls: Tls, config: &ServeConfig) -> JoinHandle<()> {
    let paths = tls.paths().map(PathBuf::from).to_vec();
    let reload = move || match tls.reload() {
        Ok(()) => tracing::info!("the certificate was read again"),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the certificate stays as it was")
        }
    };
    spawn("reload certificate", reload::watch(paths, config.reload_every, reload))
}
