//! What the journal keeps of an analysis.

use std::sync::Arc;

use bellwether_judge::History;
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::{Aggregate, Entry, Meta, Store};
use serde::{Deserialize, Serialize};

/// Analyses as streams of the journal.
#[derive(Debug)]
pub struct Analyses;

/// The analyses.
pub type Records = Store<Analyses>;

/// One analysis at one version.
pub type Record = Arc<Entry<Analyses>>;

/// What happens to an analysis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// It began: with its definition, and what was known of the baseline at that moment.
    Started {
        /// As it was asked for, with its first segment.
        analysis: Box<pb::Analysis>,
        /// The baseline's past.
        history: Box<History>,
        /// The W3C `traceparent` of the call that began it: decisions continue its trace.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trace: Option<String>,
    },
    /// The rollout entered a segment, or corrected the present one.
    SegmentEntered {
        /// It.
        segment: pb::Segment,
    },
    /// The decision changed. FAIL ends the analysis.
    Decided {
        /// All of it; its sequence is the event's position.
        verdict: Box<pb::Verdict>,
    },
    /// Its owner ended it.
    Stopped,
    /// Nobody wanted it any more.
    Expired,
}

/// What the events add up to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// As it was asked for, with the present segment. None before it began.
    #[serde(default)]
    pub analysis: Option<Box<pb::Analysis>>,
    /// The baseline's past at the start.
    #[serde(default)]
    pub history: Box<History>,
    /// The trace that decisions continue.
    #[serde(default)]
    pub trace: Option<String>,
    /// The newest decision.
    #[serde(default)]
    pub verdict: Option<Box<pb::Verdict>>,
    /// The version of the event that brought it.
    #[serde(default)]
    pub verdict_version: u64,
    /// How it ended; None: it goes on.
    #[serde(default)]
    pub ending: Option<Ending>,
    /// The route revision of its first segment; 0: any.
    #[serde(default)]
    pub first_revision: i64,
}

/// How an analysis ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// By FAIL.
    Failed,
    /// By its owner.
    Stopped,
    /// By itself.
    Expired,
}

/// An event that cannot happen.
#[derive(Debug, thiserror::Error)]
#[error("{event} cannot happen: the analysis {state}")]
pub struct Illegal {
    event: &'static str,
    state: &'static str,
}

/// The event that changes a decision, as the journal calls it.
pub const DECIDED: &str = "VERDICT_DECIDED";

// === impl Analyses ===

impl Aggregate for Analyses {
    type State = State;
    type Event = Event;
    type Illegal = Illegal;

    const PREFIX: &'static str = "analyses/";

    fn evolve(mut state: State, event: &Event, meta: &Meta) -> Result<State, Illegal> {
        state.allows(event)?;
        match event {
            Event::Started { analysis, history, trace } => {
                state.first_revision = analysis.segment.map_or(0, |segment| segment.route_revision);
                state.analysis = Some(analysis.clone());
                state.history = history.clone();
                state.trace.clone_from(trace);
            }
            Event::SegmentEntered { segment } => {
                if let Some(analysis) = &mut state.analysis {
                    analysis.segment = Some(*segment);
                }
            }
            Event::Decided { verdict } => {
                let failed = verdict.decision == i32::from(pb::Decision::Fail);
                state.ending = failed.then_some(Ending::Failed);
                state.verdict = Some(verdict.clone());
                state.verdict_version = meta.version;
            }
            Event::Stopped => state.ending = Some(Ending::Stopped),
            Event::Expired => state.ending = Some(Ending::Expired),
        }
        Ok(state)
    }

    fn kind(event: &Event) -> &'static str {
        match event {
            Event::Started { .. } => "ANALYSIS_STARTED",
            Event::SegmentEntered { .. } => "SEGMENT_ENTERED",
            Event::Decided { .. } => DECIDED,
            Event::Stopped => "ANALYSIS_STOPPED",
            Event::Expired => "ANALYSIS_EXPIRED",
        }
    }

    fn ended(state: &State) -> bool {
        state.ending.is_some()
    }
}

// === impl State ===

impl State {
    /// Whether it takes samples and gives verdicts.
    pub fn is_active(&self) -> bool {
        self.analysis.is_some() && self.ending.is_none()
    }

    fn allows(&self, event: &Event) -> Result<(), Illegal> {
        let begins = matches!(event, Event::Started { .. });
        let state = match (&self.analysis, self.ending) {
            (None, _) if !begins => "does not exist",
            (Some(_), _) if begins => "exists",
            (_, Some(_)) => "has ended",
            _ => return Ok(()),
        };
        Err(Illegal { event: Analyses::kind(event), state })
    }
}

#[cfg(test)]
mod tests {
    use bellwether_clock::Timestamp;

    use super::*;

    fn after(events: &[Event]) -> Result<State, Illegal> {
        let meta = |i: usize| Meta { version: i as u64 + 1, time: Timestamp::UNIX_EPOCH };
        let step = |state, (i, event)| Analyses::evolve(state, event, &meta(i));
        events.iter().enumerate().try_fold(State::default(), step)
    }

    fn started() -> Event {
        Event::Started { analysis: Box::default(), history: Box::default(), trace: None }
    }

    fn decided(decision: pb::Decision) -> Event {
        Event::Decided { verdict: Box::new(pb::Verdict { decision: decision.into(), ..Default::default() }) }
    }

    #[test]
    fn fail_is_final_and_pass_is_not() {
        let state = after(&[started(), decided(pb::Decision::Pass), decided(pb::Decision::Fail)]).unwrap();
        assert_eq!((state.ending, state.verdict_version), (Some(Ending::Failed), 3));
        assert!(after(&[started(), decided(pb::Decision::Fail), decided(pb::Decision::Pass)]).is_err());
        assert!(after(&[started(), Event::Stopped, Event::Expired]).is_err());
    }

    #[test]
    fn nothing_happens_before_the_start_and_no_second_start() {
        assert!(after(&[decided(pb::Decision::Pass)]).is_err());
        assert!(after(&[started(), started()]).is_err());
    }

    #[test]
    fn events_survive_the_journal() {
        let segment = pb::Segment { index: 3, candidate_share_percent: 12.5, ..Default::default() };
        for event in
            [started(), Event::SegmentEntered { segment }, decided(pb::Decision::NoData), Event::Expired]
        {
            let text = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event, "{text}");
        }
    }
}
