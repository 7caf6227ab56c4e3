//! What the journal keeps of a probe.

use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::{Aggregate, Entry, Meta, Store};
use serde::{Deserialize, Serialize};

/// Probes as streams of the journal: `probes/<id>`.
#[derive(Debug)]
pub struct Probed;

/// The probes.
pub type Records = Store<Probed>;

/// One probe at one version.
pub type Record = Entry<Probed>;

/// What happens to a probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// It was created or changed.
    Applied {
        /// As it is to be, without what is output only.
        probe: Box<pb::Probe>,
        /// Who did it.
        by: String,
    },
    /// It was removed.
    Deleted {
        /// Who did it.
        by: String,
        /// Why.
        reason: String,
    },
}

/// What the events add up to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// As it is. None: it was removed, or never there.
    #[serde(default)]
    pub probe: Option<Box<pb::Probe>>,
}

/// An event that cannot happen.
#[derive(Debug, thiserror::Error)]
#[error("PROBE_DELETED cannot happen: there is no such probe")]
pub struct Illegal;

// === impl Probed ===

impl Aggregate for Probed {
    type State = State;
    type Event = Event;
    type Illegal = Illegal;

    const PREFIX: &'static str = "probes/";

    fn evolve(state: State, event: &Event, _: &Meta) -> Result<State, Illegal> {
        match event {
            Event::Applied { probe, .. } => Ok(State { probe: Some(probe.clone()) }),
            Event::Deleted { .. } if state.probe.is_none() => Err(Illegal),
            Event::Deleted { .. } => Ok(State { probe: None }),
        }
    }

    fn kind(event: &Event) -> &'static str {
        match event {
            Event::Applied { .. } => "PROBE_APPLIED",
            Event::Deleted { .. } => "PROBE_DELETED",
        }
    }

    fn ended(state: &State) -> bool {
        state.probe.is_none()
    }
}

#[cfg(test)]
mod tests {
    use bellwether_clock::Timestamp;

    use super::*;

    fn after(events: &[Event]) -> Result<State, Illegal> {
        let meta = Meta { version: 1, time: Timestamp::UNIX_EPOCH };
        events.iter().try_fold(State::default(), |state, event| Probed::evolve(state, event, &meta))
    }

    #[test]
    fn a_removed_probe_may_come_back() {
        let applied = || Event::Applied { probe: Box::default(), by: "ada".into() };
        let deleted = || Event::Deleted { by: "ada".into(), reason: "moved".into() };
        assert!(after(&[deleted()]).is_err());
        assert!(after(&[applied(), deleted(), deleted()]).is_err());
        let gone = after(&[applied(), deleted()]).unwrap();
        assert!(Probed::ended(&gone));
        assert!(!Probed::ended(&after(&[applied(), deleted(), applied()]).unwrap()));
        for event in [applied(), deleted()] {
            let text = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event, "{text}");
        }
    }
}
