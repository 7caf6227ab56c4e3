//! Deliveries as the journal's streams make them.

use bellwether_resource::{Aggregate, Meta};

use super::{Delivery, Event};

/// The streams `deliveries/<id>`.
#[derive(Debug)]
pub enum Deliveries {}

/// An event of a delivery that was never queued: the journal is damaged.
#[derive(Debug, thiserror::Error)]
#[error("{0} of a delivery that was not queued")]
pub struct NotQueued(&'static str);

// === impl Deliveries ===

impl Aggregate for Deliveries {
    type State = Option<Delivery>;
    type Event = Event;
    type Illegal = NotQueued;

    const PREFIX: &'static str = "deliveries/";

    fn evolve(state: Self::State, event: &Event, meta: &Meta) -> Result<Self::State, NotQueued> {
        match (event, state) {
            (Event::Queued { delivery }, _) => Ok(Some(delivery.as_ref().clone())),
            (Event::Removed { .. }, _) => Ok(None),
            (_, Some(delivery)) => Ok(Some(delivery.after(event, meta.time))),
            (_, None) => Err(NotQueued(event.kind())),
        }
    }

    fn kind(event: &Event) -> &'static str {
        event.kind()
    }

    fn ended(state: &Self::State) -> bool {
        state.as_ref().is_none_or(|delivery| delivery.state.is_ended())
    }
}
