//! Several targets that lose the monitor or a source of it within a minute are one incident, not many.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bellwether_clock::{Env, Timestamp};

use crate::record::Incident;

/// Losses within this time belong together.
const WINDOW: Duration = Duration::from_secs(60);

/// Who lost something lately.
#[derive(Default)]
pub(crate) struct CommonMode(Mutex<Losses>);

#[derive(Default)]
struct Losses {
    by_target: BTreeMap<Arc<str>, Timestamp>,
    incident: Option<String>,
}

// === impl CommonMode ===

impl CommonMode {
    /// Notes that a target has lost the monitor or a source; the incident, when others have as well.
    pub(crate) fn lost(&self, target: &Arc<str>, env: &Env) -> Option<Incident> {
        let mut losses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        losses.by_target.retain(|_, at| env.since(*at) < WINDOW);
        if losses.by_target.is_empty() {
            losses.incident = None;
        }
        losses.by_target.insert(target.clone(), env.now());
        let targets = losses.by_target.len();
        if targets < 2 {
            return None;
        }
        let id = losses.incident.get_or_insert_with(|| env.uuid().to_string()).clone();
        Some(Incident { id, targets })
    }
}

#[cfg(test)]
mod tests {
    use bellwether_clock::ManualClock;

    use super::*;

    #[test]
    fn several_within_a_minute_are_one_incident() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let (env, mode) = (Env::new(clock.clone()), CommonMode::default());
        let lost = |name: &str| mode.lost(&Arc::from(name), &env);
        assert_eq!(lost("targets/a@p"), None);
        assert_eq!(lost("targets/a@p"), None);
        let second = lost("targets/b@p").unwrap();
        let third = lost("targets/c@p").unwrap();
        assert_eq!((second.id.as_str(), third.targets), (third.id.as_str(), 3));
        clock.advance(Duration::from_secs(61));
        assert_eq!(lost("targets/d@p"), None);
        assert_ne!(lost("targets/a@p").unwrap().id, second.id);
    }
}
