//! R34, expand and contract, unknown outcomes, handoffs.

use bellwether_rollout::{
    Action, Call, Choice, Effect, Hook, HookId, HookPlace, Input, OnUnknown, Outcome, Percent, Prepare,
    Reaction, Route, Scale, Size, State, Step, effects,
};

use crate::{
    plans,
    sim::{Sim, rollout_id, secs},
};

fn hook(name: &str) -> Hook {
    Hook {
        name: name.into(),
        call: Call::Http { url: format!("http://hooks/{name}") },
        timeout: secs(60),
        on_undo: Some(Call::Http { url: format!("http://hooks/{name}/undo") }),
        on_unknown: None,
    }
}

/// The call that is wanted now.
fn wanted(sim: &Sim) -> (HookId, u32, String) {
    let all = effects(&sim.state);
    let found = all.iter().find_map(|it| match it {
        Effect::Hook { id, attempt, call: Call::Http { url }, .. } => Some((*id, *attempt, url.clone())),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no call is wanted: {all:?}"))
}

fn answer(sim: &mut Sim, outcome: Outcome) -> String {
    let (hook, attempt, url) = wanted(sim);
    sim.input(Input::HookOutcome { hook, attempt, outcome });
    url
}

fn done() -> Outcome {
    Outcome::Done { output: String::new() }
}

fn failed() -> Outcome {
    Outcome::Failed { error: "exit 1".into() }
}

fn unknown() -> Outcome {
    Outcome::Unknown { error: "the executor was restarted".into() }
}

fn three(sim: &mut Sim, change: impl FnOnce(&mut bellwether_rollout::StartRequest)) {
    let steps = ["one", "two", "three"].map(|name| Step::Hook(hook(name))).to_vec();
    let mut plan = plans::steps(2, steps);
    change(&mut plan);
    sim.start(plan).unwrap();
}

#[test]
fn r34_finished_hooks_are_undone_in_reverse_order() {
    let mut sim = Sim::serving(2);
    three(&mut sim, |_| {});
    let called = [answer(&mut sim, done()), answer(&mut sim, done()), answer(&mut sim, failed())];
    assert!(called[2].ends_with("three"));
    assert_eq!((sim.state_of(2), sim.reason_of(2)), (State::RollingBack, "HOOK_FAILED"));
    assert_eq!(wanted(&sim).0.idempotency_key(), format!("{}/1/undo", rollout_id(2)));
    let undone = [answer(&mut sim, done()), answer(&mut sim, done())];
    assert!(undone[0].ends_with("two/undo") && undone[1].ends_with("one/undo"));
    assert_eq!(sim.state_of(2), State::RolledBack);
    sim.restart();
}

#[test]
fn r34_a_hook_over_its_time_is_cancelled() {
    let mut sim = Sim::serving(2);
    three(&mut sim, |_| {});
    sim.advance(secs(59));
    let late = wanted(&sim);
    sim.advance(secs(2));
    assert_eq!((sim.state_of(2), sim.reason_of(2)), (State::RolledBack, "HOOK_TIMEOUT"));
    assert!(effects(&sim.state).is_empty(), "the shell cancels what is no longer wanted");
    let version = sim.state.version;
    sim.input(Input::HookOutcome { hook: late.0, attempt: late.1, outcome: done() });
    assert_eq!(sim.state.version, version);
}

#[test]
fn an_unknown_outcome_is_retried_with_the_same_key_or_asked_about() {
    let mut sim = Sim::serving(2);
    three(&mut sim, |_| {});
    let first = wanted(&sim);
    answer(&mut sim, unknown());
    let again = wanted(&sim);
    assert_eq!((first.0.idempotency_key(), first.1 + 1), (again.0.idempotency_key(), again.1));
    sim.input(Input::HookOutcome { hook: first.0, attempt: first.1, outcome: done() });
    assert_eq!(wanted(&sim), again, "an answer to an earlier attempt does not count");

    let mut sim = Sim::serving(2);
    let steps = vec![Step::Hook(Hook { on_unknown: Some(OnUnknown::Ask), ..hook("one") })];
    sim.start(plans::steps(2, steps)).unwrap();
    answer(&mut sim, unknown());
    assert_eq!(sim.reason_of(2), "HOOK_OUTCOME_UNKNOWN");
    assert!(effects(&sim.state).is_empty());
    sim.command(Action::ResolveInterruption { rollout: Some(rollout_id(2)), choice: Choice::Retry }).unwrap();
    answer(&mut sim, done());
    assert_eq!(sim.rollout(2).hooks_done, [0]);
}

#[test]
fn an_undo_that_fails_asks() {
    let mut sim = Sim::serving(2);
    three(&mut sim, |_| {});
    answer(&mut sim, done());
    answer(&mut sim, failed());
    answer(&mut sim, failed());
    assert!(matches!(sim.state_of(2), State::NeedsOperator { .. }));
    sim.command(Action::Abort { rollout: rollout_id(2) }).unwrap();
    answer(&mut sim, done());
    assert_eq!(sim.state_of(2), State::RolledBack);
}

#[test]
fn a_failed_hook_follows_its_own_policy() {
    let mut sim = Sim::serving(2);
    three(&mut sim, |plan| plan.policies.failure.hook = Reaction::Stay);
    answer(&mut sim, failed());
    assert_eq!(sim.reason_of(2), "HOOK_FAILED");
    sim.command(Action::ResolveInterruption { rollout: Some(rollout_id(2)), choice: Choice::Ignore })
        .unwrap();
    assert!(answer(&mut sim, done()).ends_with("two"));
}

#[test]
fn contract_migrations_run_after_keep_and_never_roll_back() {
    let mut sim = Sim::serving(2);
    let mut plan = plans::canary(2, &[]);
    plan.policies.contract = vec![hook("contract")];
    sim.start(plan).unwrap();
    sim.advance(secs(2));
    sim.pass();
    assert!(effects(&sim.state).is_empty());
    sim.advance(secs(620));
    assert_eq!((sim.count(1), wanted(&sim).0.place), (0, HookPlace::Contract(0)));
    answer(&mut sim, failed());
    assert_eq!(sim.state.trouble.as_ref().unwrap().reason.code, "CONTRACT_FAILED");
    assert_eq!(sim.state_of(2), State::Succeeded);
    sim.command(Action::ResolveInterruption { rollout: None, choice: Choice::Retry }).unwrap();
    answer(&mut sim, done());
    assert!(sim.state.aftercare.is_empty());
}

#[test]
fn preparation_waits_for_its_answer() {
    let mut sim = Sim::serving(2);
    let prepare = Prepare::Handoff { role: "infrastructure".into(), text: "room for 4".into() };
    let steps = vec![
        Step::Prepare(prepare),
        Scale::candidate(Size::Count(1)),
        Step::Route(Route::share(Percent::new(50))),
    ];
    sim.start(plans::steps(2, steps)).unwrap();
    sim.advance(secs(7200));
    assert!(
        matches!(effects(&sim.state).as_slice(), [Effect::Handoff { role, .. }] if role == "infrastructure")
    );
    sim.input(Input::HandoffOutcome { rollout: rollout_id(2), step: 0, outcome: done() });
    assert_eq!(sim.rollout(2).step.index, 1);
    sim.advance(secs(2));
    assert!(!sim.share(2).is_zero());
}

#[test]
fn a_call_goes_on_while_a_person_is_asked_about_something_else() {
    let mut sim = Sim::serving(2);
    let steps = vec![
        Scale::candidate(Size::Count(1)),
        Step::Route(Route::share(Percent::new(50))),
        Step::Hook(hook("one")),
    ];
    let mut plan = plans::steps(2, [steps, vec![Step::Bake(plans::bake())]].concat());
    plan.policies.failure.verdict = Reaction::Stay;
    sim.start(plan).unwrap();
    sim.advance(secs(2));
    let called = wanted(&sim);
    sim.verdict(bellwether_rollout::Decision::Fail);
    assert!(matches!(sim.state_of(2), State::NeedsOperator { .. }));
    assert_eq!(wanted(&sim), called);
    answer(&mut sim, done());
    assert_eq!(sim.rollout(2).hooks_done, [2]);
    sim.command(Action::ResolveInterruption { rollout: Some(rollout_id(2)), choice: Choice::Retry }).unwrap();
    assert!(effects(&sim.state).is_empty(), "it is not called twice");
    assert_eq!(sim.rollout(2).step.index, 3);
}
