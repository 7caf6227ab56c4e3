//! One message on its way to one receiver, and what may happen to it.

use bellwether_clock::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::message::{Class, Message, Reason};

/// One message on its way to one receiver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Derived from fact and receiver.
    pub id: Uuid,
    /// The receiver's name.
    pub receiver: String,
    /// The message.
    pub message: Message,
    /// Where it stands.
    pub state: State,
    /// Why it stands there; none while nothing has gone wrong.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// Attempts since it was queued or replayed.
    pub attempt_count: u32,
    /// Steps of the retry schedule that are used up.
    pub step: u32,
    /// The last attempts, oldest first; at most [`MAX_ATTEMPTS`].
    pub attempts: Vec<Attempt>,
    /// When the next attempt is due, while pending.
    #[serde(default)]
    pub next_attempt: Option<Timestamp>,
    /// Its place among all that ever waited: the lower goes first.
    pub order: u64,
    /// When it was queued, or replayed.
    pub since: Timestamp,
    /// When it was queued.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// The version of its stream.
    pub version: u64,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits to be sent, or to be sent again.
    Pending,
    /// The receiver has it.
    Delivered,
    /// A newer one took its place.
    Coalesced,
    /// Given up; can be replayed.
    Dead,
}

/// One try.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    pub time: Timestamp,
    /// How long it took, milliseconds.
    pub latency_ms: u64,
    /// The HTTP status, where there was one.
    #[serde(default)]
    pub status: Option<u16>,
    /// Why it failed; none when it succeeded.
    #[serde(default)]
    pub failure: Option<Reason>,
}

/// A fact of a delivery's stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Event {
    /// It was queued; the delivery as it begins.
    Queued {
        /// It.
        delivery: Box<Delivery>,
    },
    /// An attempt failed; there will be another.
    AttemptFailed {
        /// The attempt.
        attempt: Attempt,
        /// Steps of the schedule used up by now.
        step: u32,
        /// When the next is due.
        next_attempt: Timestamp,
    },
    /// The receiver has it.
    Delivered {
        /// The attempt.
        attempt: Attempt,
    },
    /// A newer one took its place.
    Coalesced {
        /// The newer one.
        by: Uuid,
        /// The attempt that failed meanwhile, where there was one.
        #[serde(default)]
        attempt: Option<Attempt>,
    },
    /// It was given up.
    Dead {
        /// Why.
        reason: Reason,
        /// The last attempt, where one led to it.
        #[serde(default)]
        attempt: Option<Attempt>,
    },
    /// It is sent again.
    Replayed {
        /// Why, as given.
        reason: Reason,
        /// Its new place.
        order: u64,
    },
    /// Retention took it.
    Removed {
        /// As it was.
        delivery: Box<Delivery>,
    },
}

/// How many attempts are kept.
pub const MAX_ATTEMPTS: usize = 10;

// === impl Delivery ===

impl Delivery {
    /// A new one, due now.
    pub fn new(id: Uuid, receiver: &str, message: Message, order: u64, now: Timestamp) -> Self {
        Self {
            id,
            receiver: receiver.to_owned(),
            message,
            state: State::Pending,
            reason: None,
            attempt_count: 0,
            step: 0,
            attempts: Vec::new(),
            next_attempt: Some(now),
            order,
            since: now,
            created: now,
            updated: now,
            version: 0,
        }
    }

    /// The resource's name.
    pub fn name(&self) -> String {
        format!("deliveries/{}", self.id)
    }

    /// What identifies it to the receiver: the same on every attempt and replay.
    pub fn message_id(&self) -> String {
        format!("msg_{}", self.id.simple())
    }

    /// Whether a newer one about the same subject replaces it.
    pub fn is_progress(&self) -> bool {
        self.message.class == Class::Progress
    }

    /// The delivery after `event`.
    pub fn after(&self, event: &Event, time: Timestamp) -> Self {
        let mut next = self.clone();
        next.version += 1;
        next.updated = time;
        next.apply(event, time);
        next
    }

    fn apply(&mut self, event: &Event, time: Timestamp) {
        match event {
            Event::Queued { .. } | Event::Removed { .. } => {}
            Event::AttemptFailed { attempt, step, next_attempt } => {
                self.reason.clone_from(&attempt.failure);
                self.push(attempt);
                self.step = *step;
                self.next_attempt = Some(*next_attempt);
            }
            Event::Delivered { attempt } => {
                self.push(attempt);
                self.end(State::Delivered, None);
            }
            Event::Coalesced { by, attempt } => {
                attempt.iter().for_each(|attempt| self.push(attempt));
                let reason = Reason::new("COALESCED", "a newer message took its place");
                self.end(State::Coalesced, Some(reason.with("by", format!("deliveries/{by}"))));
            }
            Event::Dead { reason, attempt } => {
                attempt.iter().for_each(|attempt| self.push(attempt));
                self.end(State::Dead, Some(reason.clone()));
            }
            Event::Replayed { reason, order } => self.begin_again(reason, *order, time),
        }
    }

    fn push(&mut self, attempt: &Attempt) {
        self.attempt_count += 1;
        if self.attempts.len() == MAX_ATTEMPTS {
            self.attempts.remove(0);
        }
        self.attempts.push(attempt.clone());
    }

    fn end(&mut self, state: State, reason: Option<Reason>) {
        self.state = state;
        self.reason = reason;
        self.next_attempt = None;
    }

    fn begin_again(&mut self, reason: &Reason, order: u64, time: Timestamp) {
        self.state = State::Pending;
        self.reason = Some(reason.clone());
        self.attempt_count = 0;
        self.step = 0;
        self.next_attempt = Some(time);
        self.since = time;
        self.order = order;
    }
}

// === impl State ===

impl State {
    /// As in filters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Delivered => "DELIVERED",
            Self::Coalesced => "COALESCED",
            Self::Dead => "DEAD",
        }
    }

    /// Whether nothing more happens by itself.
    pub fn is_ended(self) -> bool {
        match self {
            Self::Pending => false,
            Self::Delivered | Self::Coalesced | Self::Dead => true,
        }
    }
}

// === impl Event ===

impl Event {
    /// Its kind, as in the journal and on the Watch.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Queued { .. } => "DELIVERY_QUEUED",
            Self::AttemptFailed { .. } => "DELIVERY_ATTEMPT_FAILED",
            Self::Delivered { .. } => "DELIVERY_DELIVERED",
            Self::Coalesced { .. } => "DELIVERY_COALESCED",
            Self::Dead { .. } => "DELIVERY_DEAD",
            Self::Replayed { .. } => "DELIVERY_REPLAYED",
            Self::Removed { .. } => "DELIVERY_REMOVED",
        }
    }
}
