//! How many sessions had requests on a fleet, and how many had failed ones: sketches, as the sessions themselves are
//! nobody's business. A session is known by a secret hash of a cookie or a header.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    },
};

use bellwether_sketch::{REGISTERS, Sketch, place};
use http::{HeaderMap, HeaderName};
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher24;

use super::{matching::cookies, table::SessionKey};

/// Ranks travel as characters that JSON leaves as they are: none of those up to 53 beyond this one is `\`.
const FIRST_CHARACTER: u8 = b'#';

/// Reads the session of a request.
#[derive(Debug)]
pub struct SessionTest {
    key: Named,
    hasher: SipHasher24,
}

#[derive(Debug)]
enum Named {
    Cookie(String),
    Header(HeaderName),
}

/// Whose sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SessionsOf {
    /// The target's name.
    pub target: String,
    /// The fleet's id.
    pub fleet: String,
    /// The route revision under which the requests were routed.
    pub revision: u64,
}

/// The sessions of one fleet under one revision. Noting one takes no lock, except the few times that it changes
/// anything.
#[derive(Debug)]
pub struct FleetSessions {
    seen: Registers,
    failed: Registers,
    /// The growth that changed it last.
    grown: AtomicU64,
    growth: Arc<Mutex<u64>>,
}

#[derive(Debug)]
struct Registers(Box<[AtomicU8; REGISTERS]>);

/// All sessions of a gateway.
#[derive(Debug, Default)]
pub struct Sessions {
    /// Grows whenever any sketch does.
    growth: Arc<Mutex<u64>>,
    fleets: Mutex<HashMap<SessionsOf, Entry>>,
}

#[derive(Debug)]
struct Entry {
    sessions: Arc<FleetSessions>,
    /// Sweeps during which nothing but this entry held them.
    unused: u32,
}

/// The sketches of one fleet, as they are told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionSample {
    /// Whose.
    pub of: SessionsOf,
    /// Of sessions that had any request.
    #[serde(with = "ranks")]
    pub seen: Sketch,
    /// Of those that had a failed one.
    #[serde(with = "ranks")]
    pub failed: Sketch,
}

// === impl SessionTest ===

impl SessionTest {
    /// By this key, under this secret.
    ///
    /// # Errors
    /// A header name that is none.
    pub fn new(key: &SessionKey, secret: [u64; 2]) -> Result<Self, String> {
        let key = match key {
            SessionKey::Cookie(name) => Named::Cookie(name.clone()),
            SessionKey::Header(name) => {
                Named::Header(name.parse().map_err(|_| format!("{name:?} is no header name"))?)
            }
        };
        Ok(Self { key, hasher: SipHasher24::new_with_keys(secret[0], secret[1]) })
    }

    /// The hash of a request's session; none: it has none.
    pub fn of(&self, headers: &HeaderMap) -> Option<u64> {
        let value = match &self.key {
            Named::Header(name) => headers.get(name)?.as_bytes(),
            Named::Cookie(name) => {
                let mut mine = cookies(headers).filter(|(sent, _)| sent == name);
                mine.next()?.1.as_bytes()
            }
        };
        (!value.is_empty()).then(|| self.hasher.hash(value))
    }
}

// === impl Sessions ===

impl Sessions {
    /// Those of a fleet; the same ones for the same fleet and revision.
    pub fn fleet(&self, of: SessionsOf) -> Arc<FleetSessions> {
        let mut fleets = self.fleets();
        let new = || Entry { sessions: Arc::new(FleetSessions::new(self.growth.clone())), unused: 0 };
        let entry = fleets.entry(of).or_insert_with(new);
        entry.unused = 0;
        entry.sessions.clone()
    }

    /// How often anything has grown; 0: there are no sessions.
    pub fn growth(&self) -> u64 {
        *locked(&self.growth)
    }

    /// Everything that has grown since, and until when that holds.
    pub fn since(&self, growth: u64) -> (u64, Vec<SessionSample>) {
        let until = self.growth();
        let fleets = self.fleets();
        let grown = fleets.iter().filter(|(_, entry)| entry.sessions.grown.load(Relaxed) > growth);
        let sample = |(of, entry): (&SessionsOf, &Entry)| SessionSample {
            of: of.clone(),
            seen: entry.sessions.seen.read(),
            failed: entry.sessions.failed.read(),
        };
        (until, grown.map(sample).collect())
    }

    /// Forgets those that no route and no request has held for `sweeps` calls in a row.
    pub fn sweep(&self, sweeps: u32) {
        self.fleets().retain(|_, entry| {
            entry.unused = if Arc::strong_count(&entry.sessions) > 1 { 0 } else { entry.unused + 1 };
            entry.unused <= sweeps
        });
    }

    fn fleets(&self) -> MutexGuard<'_, HashMap<SessionsOf, Entry>> {
        locked(&self.fleets)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl FleetSessions ===

impl FleetSessions {
    fn new(growth: Arc<Mutex<u64>>) -> Self {
        Self { seen: Registers::new(), failed: Registers::new(), grown: AtomicU64::new(0), growth }
    }

    /// A session, by its hash, had a request.
    pub fn note(&self, session: u64, failed: bool) {
        let place = place(session);
        let mut grew = self.seen.raise(place);
        grew |= failed && self.failed.raise(place);
        if grew {
            // after the registers: whoever sees this growth sees them too
            let mut growth = locked(&self.growth);
            *growth += 1;
            self.grown.store(*growth, Relaxed);
        }
    }
}

// === impl Registers ===

impl Registers {
    fn new() -> Self {
        Self(Box::new([const { AtomicU8::new(0) }; REGISTERS]))
    }

    fn raise(&self, (index, rank): (usize, u8)) -> bool {
        let Some(register) = self.0.get(index) else { return false };
        // reading alone leaves the line with every core that has it
        register.load(Relaxed) < rank && register.fetch_max(rank, Relaxed) < rank
    }

    fn read(&self) -> Sketch {
        Sketch::from_ranks(self.0.iter().map(|register| register.load(Relaxed)))
    }
}

/// A sketch as text: a character for each register, up to the last one that has seen anything.
mod ranks {
    use super::{FIRST_CHARACTER, Sketch};

    pub fn serialize<S: serde::Serializer>(sketch: &Sketch, serializer: S) -> Result<S::Ok, S::Error> {
        let ranks = sketch.ranks();
        let end = ranks.iter().rposition(|rank| *rank > 0).map_or(0, |last| last + 1);
        let text: String = ranks.iter().take(end).map(|rank| char::from(FIRST_CHARACTER + rank)).collect();
        serializer.serialize_str(&text)
    }

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Sketch, D::Error> {
        let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
        Ok(Sketch::from_ranks(text.bytes().map(|character| character.saturating_sub(FIRST_CHARACTER))))
    }
}

#[cfg(test)]
mod tests;
