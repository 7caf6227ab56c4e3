//! The checks.
#![expect(clippy::unwrap_used, reason = "a failed check")]

use std::time::Duration;

use bellwether_rollout::{Affinity, MatchRoute, MatchRule, MirrorRoute, Percent, StringMatch};
use uuid::Uuid;

use super::{
    Subject,
    world::{World, fleet_id},
};
use crate::{Error, Fence};

pub(super) async fn all(subject: &dyn Subject) {
    an_unknown_target_is_empty(subject).await;
    instances_become_ready_and_scale(subject).await;
    converging_is_idempotent(subject).await;
    what_is_not_wanted_goes(subject).await;
    splits_are_confirmed(subject).await;
    rules_are_read_back(subject).await;
    drains_end(subject).await;
    older_and_foreign_fences_are_refused(subject).await;
    fences_survive_a_restart(subject).await;
    a_take_over_stops_converging(subject).await;
    nothing_is_done_with_hands_off(subject).await;
    a_fleet_without_instances_may_have_the_traffic(subject).await;
    instances_that_die_come_back(subject).await;
}

async fn an_unknown_target_is_empty(subject: &dyn Subject) {
    let world = World::new(subject, "unknown").await;
    let seen = world.until("the present is seen first", |_| true).await;
    assert_eq!((seen.generation, seen.instances.len(), seen.taken_over), (0, 0, None));
    assert!(seen.split.is_none_or(|split| split.shares.is_empty()));
}

async fn instances_become_ready_and_scale(subject: &dyn Subject) {
    let mut world = World::new(subject, "scale").await;
    for count in [2, 3, 1] {
        world.want(1, subject.fleet("1"), count);
        world.converge().await.unwrap();
        let seen = world.until_ready(1, count).await;
        assert!(seen.instances.iter().all(|it| it.fleet == fleet_id(1)), "instances carry their fleet");
    }
}

async fn converging_is_idempotent(subject: &dyn Subject) {
    let mut world = World::new(subject, "repeat").await;
    world.want(1, subject.fleet("1"), 2);
    world.split(&[(1, 100)]);
    world.converge().await.unwrap();
    let before = world.until_ready(1, 2).await;
    world.repeat().await.unwrap();
    world.converge().await.unwrap();
    let generation = world.fence.generation;
    let after = world.until("the new generation is applied", |it| it.generation == generation).await;
    let ids = |seen: &bellwether_rollout::Observed| {
        let mut ids: Vec<_> = seen.instances.iter().map(|it| it.id).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids(&before), ids(&after), "no instance is replaced");
    assert_eq!(after.split, Some(world.desired().split));
}

async fn what_is_not_wanted_goes(subject: &dyn Subject) {
    let mut world = World::new(subject, "remove").await;
    world.want(1, subject.fleet("1"), 1);
    world.want(2, subject.fleet("2"), 1);
    world.split(&[(1, 100)]);
    world.converge().await.unwrap();
    world.until_ready(2, 1).await;
    world.forget(2);
    world.converge().await.unwrap();
    world.until_ready(2, 0).await;
    world.until_ready(1, 1).await;
}

async fn splits_are_confirmed(subject: &dyn Subject) {
    let mut world = World::new(subject, "route").await;
    if !world.driver.capabilities().await.unwrap().weights {
        return;
    }
    world.want(1, subject.fleet("1"), 1);
    world.want(2, subject.fleet("2"), 1);
    for shares in [&[(1, 100)][..], &[(1, 90), (2, 10)], &[(2, 100)], &[]] {
        world.split(shares);
        world.converge().await.unwrap();
        world.until_routed().await;
    }
}

async fn rules_are_read_back(subject: &dyn Subject) {
    let mut world = World::new(subject, "rules").await;
    let can = world.driver.capabilities().await.unwrap();
    world.want(1, subject.fleet("1"), 1);
    world.want(2, subject.fleet("2"), 1);
    world.split(&[(1, 100)]);
    let fleet = fleet_id(2);
    world.with_split(|split| {
        let headers = [("x-tester".to_owned(), StringMatch::Exact("yes".into()))].into();
        let rule = MatchRule { headers, ..MatchRule::default() };
        split.matches.extend(can.header_match.then_some(MatchRoute { rule, fleet }));
        let mirror = MirrorRoute { fleet, percent: Percent::new(50), unsafe_methods: false };
        split.mirror = can.mirror.then_some(mirror);
        split.affinity = can.affinity.then(Affinity::default);
        split.preview = can.preview.then_some(fleet);
    });
    world.converge().await.unwrap();
    world.until_routed().await;
    world.split(&[(1, 100)]);
    world.converge().await.unwrap();
    let seen = world.until_routed().await;
    assert!(!seen.split.is_some_and(|split| split.reaches(fleet)), "no rule is left behind");
}

async fn drains_end(subject: &dyn Subject) {
    let mut world = World::new(subject, "drain").await;
    if !world.driver.capabilities().await.unwrap().drain {
        return;
    }
    world.want(1, subject.fleet("1"), 1);
    world.want(2, subject.fleet("2"), 1);
    world.split(&[(1, 100)]);
    world.converge().await.unwrap();
    world.until_ready(2, 1).await;
    world.drain(2, Duration::from_secs(5));
    world.converge().await.unwrap();
    let drained = |it: &bellwether_rollout::Observed| it.drained.contains_key(&fleet_id(2));
    world.until("a fleet without connections is drained", drained).await;
    world.repeat().await.unwrap();
    let still = world.until("it stays so", drained).await;
    assert_eq!(still.ready(fleet_id(2)), 1, "draining stops no instance");
}

async fn older_and_foreign_fences_are_refused(subject: &dyn Subject) {
    let mut world = World::new(subject, "fence").await;
    if !world.driver.capabilities().await.unwrap().fenced {
        return;
    }
    world.want(1, subject.fleet("1"), 1);
    world.fence = Fence { epoch: 3, generation: 10, ..world.fence };
    world.converge().await.unwrap();
    let held = world.fence;
    for stale in [
        Fence { generation: held.generation - 1, ..held },
        Fence { epoch: 2, generation: 99, ..held },
        Fence { journal_id: Uuid::from_u128(0x99), epoch: 9, generation: 99 },
    ] {
        let refused = world.driver.converge(&world.name, &world.desired(), stale).await;
        assert!(matches!(refused, Err(Error::Fenced { .. })), "{stale:?}: {refused:?}");
    }
    world.fence = Fence { epoch: 4, generation: 0, ..held };
    world.converge().await.unwrap();
    world.until_ready(1, 1).await;
}

async fn fences_survive_a_restart(subject: &dyn Subject) {
    let mut world = World::new(subject, "restart").await;
    let fenced = world.driver.capabilities().await.unwrap().fenced;
    world.want(1, subject.fleet("1"), 2);
    world.split(&[(1, 100)]);
    world.fence.generation = 5;
    world.converge().await.unwrap();
    let before = world.until_ready(1, 2).await;
    world.until_routed().await;
    let Some(driver) = subject.restarted().await else { return };
    world.driver = driver;
    world.until_ready(1, 2).await;
    // platform and router are read one by one: one may be seen before the other has looked
    let split = before.split.or(Some(world.desired().split));
    let after = world.until("the route is as it was", |it| it.split == split).await;
    assert!(
        before.instances.iter().all(|it| after.instances.iter().any(|a| a.id == it.id)),
        "instances are adopted"
    );
    if fenced {
        let stale = Fence { generation: 5, ..world.fence };
        let refused = world.driver.converge(&world.name, &world.desired(), stale).await;
        assert!(matches!(refused, Err(Error::Fenced { .. })), "{refused:?}");
    }
}

async fn a_take_over_stops_converging(subject: &dyn Subject) {
    let mut world = World::new(subject, "takeover").await;
    world.want(1, subject.fleet("1"), 1);
    world.converge().await.unwrap();
    world.until_ready(1, 1).await;
    world.driver.take_over(&world.name, "by hand").await.unwrap();
    world.until("the take-over is seen", |it| it.taken_over.as_deref() == Some("by hand")).await;
    world.want(1, subject.fleet("1"), 2);
    let refused = world.converge().await;
    assert!(matches!(refused, Err(Error::TakenOver { .. })), "{refused:?}");
    world.driver.hand_back(&world.name).await.unwrap();
    world.converge().await.unwrap();
    world.until_ready(1, 2).await;
    world.until("it is handed back", |it| it.taken_over.is_none()).await;
}

async fn nothing_is_done_with_hands_off(subject: &dyn Subject) {
    let mut world = World::new(subject, "handsoff").await;
    world.want(1, subject.fleet("1"), 1);
    world.converge().await.unwrap();
    let before = world.until_ready(1, 1).await;
    world.want(1, subject.fleet("1"), 2);
    world.fence.generation += 1;
    let wish = bellwether_rollout::Desired { hands_off: true, ..world.desired() };
    world.driver.converge(&world.name, &wish, world.fence).await.unwrap();
    let after = world.driver.observe(&world.name).await.unwrap();
    assert_eq!((before.generation, 1), (after.generation, after.instances.len()));
}

async fn a_fleet_without_instances_may_have_the_traffic(subject: &dyn Subject) {
    let mut world = World::new(subject, "empty").await;
    world.want(1, subject.fleet("1"), 0);
    world.split(&[(1, 100)]);
    world.converge().await.unwrap();
    let seen = world.until_routed().await;
    assert!(seen.instances.is_empty());
    assert!(seen.route_revision.is_none_or(|revision| revision == world.desired().route_revision));
}

async fn instances_that_die_come_back(subject: &dyn Subject) {
    let mut world = World::new(subject, "crash").await;
    world.want(1, subject.fleet("1"), 2);
    world.converge().await.unwrap();
    let seen = world.until_ready(1, 2).await;
    let Some(victim) = seen.instances.first().map(|it| it.id) else { return };
    if !subject.kill(&world.name, victim).await {
        return;
    }
    let restarted = |it: &bellwether_rollout::Observed| {
        let crashed = it.instances.iter().any(|it| it.restarts > 0 && it.last_exit.is_some());
        crashed && it.ready(fleet_id(1)) == 2 && it.existing(fleet_id(1)) == 2
    };
    world.until("the instance is replaced, and its end is counted", restarted).await;
}
