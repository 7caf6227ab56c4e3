use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::Violations;
use pb::source::Kind;

use super::*;

fn derivation() -> Derivation {
    let push = |id: &str, metric: &str| pb::Source {
        id: id.into(),
        kind: Some(Kind::Push(pb::PushSource {
            prefix: id.into(),
            metrics: vec![pb::PushMetric { id: metric.into(), ..Default::default() }],
        })),
        ..Default::default()
    };
    let policy = pb::HealthPolicy {
        sources: vec![push("queue", "depth"), push("pool", "workers")],
        derived: vec![pb::DerivedValue { id: "backlog".into(), expression: "depth / workers".into() }],
        ..Default::default()
    };
    bellwether_policy::derived::read(&mut Violations::new(), &policy).remove(0)
}

/// A rig of one value, whose queue is told each second and whose workers each ten.
struct Rig(Mixed, Derivation);

// === impl Rig ===

impl Rig {
    fn new() -> Self {
        Self(Mixed::default(), derivation())
    }

    fn tell(&mut self, metric: &str, instance: &str, number: f64, second: u64) -> Vec<(String, String)> {
        let place = ("new".to_owned(), instance.to_owned(), 0);
        let told = Told::from([(place, [(metric.to_owned(), Some(number))].into())]);
        let interval = Duration::from_secs(if metric == "depth" { 1 } else { 10 });
        let (found, _) =
            self.0.take(&self.1, &told, interval, Timestamp::UNIX_EPOCH + Duration::from_secs(second));
        let shown = |(place, outcome): Outcome| match outcome {
            Ok(number) => (place.1, number.to_string()),
            Err(problem) => (place.1, problem.text),
        };
        found.into_iter().map(shown).collect()
    }
}

fn one(instance: &str, text: &str) -> Vec<(String, String)> {
    vec![(instance.to_owned(), text.to_owned())]
}

#[test]
fn the_newest_of_one_scrape_are_put_together_once() {
    let mut rig = Rig::new();
    for second in 0..5 {
        assert_eq!(rig.tell("depth", "a", 10.0 + second as f64, second), []);
    }
    assert_eq!(rig.tell("workers", "a", 2.0, 5), one("a", "7"));
    // the workers' number was used
    assert_eq!(rig.tell("depth", "a", 30.0, 6), []);
    assert_eq!(rig.tell("workers", "b", 3.0, 7), [], "another instance");
    assert_eq!(rig.tell("workers", "a", 3.0, 15), one("a", "10"), "not punctual, and of the same scrape");
}

#[test]
fn what_does_not_come_is_missing_and_no_zero_and_no_old_value() {
    let mut rig = Rig::new();
    rig.tell("depth", "a", 10.0, 0);
    assert_eq!(rig.tell("workers", "a", 2.0, 1), one("a", "5"));
    let told: Vec<_> = (2..40).map(|second| (second, rig.tell("depth", "a", 20.0, second))).collect();
    let missing: Vec<_> = told.into_iter().filter(|(_, told)| !told.is_empty()).collect();
    let expected = one("a", "backlog: no workers (instance a of new)");
    assert_eq!(missing, [(17, expected.clone()), (32, expected)]);
    assert_eq!(rig.tell("workers", "a", 4.0, 40), one("a", "5"), "it is back");
}

#[test]
fn a_fleet_as_a_whole_stands_in_for_its_instances() {
    let mut rig = Rig::new();
    rig.tell("depth", "a", 10.0, 0);
    rig.tell("depth", "b", 20.0, 0);
    let both = [one("a", "5"), one("b", "10")].concat();
    assert_eq!(rig.tell("workers", "", 2.0, 1), both);
    // and for itself where nobody else tells anything
    for second in 11..100 {
        let found = rig.tell("workers", "", 2.0, second);
        if !found.is_empty() {
            assert_eq!(found, one("", "backlog: no depth (instance  of new)"));
            return;
        }
    }
    panic!("nobody says that the queue is missing");
}
