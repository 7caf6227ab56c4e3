//! Which targets have lost what, and which of them lost it together.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bellwether_clock::{Env, Timestamp};
use tokio::sync::watch;

/// Losses within this time belong together.
const WINDOW: Duration = Duration::from_secs(60);

/// What a target has lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Loss {
    /// `monitor`, or a source.
    pub(crate) what: String,
    /// Since when.
    pub(crate) since: Timestamp,
    /// The incident that it is part of already.
    pub(crate) incident: Option<String>,
}

/// One thing that several targets have lost together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// The incident's id.
    pub(crate) id: String,
    /// What was lost.
    pub(crate) what: String,
    /// The target that lost it first: it tells of it.
    pub(crate) first: Arc<str>,
    /// All of them.
    pub(crate) targets: BTreeSet<Arc<str>>,
}

/// Incidents by what was lost.
pub(crate) type Incidents = Arc<BTreeMap<String, Known>>;

/// The losses of all targets.
#[derive(Default)]
pub(crate) struct Losses {
    by_target: Mutex<BTreeMap<Arc<str>, Loss>>,
    incidents: watch::Sender<Incidents>,
}

// === impl Losses ===

impl Losses {
    /// Notes what a target has lost at this moment; none: nothing.
    pub(crate) fn note(&self, target: &Arc<str>, loss: Option<Loss>, env: &Env) {
        let mut all = self.by_target.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get(target) == loss.as_ref() {
            return;
        }
        match loss {
            Some(loss) => all.insert(target.clone(), loss),
            None => all.remove(target),
        };
        let before = self.incidents.borrow().clone();
        let now = Arc::new(together(&all, &before, env));
        self.incidents.send_if_modified(|present| {
            let other = *present != now;
            *present = now;
            other
        });
    }

    /// What several targets have lost together.
    pub(crate) fn watch(&self) -> watch::Receiver<Incidents> {
        self.incidents.subscribe()
    }
}

fn together(all: &BTreeMap<Arc<str>, Loss>, before: &Incidents, env: &Env) -> BTreeMap<String, Known> {
    let kinds: BTreeSet<&str> = all.values().map(|loss| loss.what.as_str()).collect();
    kinds.into_iter().filter_map(|what| Some((what.to_owned(), of(what, all, before, env)?))).collect()
}

fn of(what: &str, all: &BTreeMap<Arc<str>, Loss>, before: &Incidents, env: &Env) -> Option<Known> {
    let same = all.iter().filter(|(_, loss)| loss.what == what);
    let near = |a: &Loss, b: &Loss| a.since.duration_since(b.since).unsigned_abs() < WINDOW;
    let with_others = |(target, loss): &(&Arc<str>, &Loss)| {
        let other = |it: (&Arc<str>, &Loss)| it.0 != *target && near(it.1, loss);
        loss.incident.is_some() || same.clone().any(other)
    };
    let mut members: Vec<_> = same.clone().filter(with_others).collect();
    members.sort_by_key(|(target, loss)| (loss.since, (*target).clone()));
    let first = members.first()?.0.clone();
    let known = members.iter().find_map(|(_, loss)| loss.incident.clone());
    let id = known.or_else(|| before.get(what).map(|it| it.id.clone()));
    let targets = members.into_iter().map(|(target, _)| target.clone()).collect();
    Some(Known { id: id.unwrap_or_else(|| env.uuid().to_string()), what: what.to_owned(), first, targets })
}

#[cfg(test)]
mod tests {
    use bellwether_clock::ManualClock;

    use super::*;

    struct Desk(Losses, Env);

    impl Desk {
        fn new() -> Self {
            Self(Losses::default(), Env::new(ManualClock::new(Timestamp::UNIX_EPOCH)))
        }

        fn lost(&self, target: &str, what: &str, second: i64) {
            let since = Timestamp::from_second(second).unwrap();
            let loss = Loss { what: what.into(), since, incident: None };
            self.0.note(&Arc::from(target), Some(loss), &self.1);
        }

        fn found(&self, target: &str) {
            self.0.note(&Arc::from(target), None, &self.1);
        }

        fn of(&self, what: &str) -> Option<(String, Vec<String>, String)> {
            let known = self.0.watch().borrow().get(what).cloned()?;
            let targets = known.targets.iter().map(ToString::to_string).collect();
            Some((known.id, targets, known.first.to_string()))
        }
    }

    #[test]
    fn several_within_a_minute_are_one_incident() {
        let desk = Desk::new();
        desk.lost("b", "monitor", 100);
        assert_eq!(desk.of("monitor"), None, "one is alone");
        desk.lost("a", "monitor", 130);
        let (id, targets, first) = desk.of("monitor").unwrap();
        assert_eq!((targets, first.as_str()), (vec!["a".to_owned(), "b".to_owned()], "b"));
        desk.lost("c", "monitor", 150);
        let (again, targets, _) = desk.of("monitor").unwrap();
        assert_eq!((again, targets.len()), (id, 3));
    }

    #[test]
    fn what_was_lost_long_before_or_is_another_thing_does_not_belong_to_it() {
        let desk = Desk::new();
        desk.lost("a", "monitor", 100);
        desk.lost("b", "monitor", 161);
        desk.lost("c", "prometheus", 161);
        assert_eq!((desk.of("monitor"), desk.of("prometheus")), (None, None));
    }

    #[test]
    fn the_next_incident_is_another_one() {
        let desk = Desk::new();
        let twice = || {
            desk.lost("a", "monitor", 100);
            desk.lost("b", "monitor", 100);
            desk.of("monitor").unwrap().0
        };
        let first = twice();
        desk.found("a");
        desk.found("b");
        assert_eq!(desk.of("monitor"), None);
        assert_ne!(twice(), first);
    }
}
