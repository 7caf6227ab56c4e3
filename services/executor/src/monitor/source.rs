//! Where verdicts come from.

use async_trait::async_trait;
use bellwether_proto::monitor::v1 as pb;
use futures::stream::BoxStream;
use tonic::Status;

/// A health-monitor, as far as the executor needs one.
///
/// # Expected flow
/// `start` or `update` until they succeed, whenever what should be watched has changed; one stream of `verdicts` for
/// all analyses, opened anew whenever it ends; `stop` once.
///
/// # Guarantees asked of an implementation
/// All calls are idempotent. The stream gives a sign at least once a second while all is well.
#[async_trait]
pub trait MonitorSource: Send + Sync + 'static {
    /// Starts an analysis; the same one again is no mistake.
    async fn start(&self, analysis: pb::Analysis) -> Result<(), Status>;

    /// Enters a segment, or corrects the present one.
    async fn update(&self, name: &str, segment: pb::Segment) -> Result<(), Status>;

    /// Ends an analysis; ending an ended or unknown one is no mistake.
    async fn stop(&self, name: &str) -> Result<(), Status>;

    /// Verdicts of all analyses: changes after `sequence` (0: the newest of each first), and refreshes.
    async fn verdicts(&self, sequence: i64) -> Result<BoxStream<'static, Result<Sign, Status>>, Status>;
}

/// What a stream of verdicts gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Sign {
    /// A change or a refresh.
    Verdict(Box<pb::Verdict>),
    /// It is alive.
    Alive,
}
