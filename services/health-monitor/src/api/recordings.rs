//! Recordings, and what is made of them.

use std::time::Duration;

use bellwether_clock::spawn;
use bellwether_proto::monitor::v1::{self as pb, get_recording_response::Message};
use bellwether_resource::{
    Violations,
    error::{INTERNAL, Problem, STORAGE_FAILED},
    name,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{Api, missing};
use crate::{
    monitor,
    recording::{self, AROUND, Question, RecordingError, Story},
};

/// Seconds in one message: well within the 4 MiB of a message.
const SECONDS: usize = 300;
const MOST_FAULTS: usize = 16;
/// The recordings follow the journal within milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

type Sent = Result<pb::GetRecordingResponse, Status>;

// === impl Api ===

impl Api {
    pub(super) async fn recording(
        &self,
        request: pb::GetRecordingRequest,
    ) -> Result<ReceiverStream<Sent>, Status> {
        let story = self.story(&request.name).await?;
        let seconds = self.around(&story).await?;
        let (out, stream) = mpsc::channel(4);
        spawn("recording", async move {
            let mut messages = vec![Message::Analysis(story.shown())];
            let part = |part: &[pb::RecordedSecond]| {
                Message::Seconds(pb::RecordedSeconds { seconds: part.to_vec() })
            };
            messages.extend(seconds.chunks(SECONDS).map(part));
            for message in messages {
                if out.send(Ok(pb::GetRecordingResponse { message: Some(message) })).await.is_err() {
                    return;
                }
            }
        });
        Ok(ReceiverStream::new(stream))
    }

    pub(super) async fn impact(
        &self,
        request: pb::GetImpactRequest,
    ) -> Result<pb::GetImpactResponse, Status> {
        let story = self.story(&request.name).await?;
        let seconds = self.around(&story).await?;
        let sessions = self.monitor.recorder.sessions_of(&request.name).await.map_err(unreadable)?;
        Ok(recording::impact(&story, &seconds, sessions.as_ref(), self.monitor.now()))
    }

    pub(super) async fn replay(
        &self,
        request: pb::ReplayRecordingRequest,
    ) -> Result<pb::ReplayRecordingResponse, Status> {
        let mut violations = Violations::new();
        violations.name("name", &request.name, name::ANALYSIS);
        violations.check(
            request.faults.len() <= MOST_FAULTS,
            "faults",
            request.faults.len(),
            "at most 16 faults",
        );
        for (index, fault) in request.faults.iter().take(MOST_FAULTS).enumerate() {
            violations.enumeration::<pb::Fault>(&format!("faults[{index}]"), *fault);
        }
        let after =
            violations.duration("fault_after", request.fault_after.as_ref(), Duration::ZERO..=24 * AROUND);
        violations.finish()?;
        let story = self.story(&request.name).await?;
        let seconds = self.around(&story).await?;
        let policy = request.policy.or_else(|| story.analysis.policy.clone());
        let definition = monitor::define(&pb::Analysis { policy, ..(*story.analysis).clone() })?;
        let mut faults = vec![pb::Fault::Unspecified];
        faults.extend(request.faults.iter().filter_map(|fault| pb::Fault::try_from(*fault).ok()));
        // some tens of microseconds for each second: too long for a thread that verdicts wait on
        let done = tokio::task::spawn_blocking(move || {
            let question = |fault| Question {
                story: &story,
                seconds: &seconds,
                definition: &definition,
                fault,
                fault_after: after.unwrap_or_default(),
                curves: request.curves,
            };
            let replays = faults.into_iter().map(|fault| recording::replay(&question(fault))).collect();
            pb::ReplayRecordingResponse { replays, verdicts: story.verdicts }
        });
        done.await.map_err(|_| INTERNAL.because("the replay ended early").into())
    }

    async fn story(&self, analysis: &str) -> Result<Story, Status> {
        let mut violations = Violations::new();
        violations.name("name", analysis, name::ANALYSIS);
        violations.finish()?;
        // what was answered before this call is in it
        let head = *self.monitor.records.journal().head().borrow();
        if tokio::time::timeout(PATIENCE, self.monitor.recorder.caught_up(head)).await.is_err() {
            return Err(STORAGE_FAILED.because("the recordings lag behind the journal").into());
        }
        let found = self.monitor.recorder.store().story(analysis).await.map_err(unreadable)?;
        found.ok_or_else(|| missing(analysis).into())
    }

    /// The seconds around a rollout.
    async fn around(&self, story: &Story) -> Result<Vec<pb::RecordedSecond>, Status> {
        let until = story.ended.unwrap_or(self.monitor.now()) + AROUND;
        let seconds = self.monitor.recorder.seconds(&story.analysis.target, story.began - AROUND, until);
        Ok(seconds.await.map_err(unreadable)?)
    }
}

fn unreadable(error: RecordingError) -> Problem {
    tracing::error!(error = &error as &dyn std::error::Error, "a recording cannot be read");
    STORAGE_FAILED.because("the service cannot read its recordings")
}
