//! Reflection, which hardly anybody asks for and which takes megabytes: so it is made when somebody does.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use futures::future::Either;
use http::{Request, Response};
use tonic::{Status, body::Body, server::NamedService};
use tonic_reflection::server::{Builder, Error};
use tower::Service;

/// What reflection tells of: the services that are served, and no others.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) descriptors: &'static [u8],
    pub(crate) names: Vec<&'static str>,
}

/// A service that is made at its first call.
pub(crate) struct Lazy<S>(Arc<Inner<S>>);

struct Inner<S> {
    made: OnceLock<Option<S>>,
    make: Box<dyn Fn() -> Result<S, Error> + Send + Sync>,
}

// === impl Told ===

impl Told {
    pub(crate) fn builder(&self) -> Builder<'static> {
        let builder = Builder::configure()
            .register_encoded_file_descriptor_set(self.descriptors)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .with_service_name("grpc.health.v1.Health")
            .with_service_name("grpc.reflection.v1.ServerReflection");
        self.names.iter().fold(builder, |builder, name| builder.with_service_name(*name))
    }
}

// === impl Lazy ===

impl<S> Lazy<S> {
    pub(crate) fn new(make: impl Fn() -> Result<S, Error> + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner { made: OnceLock::new(), make: Box::new(make) }))
    }

    fn made(&self) -> Option<&S> {
        let make = || (self.0.make)().inspect_err(|error| tracing::error!(%error, "no reflection")).ok();
        self.0.made.get_or_init(make).as_ref()
    }
}

impl<S> Service<Request<Body>> for Lazy<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response<Body>, Infallible>>>;

    /// As every service that tonic generates.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self.made() {
            Some(service) => Either::Left(service.clone().call(request)),
            None => Either::Right(ready(Ok(Status::internal("the descriptors cannot be used").into_http()))),
        }
    }
}

impl<S: NamedService> NamedService for Lazy<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Clone for Lazy<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
