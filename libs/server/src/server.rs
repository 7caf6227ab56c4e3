//! The builder that services register with, and the server that it becomes.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use axum::{Router, middleware, response::IntoResponse};
use bellwether_clock::Env;
use http::Request;
use tonic::{body::Body, server::NamedService};
use tonic_web::GrpcWebLayer;
use tower::{Service, ServiceExt as _, util::option_layer};

use crate::{
    Identities, Listener, Methods, Metrics, Readiness, ServeConfig, Shutdown, StartError,
    accept::accept,
    background::Background,
    connection::Connections,
    cors, http as pages,
    reflection::{Lazy, Told},
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
    descriptors: &'static [u8],
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
            descriptors: bellwether_proto::DESCRIPTORS,
            grpc: Router::new(),
            http: Router::new(),
            names: Vec::new(),
        }
    }

    /// Serves methods of this encoded `FileDescriptorSet` instead of those of `bellwether_proto`.
    pub fn descriptors(mut self, descriptors: &'static [u8]) -> Self {
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
        let address = self.address(&listener)?;
        let identities = Identities::load(self.config.identity.clone(), &self.env)?;
        let tls = self.config.tls.clone().map(Tls::load).transpose()?;
        let acceptor = tls.as_ref().map(Tls::acceptor).transpose()?;
        let mut background = Background::default();
        background.reload_identities(identities.clone(), &self.config);
        if let Some(tls) = tls {
            background.reload_tls(tls, &self.config);
        }
        background.drain(self.readiness.clone(), shutdown.clone());
        let (env, grace, readiness) = (self.env.clone(), self.config.grace, self.readiness.clone());
        let limits = self.config.limits.clone();
        let connections = Connections::new(env, limits, acceptor, self.router(identities, &mut background)?);
        tracing::info!(%address, "serving");
        readiness.start();
        accept(listener, address, connections, grace, &shutdown).await;
        tracing::info!(%address, "served");
        Ok(())
    }

    /// The address, unless it may not be served on.
    fn address(&self, listener: &impl Listener) -> Result<SocketAddr, StartError> {
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        let address =
            listener.local_addr().map_err(|source| StartError::Listen { address: unknown, source })?;
        self.config.may_serve_on(address)?;
        Ok(address)
    }

    /// All routes with everything that happens around them.
    fn router(self, identities: Identities, background: &mut Background) -> Result<Router, StartError> {
        let (reporter, health) = tonic_health::server::health_reporter();
        background.report(self.readiness.clone(), reporter);
        let told = Told { descriptors: self.descriptors, names: self.names.clone() };
        let same = told.clone();
        let v1 = Lazy::new(move || told.builder().build_v1());
        let v1alpha = Lazy::new(move || same.builder().build_v1alpha());
        let rpc = Rpc::new(
            self.env.clone(),
            self.config.limits.clone(),
            Methods::load(self.descriptors)?,
            identities.clone(),
            RpcMetrics::new(&self.metrics),
        );
        let grpc = tonic::service::Routes::from(self.grpc.clone())
            .add_service(health)
            .add_service(v1)
            .add_service(v1alpha)
            .into_axum_router()
            .layer(middleware::from_fn_with_state(Arc::new(rpc), around))
            .layer(GrpcWebLayer::new())
            .layer(option_layer(cors::layer(&self.config.cors_origins)));
        let (metrics, readiness) = (self.metrics, self.readiness);
        let pages = pages::routes(pages::Pages { metrics, readiness, identities });
        Ok(grpc.merge(self.http).merge(pages))
    }
}
