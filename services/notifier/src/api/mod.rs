//! The calls of `notifier.v1.NotifierService`.

mod deliveries;
mod reasons;
mod routing;
mod view;

use std::sync::Arc;

use bellwether_clock::Env;
use bellwether_egress::AddressPolicy;
use bellwether_proto::notifier::v1::{self as pb, notifier_service_server::NotifierService};
use bellwether_resource::{Call, error::Problem, watch::WatchStream};
use bellwether_server::{Caller, Shutdown};
use serde::Serialize;
use tonic::{Request, Response, Status, async_trait};

use crate::{outbox::Outbox, send::Board};

pub use reasons::REASONS;

/// What the calls need.
pub(crate) struct Api {
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) board: Arc<Board>,
    pub(crate) policy: AddressPolicy,
    pub(crate) env: Env,
}

const SERVICE: &str = "bellwether.notifier.v1.NotifierService";

// === impl Api ===

impl Api {
    fn call(
        caller: &Caller,
        method: &str,
        request_id: &str,
        payload: &impl Serialize,
    ) -> Result<Call, Problem> {
        Call::new(&caller.principal.to_string(), &format!("{SERVICE}/{method}"), request_id, payload)
    }
}

#[async_trait]
impl NotifierService for Api {
    type WatchDeliveriesStream = WatchStream<pb::WatchDeliveriesResponse>;

    async fn apply_routing(
        &self,
        request: Request<pb::ApplyRoutingRequest>,
    ) -> Result<Response<pb::ApplyRoutingResponse>, Status> {
        let caller = Caller::of(request.extensions())?;
        self.apply_routing(&caller, request.into_inner()).await.map(Response::new)
    }

    async fn get_routing(
        &self,
        _request: Request<pb::GetRoutingRequest>,
    ) -> Result<Response<pb::GetRoutingResponse>, Status> {
        Ok(Response::new(self.get_routing().await))
    }

    async fn preview_routing(
        &self,
        request: Request<pb::PreviewRoutingRequest>,
    ) -> Result<Response<pb::PreviewRoutingResponse>, Status> {
        self.preview_routing(request.into_inner()).await.map(Response::new)
    }

    async fn send_test(
        &self,
        request: Request<pb::SendTestRequest>,
    ) -> Result<Response<pb::SendTestResponse>, Status> {
        let caller = Caller::of(request.extensions())?;
        self.send_test(&caller, request.into_inner()).await.map(Response::new)
    }

    async fn list_deliveries(
        &self,
        request: Request<pb::ListDeliveriesRequest>,
    ) -> Result<Response<pb::ListDeliveriesResponse>, Status> {
        self.list_deliveries(request.into_inner()).await.map(Response::new)
    }

    async fn replay_delivery(
        &self,
        request: Request<pb::ReplayDeliveryRequest>,
    ) -> Result<Response<pb::ReplayDeliveryResponse>, Status> {
        let caller = Caller::of(request.extensions())?;
        self.replay_delivery(&caller, request.into_inner()).await.map(Response::new)
    }

    async fn watch_deliveries(
        &self,
        request: Request<pb::WatchDeliveriesRequest>,
    ) -> Result<Response<Self::WatchDeliveriesStream>, Status> {
        let shutdown = Shutdown::of(request.extensions());
        let ended = async move { shutdown.triggered().await };
        let request = request.into_inner();
        let stream =
            self.outbox.store().watch(view::DeliveryView, &request.filter, &request.resume_token, ended)?;
        Ok(stream.respond())
    }
}
