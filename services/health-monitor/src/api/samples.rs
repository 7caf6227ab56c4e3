//! Samples in.

use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::Violations;
use bellwether_server::Caller;
use prost::Message as _;
use tonic::{Status, Streaming};

use super::{Api, application};
use crate::{convert, pushers::Pushing};

// === impl Api ===

impl Api {
    /// Reads batch after batch, as fast as they can be judged and the client's share allows: the transport's flow control holds
    /// it back.
    pub(super) async fn samples(
        &self,
        caller: &Caller,
        mut stream: Streaming<pb::PushSamplesRequest>,
    ) -> Result<pb::PushSamplesResponse, Status> {
        let mut accepted_batches = 0;
        let pushing = self.pushers.open(&caller.principal, self.monitor.now())?;
        while let Some(request) = stream.message().await? {
            pushing.spend(request.encoded_len(), self.monitor.now());
            self.take(caller, &pushing, request).inspect_err(|_| {
                self.monitor.metrics.refused.inc();
            })?;
            accepted_batches += 1;
            while let Some(pause) = pushing.pause(self.monitor.now()) {
                tokio::time::sleep(pause).await;
            }
        }
        Ok(pb::PushSamplesResponse { accepted_batches })
    }

    fn take(
        &self,
        caller: &Caller,
        pushing: &Pushing,
        request: pb::PushSamplesRequest,
    ) -> Result<(), Status> {
        let mut violations = Violations::new();
        let batch = violations.required("batch", request.batch).unwrap_or_default();
        let batches =
            violations.within("batch", |violations| convert::batches(violations, &batch, self.monitor.now()));
        violations.finish()?;
        for target in batches.keys() {
            caller.require_scope("", application(target))?;
        }
        pushing.names(&batch, self.monitor.now())?;
        self.monitor.ingest(&batches);
        Ok(())
    }
}
