//! The gateway's sessions as the health-monitor takes them: of each fleet what has grown since it was told last.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_proto::monitor::v1::SessionSketch;
use bellwether_sketch::Sketch;

use crate::{
    control::Counted,
    gateway::{SessionSample, SessionsOf},
};

/// Calls after which everything is told again: the monitor counts for the analyses that are active when it is told, and one
/// may begin on a fleet that has had requests already.
const WHOLE_EVERY: u32 = 50;

/// What whoever listens has been told.
#[derive(Debug, Default)]
pub struct Carried {
    incarnation: String,
    growth: u64,
    told: BTreeMap<SessionsOf, Told>,
    calls: u32,
}

#[derive(Debug, Default)]
struct Told {
    seen: Sketch,
    failed: Sketch,
}

// === impl Carried ===

impl Carried {
    /// What has grown by now; `ask` asks the gateway for its sessions, which is done only when they have.
    pub async fn grown<E>(
        &mut self,
        counted: &Counted,
        ask: impl AsyncFnOnce(u64) -> Result<(u64, Vec<SessionSample>), E>,
    ) -> Vec<SessionSketch> {
        self.calls += 1;
        if self.calls >= WHOLE_EVERY {
            *self = Self::default();
        }
        if self.incarnation != counted.incarnation {
            self.incarnation.clone_from(&counted.incarnation);
            self.growth = 0;
        }
        if self.growth == counted.growth {
            return Vec::new();
        }
        // what it does not say now it says next time
        let Ok((growth, sessions)) = ask(self.growth).await else { return Vec::new() };
        self.growth = growth;
        self.forget(counted);
        sessions
            .into_iter()
            .map(|sample| self.tell(sample))
            .filter(|sketch| !sketch.seen.is_empty() || !sketch.failed.is_empty())
            .collect()
    }

    fn tell(&mut self, SessionSample { of, seen, failed }: SessionSample) -> SessionSketch {
        let SessionsOf { target, fleet, revision } = of.clone();
        let told = self.told.entry(of).or_default();
        let sketch = SessionSketch {
            target,
            fleet,
            route_revision: i64::try_from(revision).unwrap_or(i64::MAX),
            seen: seen.entries_above(Some(&told.seen)).collect(),
            failed: failed.entries_above(Some(&told.failed)).collect(),
        };
        told.seen.merge(&seen);
        told.failed.merge(&failed);
        sketch
    }

    /// Those that the gateway has forgotten.
    fn forget(&mut self, counted: &Counted) {
        let of = |sample: &crate::gateway::Sample| SessionsOf {
            target: sample.key.target.clone(),
            fleet: sample.key.fleet.clone(),
            revision: sample.key.revision,
        };
        let known: BTreeSet<SessionsOf> = counted.samples.iter().map(of).collect();
        self.told.retain(|of, _| known.contains(of));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::{Key, Sample};

    fn counted(incarnation: &str, growth: u64) -> Counted {
        let key = Key { target: "t".into(), fleet: "f".into(), revision: 1, ..Key::default() };
        let samples = vec![Sample { key, ..Sample::default() }];
        Counted { incarnation: incarnation.into(), samples, growth }
    }

    fn sample(seen: &[u64], failed: &[u64]) -> SessionSample {
        let sketch = |hashes: &[u64]| {
            let mut sketch = Sketch::new();
            hashes.iter().for_each(|hash| _ = sketch.add(*hash));
            sketch
        };
        let of = SessionsOf { target: "t".into(), fleet: "f".into(), revision: 1 };
        SessionSample { of, seen: sketch(seen), failed: sketch(failed) }
    }

    async fn carry(
        carried: &mut Carried,
        counted: &Counted,
        since: u64,
        sample: SessionSample,
    ) -> (usize, usize) {
        let growth = counted.growth;
        let told = carried.grown(counted, async move |asked| {
            assert_eq!(asked, since);
            Ok::<_, ()>((growth, vec![sample]))
        });
        let told = told.await;
        told.first().map_or((0, 0), |sketch| (sketch.seen.len(), sketch.failed.len()))
    }

    async fn never(carried: &mut Carried, counted: &Counted) {
        let asked = async |_| -> Result<_, ()> { panic!("there is nothing to ask for") };
        assert_eq!(carried.grown(counted, asked).await, []);
    }

    #[tokio::test]
    async fn only_what_has_grown_is_asked_for_and_told() {
        let mut carried = Carried::default();
        never(&mut carried, &counted("a", 0)).await;
        let (one, two) = (1 << 60, 2 << 60);
        assert_eq!(carry(&mut carried, &counted("a", 1), 0, sample(&[one], &[])).await, (1, 0));
        never(&mut carried, &counted("a", 1)).await;
        assert_eq!(carry(&mut carried, &counted("a", 3), 1, sample(&[one, two], &[two])).await, (1, 1));
        // a gateway that was started anew begins anew; nothing of what is known is told again
        assert_eq!(carry(&mut carried, &counted("b", 1), 0, sample(&[one], &[])).await, (0, 0));
        let gone = Counted { samples: Vec::new(), ..counted("b", 2) };
        assert_eq!(carry(&mut carried, &gone, 1, sample(&[one], &[one])).await, (1, 1));
    }

    #[tokio::test]
    async fn what_the_gateway_did_not_say_is_asked_for_again() {
        let mut carried = Carried::default();
        let silent = carried.grown(&counted("a", 5), async |_| Err(())).await;
        assert_eq!(silent, []);
        assert_eq!(carry(&mut carried, &counted("a", 5), 0, sample(&[1], &[1])).await, (1, 1));
    }
}
