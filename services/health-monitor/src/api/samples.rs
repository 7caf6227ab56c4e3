//! Samples in.

use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::Violations;
use bellwether_server::Caller;
use tonic::{Status, Streaming};

use super::{Api, application};
use crate::convert;

// === impl Api ===

impl Api {
    /// Reads batch after batch, as fast as they can be judged: the transport's flow control holds the client back.
    pub(super) async fn samples(
        &self,
        caller: &Caller,
        mut stream: Streaming<pb::PushSamplesRequest>,
    ) -> Result<pb::PushSamplesResponse, Status> {
        let mut accepted_batches = 0;
        while let Some(request) = stream.message().await? {
            self.take(caller, request).inspect_err(|_| {
                self.monitor.metrics.refused.inc();
            })?;
            accepted_batches += 1;
        }
        Ok(pb::PushSamplesResponse { accepted_batches })
    }

    fn take(&self, caller: &Caller, request: pb::PushSamplesRequest) -> Result<(), Status> {
        let mut violations = Violations::new();
        let batch = violations.required("batch", request.batch).unwrap_or_default();
        let batches =
            violations.within("batch", |violations| convert::batches(violations, &batch, self.monitor.now()));
        violations.finish()?;
        for target in batches.keys() {
            caller.require_scope("", application(target))?;
        }
        self.monitor.ingest(&batches);
        Ok(())
    }
}
