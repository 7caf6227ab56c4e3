//! The executor, as the planner calls it.

use std::time::Duration;

use bellwether_client::Transport;
use bellwether_plan::{Approver, ApproverKind};
use bellwether_proto::executor::v1::executor_service_client::ExecutorServiceClient;

/// The executor.
#[derive(Clone, Debug)]
pub(crate) struct Executor {
    transport: Transport,
}

pub(crate) type Client = ExecutorServiceClient<Transport>;

// === impl Executor ===

impl Executor {
    pub(crate) fn new(transport: Transport) -> Self {
        Self { transport }
    }

    /// Calls as the planner.
    pub(crate) fn client(&self) -> Client {
        ExecutorServiceClient::new(self.transport.clone())
    }

    /// Calls on behalf of somebody, who is answerable for what is done.
    pub(crate) fn acting_for(&self, by: &Approver) -> Client {
        ExecutorServiceClient::new(self.as_somebody(by))
    }

    /// The same, for calls that are not waited for longer than this.
    pub(crate) fn acting_for_within(&self, by: &Approver, patience: Duration) -> Client {
        ExecutorServiceClient::new(self.as_somebody(by).within(patience))
    }

    fn as_somebody(&self, by: &Approver) -> Transport {
        let kind = match by.kind {
            ApproverKind::Human => "human",
            ApproverKind::Agent => "agent",
            ApproverKind::Service => "service",
            ApproverKind::Local => "local",
        };
        let principal = format!("{kind}/{}", by.id);
        self.transport.acting_for(&principal, &by.roles.join(","))
    }
}
