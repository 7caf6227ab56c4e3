//! The standard health check of gRPC.

use std::io;

use http::HeaderMap;
use hyper_util::rt::TokioIo;
use tonic::{
    Code, Request, Status,
    metadata::MetadataMap,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tower::service_fn;

use super::{Tools, chain};
use crate::probes::spec::{Grpc, MARK, Spec};

// === impl Tools ===

impl Tools {
    /// Asks whether a service serves.
    pub(super) async fn check(&self, spec: &Spec, grpc: &Grpc, headers: &HeaderMap) -> Result<(), String> {
        let mut client = HealthClient::new(self.channel(grpc).await?);
        let mut request = Request::new(HealthCheckRequest { service: grpc.service.clone() });
        let mut metadata = headers.clone();
        let mark = spec.id.parse().map_err(|_| "the probe's id is no value of a header".to_owned())?;
        metadata.insert(MARK, mark);
        *request.metadata_mut() = MetadataMap::from_headers(metadata);
        let status =
            client.check(request).await.map_err(|status| refusal(grpc, &status))?.into_inner().status();
        match status {
            ServingStatus::Serving => Ok(()),
            other => Err(format!("{} is {}, expected SERVING", service(grpc), other.as_str_name())),
        }
    }

    /// Over one connection of our own, which the address filter has let pass.
    async fn channel(&self, grpc: &Grpc) -> Result<Channel, String> {
        let stream = self.connect(&grpc.address).await?;
        let scheme = if grpc.tls { "https" } else { "http" };
        let endpoint = Endpoint::from_shared(format!("{scheme}://{}", grpc.address));
        let mut endpoint = endpoint.map_err(|error| chain(&error))?;
        if grpc.tls {
            let tls = match &self.roots {
                Some(roots) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(roots)),
                None => ClientTlsConfig::new().with_enabled_roots(),
            };
            endpoint = endpoint.tls_config(tls).map_err(|error| chain(&error))?;
        }
        let mut stream = Some(TokioIo::new(stream));
        let once = service_fn(move |_: http::Uri| {
            let stream = stream.take().ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected));
            async { stream }
        });
        endpoint.connect_with_connector(once).await.map_err(|error| chain(&error))
    }
}

fn service(grpc: &Grpc) -> String {
    match grpc.service.as_str() {
        "" => "the server".to_owned(),
        service => format!("the service {service}"),
    }
}

fn refusal(grpc: &Grpc, status: &Status) -> String {
    match status.code() {
        Code::NotFound => format!("the server does not know {}", service(grpc)),
        Code::Unimplemented => "the server does not have grpc.health.v1.Health".to_owned(),
        code => format!("the check ends with {code:?}: {}", chain(status)),
    }
}
