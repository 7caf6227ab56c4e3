use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const SOAK: u64 = 10;

fn at(second: u64) -> Timestamp {
    NOW + Duration::from_secs(second)
}

fn somebody(id: &str) -> Approver {
    Approver { id: id.into(), kind: ApproverKind::Human, roles: Vec::new() }
}

/// `a` and `b` lead to `production`, which wants one approval and a soak of 10 s.
fn release(mode: Upstreams, promotion: Promotion) -> Release {
    let environment = |id: &str| crate::environment::tests::plain(id);
    let production = Environment {
        upstreams: vec!["a".into(), "b".into()],
        upstream_mode: mode,
        promotion,
        soak: Duration::from_secs(SOAK),
        approvals: vec![ApprovalRule::people("four-eyes", 1)],
        ..environment("production")
    };
    let environments: BTreeMap<_, _> =
        [environment("a"), environment("b"), production].map(|e| (e.id.clone(), e)).into();
    let deployment = Deployment {
        platform: "agent".into(),
        capabilities: Capabilities::all(),
        instances: 1,
        tuning: Tuning::default(),
        health: HealthBounds::default(),
        spec: Pinned::default(),
    };
    let application = Application {
        id: "shop".into(),
        generation: 1,
        kind: ApplicationType::Custom,
        downtime_tolerance: None,
        rollback_slo: None,
        stakeholders: BTreeMap::new(),
        deployments: environments.keys().map(|id| (id.clone(), deployment.clone())).collect(),
    };
    let bundle = Bundle { version: "2".into(), ..Bundle::default() };
    let (history, now) = (BTreeMap::new(), NOW);
    let input = PlanInput {
        application: &application,
        environments: &environments,
        bundle: &bundle,
        history: &history,
        traffic: &BTreeMap::new(),
        answers: &Answers::default(),
        now,
    };
    let plan = make(input).unwrap();
    Release::new("r".into(), plan, bundle, somebody("alice"), String::new(), BTreeMap::new(), NOW, None)
}

fn live(release: &mut Release, environment: &str, since: u64) {
    let stage = release.stages.get_mut(environment).unwrap();
    stage.state = StageState::Soaking;
    stage.live_since = Some(at(since));
    stage.soak.begin(at(since));
}

fn approve(release: &mut Release) {
    let plan_digest = release.plan_digest.clone();
    let environment = "production".into();
    release.approvals.push(Approval {
        environment,
        plan_digest,
        by: somebody("bob"),
        comment: String::new(),
        at: NOW,
    });
}

fn ready(mode: Upstreams, promotion: Promotion) -> Release {
    let mut release = release(mode, promotion);
    live(&mut release, "a", 0);
    live(&mut release, "b", 0);
    approve(&mut release);
    release
}

fn situation<'a>(release: &'a Release, holds: &'a [Hold], vetoes: &'a [Veto]) -> Situation<'a> {
    Situation { release, holds, vetoes, outdated: None, failed_here: false }
}

fn codes(situation: Situation<'_>, second: u64) -> Vec<&'static str> {
    match admit(situation, &"production".into(), at(second)) {
        Admission::Open => Vec::new(),
        Admission::Closed(conditions) => conditions.iter().map(|c| c.code).collect(),
    }
}

fn hold(cause: HoldCause, application: Option<&str>) -> Hold {
    Hold {
        id: "1".into(),
        application: application.map(Into::into),
        environment: None,
        cause,
        by: somebody("carol"),
        reason: "incident".into(),
        since: NOW,
    }
}

#[test]
fn open_when_everything_is_met_and_not_a_moment_before() {
    let release = ready(Upstreams::All, Promotion::Auto);
    let situation = situation(&release, &[], &[]);
    assert_eq!(codes(situation.clone(), SOAK - 1), ["SOAK", "SOAK"]);
    assert!(codes(situation.clone(), SOAK).is_empty());
    let conditions = conditions(situation, &"production".into(), at(1));
    assert_eq!(next_change_at(&conditions), Some(at(SOAK)));
}

#[test]
fn every_violation_is_named() {
    let mut release = release(Upstreams::All, Promotion::Manual);
    release.expires_at = Some(at(5));
    let holds = [hold(HoldCause::Person, None), hold(HoldCause::ManualRollback, Some("shop"))];
    let veto = Veto {
        application: "shop".into(),
        version: "2".into(),
        by: somebody("dora"),
        reason: "leaks".into(),
    };
    let situation = Situation {
        release: &release,
        holds: &holds,
        vetoes: &[veto],
        outdated: Some("the application has changed".to_owned()),
        failed_here: true,
    };
    let expected = [
        "STAGE",
        "PLAN_OUTDATED",
        "VERSION_VETOED",
        "FAILED_HERE",
        "PROMOTION_MANUAL",
        "HELD",
        "HELD_AFTER_ROLLBACK",
        "SOAK",
        "SOAK",
        "APPROVAL",
    ];
    assert_eq!(codes(situation, 5), expected);
}

#[test]
fn any_upstream_is_enough_where_any_is_asked_for() {
    let mut release = release(Upstreams::Any, Promotion::Auto);
    approve(&mut release);
    live(&mut release, "b", 0);
    assert!(codes(situation(&release, &[], &[]), SOAK).is_empty());
    release.stages.get_mut("a").unwrap().state = StageState::RolledBack;
    assert!(codes(situation(&release, &[], &[]), SOAK).is_empty());
}

#[test]
fn what_was_taken_back_upstream_does_not_go_on() {
    let mut release = ready(Upstreams::All, Promotion::Auto);
    release.stages.get_mut("a").unwrap().state = StageState::RolledBack;
    assert_eq!(codes(situation(&release, &[], &[]), 99), ["SOAK"]);
}

#[test]
fn g12_a_rollback_by_hand_holds_until_somebody_promotes() {
    let mut release = ready(Upstreams::All, Promotion::Auto);
    let holds = [hold(HoldCause::ManualRollback, Some("shop"))];
    assert_eq!(codes(situation(&release, &holds, &[]), SOAK), ["HELD_AFTER_ROLLBACK"]);
    release.stages.get_mut("production").unwrap().promoted_by = Some(somebody("bob"));
    assert!(codes(situation(&release, &holds, &[]), SOAK).is_empty());
    let line = [hold(HoldCause::Person, None)];
    assert_eq!(codes(situation(&release, &line, &[]), SOAK), ["HELD"], "a person's hold stands");
}

#[test]
fn g13_a_vetoed_version_is_never_promoted_not_even_by_a_person() {
    let mut release = ready(Upstreams::All, Promotion::Auto);
    release.stages.get_mut("production").unwrap().promoted_by = Some(somebody("bob"));
    let veto = |version: &str| {
        [Veto {
            application: "shop".into(),
            version: version.into(),
            by: somebody("dora"),
            reason: String::new(),
        }]
    };
    assert_eq!(codes(situation(&release, &[], &veto("2")), SOAK), ["VERSION_VETOED"]);
    assert!(codes(situation(&release, &[], &veto("1")), SOAK).is_empty());
}

#[test]
fn a_hold_on_another_application_does_not_matter() {
    let release = ready(Upstreams::All, Promotion::Auto);
    let holds = [hold(HoldCause::Person, Some("blog"))];
    assert!(codes(situation(&release, &holds, &[]), SOAK).is_empty());
}

proptest! {
    /// Open exactly when no condition is unmet; each unmet one has a remedy; nothing opens by itself before `next_change_at`.
    #[test]
    fn admission_agrees_with_its_conditions(
        mode in prop::sample::select(vec![Upstreams::All, Upstreams::Any]),
        promotion in prop::sample::select(vec![Promotion::Auto, Promotion::Manual]),
        live_at in prop::array::uniform2(prop::option::of(0u64..30)),
        flags in prop::array::uniform5(any::<bool>()),
        now in 0u64..60,
        wait in 0u64..60,
    ) {
        let [approved, promoted, held, failed_here, expires] = flags;
        let mut release = release(mode, promotion);
        for (environment, since) in ["a", "b"].into_iter().zip(live_at) {
            if let Some(since) = since { live(&mut release, environment, since); }
        }
        if approved { approve(&mut release); }
        if expires { release.expires_at = Some(at(40)); }
        release.stages.get_mut("production").unwrap().promoted_by = promoted.then(|| somebody("bob"));
        let holds: Vec<_> = held.then(|| hold(HoldCause::Person, None)).into_iter().collect();
        let situation = Situation { release: &release, holds: &holds, vetoes: &[], outdated: None, failed_here };
        let production = "production".into();

        let found = conditions(situation.clone(), &production, at(now));
        let unmet: Vec<_> = found.iter().filter(|c| c.state == ConditionState::Unmet).cloned().collect();
        prop_assert!(found.iter().all(|c| !c.expected.is_empty() && !c.actual.is_empty()), "{:?}", found);
        let remedied = |c: &Condition| c.remedy.is_empty() == (c.state != ConditionState::Unmet);
        prop_assert!(found.iter().all(remedied), "what is not met has a remedy, nothing else: {:?}", found);
        match admit(situation.clone(), &production, at(now)) {
            Admission::Open => prop_assert!(unmet.is_empty()),
            Admission::Closed(closed) => prop_assert_eq!(closed, unmet),
        }
        let later = at(now + wait);
        if next_change_at(&found).is_none_or(|change| later < change) {
            let open = |moment| admit(situation.clone(), &production, moment) == Admission::Open;
            prop_assert_eq!(open(at(now)), open(later));
        }
    }
}
