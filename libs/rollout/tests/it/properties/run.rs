//! A run: random inputs applied to a sim, and what must hold in the end.

use std::time::Duration;

use bellwether_rollout::{
    Action, Affinity, Answer, Choice, Decision, Effect, Gate, GateKind, Hook, HookId, Input, ItemKind,
    ItemStatus, Observed, Occasion, OnNewer, Outcome, PauseOwner, Percent, Reaction, Reason, Recovery,
    RolloutId, Route, Scale, Size, Split, StableUnhealthy, StartRequest, State, Step, Strategy, Verdict,
    Wait, effects, recovery_analysis,
};

use super::ops::Op;
use crate::{
    plans,
    sim::{Sim, person, rollout_id, secs},
};

/// What a run remembers beside the sim.
pub struct Run {
    pub sim: Sim,
    pub next: u128,
    verdict: Option<Verdict>,
    seen: Option<Observed>,
}

fn gate() -> Step {
    Step::Gate(Gate { kind: GateKind::Approval, id: String::new(), who: String::new(), text: String::new() })
}

fn hook() -> Step {
    let call = |name: &str| bellwether_rollout::Call::Http { url: name.into() };
    Step::Hook(Hook {
        name: "migrate".into(),
        call: call("up"),
        timeout: secs(120),
        on_undo: Some(call("down")),
        on_unknown: None,
    })
}

fn plan(number: u8, id: u128) -> StartRequest {
    match number {
        0 => plans::canary(id, &[10, 50]),
        1 => plans::blue_green(id),
        2 => plans::plan(id, Strategy::BlueGreen(plans::green(Some(Size::Count(1)), &[25]))),
        3 => plans::rolling(id, Size::Count(1), 1, 0),
        4 => plans::rolling(id, Size::Percent(Percent::new(50)), 0, 1),
        5 => plans::rolling(id, Size::Count(2), 2, 1),
        6 => plans::recreate(id),
        7 => plans::direct(id),
        _ => plans::steps(
            id,
            vec![
                hook(),
                Scale::candidate(Size::Count(2)),
                Step::Route(Route::share(Percent::new(30))),
                Step::Bake(plans::bake()),
                gate(),
                hook(),
                Step::Wait(Wait { duration: secs(20) }),
                Scale::candidate(Size::FULL),
                Step::Route(Route::share(Percent::FULL)),
                Step::Promote,
                gate(),
            ],
        ),
    }
}

pub fn request(number: u8, id: u128, same: bool, policy: u8) -> StartRequest {
    let mut request = plan(number, id);
    if same {
        request.fleet = plans::spec(1);
    }
    let reactions = [Reaction::RollBack, Reaction::Pause, Reaction::Stay, Reaction::Hold];
    let reaction = |bits: u8| reactions[usize::from((policy >> bits) & 1) * usize::from(policy % 4)];
    request.irreversible = policy == 7;
    request.policies.guided = policy.is_multiple_of(11);
    request.policies.failure.verdict = reaction(0);
    request.policies.failure.deploy = reaction(1);
    request.policies.failure.deadline = reaction(2);
    request.policies.failure.undecided = if policy & 8 == 0 { Reaction::Advance } else { reaction(3) };
    request.policies.newer = if policy & 16 == 0 { OnNewer::Supersede } else { OnNewer::Queue };
    request.policies.stable_unhealthy =
        if policy & 32 == 0 { StableUnhealthy::Allow } else { StableUnhealthy::Refuse };
    request.policies.affinity = (policy & 64 == 0).then(Affinity::default);
    let Step::Hook(check) = hook() else { unreachable!() };
    request.policies.data_integrity = Some(check);
    request.policies.failure.monitor_lost = reaction(1);
    request.policies.failure.error = reaction(2);
    request.policies.recovery = Recovery {
        max: secs(60),
        items: if policy & 4 == 0 {
            vec![ItemKind::Health, ItemKind::DataIntegrity]
        } else {
            Recovery::default().items
        },
    };
    request
}

impl Run {
    pub fn new(n: u32, first: bool) -> Self {
        Self { sim: if first { Sim::new(n) } else { Sim::serving(n) }, next: 2, verdict: None, seen: None }
    }

    fn id(&self, pick: u8) -> RolloutId {
        let active = self.sim.state.active().map(|it| it.id());
        if pick < 200 { active.unwrap_or(rollout_id(1)) } else { rollout_id(u128::from(pick) % self.next) }
    }

    fn fleet(&self, pick: u8) -> bellwether_rollout::FleetId {
        let all: Vec<_> = self.sim.state.fleets.keys().collect();
        if all.is_empty() { rollout_id(1).fleet() } else { *all[usize::from(pick) % all.len()] }
    }

    fn command(&mut self, action: Action) {
        let _either_way = self.sim.command(action);
    }

    pub fn apply(&mut self, op: &Op) {
        let choices = [Choice::Retry, Choice::Ignore, Choice::RollBack, Choice::TakenOver];
        let owner =
            |window| if window { PauseOwner::Window("w".into()) } else { PauseOwner::Person(person()) };
        let rollout = self.id(0);
        match op {
            Op::Start { strategy, same, policy } => {
                let plan = request(*strategy, self.next, *same, *policy);
                self.next += 1;
                self.command(Action::Start(Box::new(plan)));
            }
            Op::Abort(pick) => self.command(Action::Abort { rollout: self.id(*pick) }),
            Op::Pause { window, after_step } => {
                self.command(Action::Pause { rollout, owner: owner(*window), after_step: *after_step });
            }
            Op::Resume { window } => self.command(Action::Resume { rollout, owner: owner(*window) }),
            Op::Advance { all } => {
                let step = self.sim.state.active().map_or(0, |it| it.step.index);
                self.command(Action::Advance { rollout, step, all: *all });
            }
            Op::Gate(pick) => {
                let step = self.sim.state.active().map_or(0, |it| it.step.index);
                let answer = if pick % 4 == 0 { Answer::Reject } else { Answer::Approve };
                self.command(Action::ResolveGate { rollout, step, answer });
            }
            Op::Resolve(pick) => {
                let choice = choices[usize::from(pick % 4)];
                self.command(Action::ResolveInterruption { rollout: Some(rollout), choice });
            }
            Op::ResolveTarget(pick) => {
                let choice = choices[usize::from(pick % 4)];
                self.command(Action::ResolveInterruption { rollout: None, choice });
            }
            Op::HandBack => {
                self.command(Action::HandBack);
                self.sim.platform.taken_over = None;
            }
            Op::Rollback(pick) => {
                let of = self.sim.state.past.last().map_or(rollout, |it| it.rollout);
                let of = if *pick < 200 { of } else { self.id(*pick) };
                let new = rollout_id(self.next);
                self.next += 1;
                self.command(Action::Rollback { rollout: of, new });
            }
            Op::Permit(pick) => {
                let until = bellwether_rollout::after(self.sim.now, secs(u64::from(*pick)));
                self.command(Action::RenewPermit { rollout, until: (pick % 3 > 0).then_some(until) });
            }
            Op::Scale(n) => self.sim.scale(u32::from(n % 8) + 1),
            Op::Verdict { decision, sequence, earlier } => self.verdict(*decision, *sequence, *earlier),
            Op::RepeatVerdict => {
                if let Some(verdict) = self.verdict.clone() {
                    self.sim.input(Input::Verdict(Box::new(verdict)));
                }
            }
            Op::Monitor(true) => self.sim.monitor_up_of(rollout),
            Op::Monitor(false) => {
                let last_heard = self.sim.now.checked_sub(secs(3)).unwrap();
                self.sim.input(Input::MonitorLost { rollout, last_heard });
            }
            Op::CommonMode => {
                let reason = Reason::new("COMMON_MODE", "others too");
                self.sim.input(Input::CommonMode { rollout, reason });
            }
            Op::Recovery(decision) => self.recovery(*decision),
            Op::Hook(pick) => self.hook(*pick),
            Op::Validation { item, status } => self.validation(*item, *status),
            Op::Wait(time) => {
                self.sim.advance(Duration::from_secs(u64::from(*time) * u64::from(*time) / 900))
            }
            _ => self.misbehave(op),
        }
    }

    fn misbehave(&mut self, op: &Op) {
        let now = self.sim.now;
        match op {
            Op::Crash(pick) => {
                let fleet = self.fleet(*pick);
                self.sim.platform.crash(fleet, now);
            }
            Op::Unready(pick) => {
                let fleet = self.fleet(*pick);
                self.sim.platform.set_ready(fleet, usize::from(pick % 3));
            }
            Op::Break(pick) => {
                let fleet = self.fleet(*pick);
                if !self.sim.platform.broken.insert(fleet) {
                    self.sim.platform.broken.remove(&fleet);
                }
            }
            Op::Refuse(on) => self.sim.platform.refuses = *on,
            Op::Problem(pick) => {
                let fleet = self.fleet(*pick);
                self.sim.platform.problems = plans::problems(fleet, *pick);
            }
            Op::Stuck(on) => self.sim.platform.stuck = *on,
            Op::Cling(on) => self.sim.platform.clinging = *on,
            Op::Freeze(on) => self.sim.platform.frozen = *on,
            Op::Slow(on) => self.sim.platform.ready_after = Some(secs(if *on { 120 } else { 1 })),
            Op::RouteByHand(pick) => self.sim.platform.split = Split::all_to(self.fleet(*pick)),
            Op::InstanceByHand(pick) => {
                let fleet = self.fleet(*pick);
                self.sim.platform.start(fleet, now);
            }
            Op::TakeOver(on) => self.sim.platform.taken_over = on.then(|| "by hand".into()),
            Op::Restart => self.sim.restart(),
            Op::Remember => self.seen = Some(self.sim.platform.observe()),
            Op::StaleObservation => {
                if let Some(seen) = self.seen.clone() {
                    self.sim.only(Input::Observed(Box::new(seen)));
                }
            }
            other => unreachable!("{other:?}"),
        }
        self.sim.see();
    }

    pub fn verdict(&mut self, decision: u8, sequence: u8, earlier: bool) {
        let Some(spec) = bellwether_rollout::analysis(&self.sim.state) else { return };
        let decision = [Decision::Fail, Decision::Undecided, Decision::NoData, Decision::Error]
            .get(usize::from(decision))
            .copied()
            .unwrap_or(Decision::Pass);
        self.sim.sequence += u64::from(sequence);
        let code = if sequence == 3 { "COMMON_MODE" } else { "TEST" };
        let verdict = Verdict {
            rollout: spec.rollout,
            analysis: spec.analysis,
            segment: spec.segment - u32::from(earlier),
            sequence: self.sim.sequence,
            decision,
            reason: Reason::new(code, "random"),
            checks: vec![],
            hard_limit: false,
            decided_at: self.sim.now,
        };
        self.verdict = Some(verdict.clone());
        self.sim.input(Input::Verdict(Box::new(verdict)));
    }

    fn recovery(&mut self, decision: u8) {
        let Some(spec) = recovery_analysis(&self.sim.state) else { return };
        let decisions = [Decision::Fail, Decision::Undecided, Decision::NoData, Decision::Pass];
        let verdict = Verdict {
            rollout: spec.rollout,
            analysis: spec.recovery,
            segment: 1,
            sequence: 1,
            decision: decisions[usize::from(decision % 4)],
            reason: Reason::new("TEST", "random"),
            checks: vec![],
            hard_limit: false,
            decided_at: self.sim.now,
        };
        self.sim.input(Input::Recovery(Box::new(verdict)));
    }

    fn wanted(&self) -> Option<(HookId, u32)> {
        effects(&self.sim.state).iter().find_map(|it| match it {
            Effect::Hook { id, attempt, .. } => Some((*id, *attempt)),
            _ => None,
        })
    }

    fn hook(&mut self, pick: u8) {
        let Some((hook, attempt)) = self.wanted() else { return };
        let error = "random".to_owned();
        let outcome = match pick % 8 {
            0 => Outcome::Failed { error },
            1 => Outcome::Unknown { error },
            _ => Outcome::Done { output: String::new() },
        };
        self.sim.input(Input::HookOutcome { hook, attempt: attempt - u32::from(pick > 240), outcome });
    }

    fn validation(&mut self, item: u8, status: u8) {
        let item = ItemKind::of(Occasion::Recovery)[usize::from(item % 6)];
        let statuses = [
            ItemStatus::Pass,
            ItemStatus::Fail,
            ItemStatus::Undecided,
            ItemStatus::Open,
            ItemStatus::NotChecked,
        ];
        let status = statuses[usize::from(status % 5)];
        let recovering = self.sim.state.active().is_some_and(|it| it.state == State::Recovering);
        let occasion = if recovering { Occasion::Recovery } else { Occasion::PostDeployment };
        let rollout = self.id(0);
        self.sim.input(Input::Validation {
            rollout,
            occasion,
            item,
            status,
            value: "1".into(),
            baseline: "2".into(),
        });
    }

    /// The environment cooperates, and people decide: everything must end.
    pub fn cooperate(&mut self) {
        let platform = &mut self.sim.platform;
        platform.broken.clear();
        platform.refuses = false;
        platform.stuck = false;
        platform.frozen = false;
        platform.ready_after = Some(secs(1));
        platform.taken_over = None;
        platform.problems.clear();
        for _ in 0..400 {
            self.sim.see();
            self.sim.advance(secs(30));
            self.decide();
            if self.sim.state.queue.is_empty()
                && self.sim.state.aftercare.is_empty()
                && !self.sim.state.hands_off()
            {
                return;
            }
        }
        let state = &self.sim.state;
        let active = state.active().map(|it| (it.id(), it.state, &it.reason, &it.step, &it.pauses, &it.hold));
        let seen: Vec<_> = state.observed.instances.values().map(|it| (it.fleet, it.ready)).collect();
        let wanted: Vec<_> = state.fleets.keys().map(|it| (it, state.wanted(*it))).collect();
        panic!(
            "does not end: {active:?}\n{:?}\n{seen:?}\n{wanted:?} {:?} {}",
            state.aftercare, state.split, state.settled
        );
    }

    fn decide(&mut self) {
        if self.sim.state.taken_over.is_some() {
            self.command(Action::HandBack);
        }
        if self.sim.state.trouble.is_some() || self.sim.state.contested.is_some() {
            self.command(Action::ResolveInterruption { rollout: None, choice: Choice::Retry });
        }
        if self.wanted().is_some() {
            self.hook(2);
        }
        let Some(active) = self.sim.state.active().cloned() else { return };
        let rollout = active.id();
        self.sim.monitor_up_of(rollout);
        for pause in &active.pauses {
            let action = match pause.owner.clone() {
                PauseOwner::Policy => {
                    Action::ResolveInterruption { rollout: Some(rollout), choice: Choice::RollBack }
                }
                owner => Action::Resume { rollout, owner },
            };
            self.command(action);
        }
        if active.permit_until.is_some() {
            self.command(Action::RenewPermit { rollout, until: None });
        }
        if matches!(active.state, State::NeedsOperator { .. }) {
            self.command(Action::ResolveInterruption { rollout: Some(rollout), choice: Choice::RollBack });
        }
        match active.current().filter(|_| active.hold.is_none()) {
            Some(Step::Gate(_)) => {
                let step = active.step.index;
                self.command(Action::ResolveGate { rollout, step, answer: Answer::Approve });
            }
            Some(Step::Bake(_)) | None => {
                self.sim.sequence += 1;
                self.verdict(9, 1, false);
            }
            _ => {}
        }
    }

    pub fn check_end(&self) {
        let state = &self.sim.state;
        let shares: Vec<_> = state.split.shares.iter().map(|(fleet, share)| (*fleet, *share)).collect();
        let expected: Vec<_> = state.stable.map(|it| (it, Percent::FULL)).into_iter().collect();
        assert_eq!(shares, expected, "all traffic is on stable");
        let rest = Split { shares: state.split.shares.clone(), ..Split::default() };
        assert_eq!(self.sim.platform.split, rest, "no rule is left");
        let orphans =
            self.sim.platform.instances.values().filter(|it| Some(it.seen.fleet) != state.stable).count();
        assert_eq!(orphans, 0, "no instance is left");
        let serving = state.stable.map_or(0, |it| self.sim.platform.count(it));
        assert_eq!(serving, state.stable.map_or(0, |_| state.instances() as usize));
        assert!(state.rollouts.values().all(|it| it.ended()));
        let current = state.past.last().map(|it| it.fleet);
        assert_eq!(current, state.stable);
    }
}
