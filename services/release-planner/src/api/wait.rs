//! Waiting for a release.

use std::time::Duration;

use bellwether_plan::{EnvironmentId, Release, Stage};
use bellwether_proto::planner::v1::{self as pb, wait_release_request::Until};
use bellwether_resource::{Violations, error::Problem};
use bellwether_server::{Deadline, Shutdown};
use futures::StreamExt as _;
use tonic::Status;

use crate::{
    engine::{NEEDS_OPERATOR, WAITS_AT_GATE},
    planner::{Planner, no_release},
    validate,
};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DEFAULT: Duration = Duration::from_secs(5 * 60);
/// The answer must be there before the caller stops waiting.
const TO_ANSWER: Duration = Duration::from_millis(250);

// === impl Planner ===

impl Planner {
    /// Answers when the release is where it is waited for, or when the time is over. `deadline` is when the caller stops
    /// waiting for an answer.
    pub(super) async fn wait_release(
        &self,
        request: pb::WaitReleaseRequest,
        deadline: Option<Deadline>,
        ended: Shutdown,
    ) -> Result<pb::WaitReleaseResponse, Status> {
        let mut violations = Violations::new();
        let id = validate::release_id(&mut violations, "name", &request.name);
        let until = violations.enumeration::<Until>("until", request.until).unwrap_or(Until::Unspecified);
        let environment =
            validate::optional_environment(&mut violations, "environment", &request.environment);
        let timeout = violations.duration("timeout", request.timeout.as_ref(), Duration::ZERO..=HOUR);
        violations.finish()?;
        let filter = format!("name = {:?}", request.name);
        let watch = pb::WatchReleasesRequest { filter, resume_token: String::new() };
        // the watch tells of each change after it can be read; the journal's head would tell before
        let mut changes = self.watch_releases(&watch, async move { ended.triggered().await })?;
        let left = deadline.map_or(HOUR, |deadline| deadline.left(self.env()).saturating_sub(TO_ANSWER));
        let time = tokio::time::sleep(timeout.unwrap_or(DEFAULT).min(left));
        tokio::pin!(time);
        loop {
            if self.reached(id.as_str(), until, environment.as_ref())? {
                return Ok(pb::WaitReleaseResponse {
                    release: Some(self.release(id.as_str())?),
                    reached: true,
                });
            }
            tokio::select! {
                change = changes.next() => drop(change.ok_or_else(Shutdown::status)??),
                () = &mut time => {
                    return Ok(pb::WaitReleaseResponse { release: Some(self.release(id.as_str())?), reached: false });
                }
            }
        }
    }

    fn reached(&self, id: &str, until: Until, environment: Option<&EnvironmentId>) -> Result<bool, Problem> {
        let book = self.stores().book();
        let release = book.release(id).ok_or_else(|| no_release(id))?;
        Ok(match until {
            Until::Unspecified | Until::Final => is_over(release),
            Until::Live => {
                let last = release.plan.environments.last().map(|part| &part.environment);
                let stage = environment.or(last).and_then(|environment| release.stages.get(environment));
                stage.is_none_or(|stage| stage.state.is_live()) || is_over(release)
            }
            Until::Attention => is_over(release) || release.stages.values().any(waits_for_somebody),
        })
    }
}

/// Nothing more happens by itself: all stages have ended, or one that the rest depends on went wrong.
fn is_over(release: &Release) -> bool {
    use bellwether_plan::ReleaseState as S;
    match release.state() {
        S::Waiting | S::RollingOut | S::Soaking => false,
        S::Completed
        | S::Failed
        | S::RolledBack
        | S::Rejected
        | S::Cancelled
        | S::Expired
        | S::Superseded => true,
    }
}

/// Codes of conditions that only somebody can change.
fn waits_for_somebody(stage: &Stage) -> bool {
    const BY_HAND: &[&str] = &[
        "APPROVAL",
        "PROMOTION_MANUAL",
        "HELD",
        "HELD_AFTER_ROLLBACK",
        "HELD_ON_OLDER_VERSION",
        "FAILED_HERE",
    ];
    let asks = stage.state.is_waiting() && BY_HAND.contains(&stage.code.as_str());
    asks || [NEEDS_OPERATOR, WAITS_AT_GATE].contains(&stage.code.as_str())
}
