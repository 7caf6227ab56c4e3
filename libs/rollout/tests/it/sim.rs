//! A shell in memory: decides, commits, converges, checks every invariant on the way.

use std::time::Duration;

use bellwether_rollout::{
    Action, Command, Decision, Event, FleetId, Input, Percent, Principal, Reason, Refusal, Rollout,
    RolloutEvent, RolloutId, StartRequest, State, StepEnd, TargetSpec, TargetState, Verdict, after, analysis,
    decide, desired, evolve, invariants, replay, resume, wake_at,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::platform::Platform;

pub struct Sim {
    pub state: TargetState,
    pub log: Vec<(Event, Timestamp)>,
    pub now: Timestamp,
    pub platform: Platform,
    pub sequence: u64,
}

pub fn rollout_id(number: u128) -> RolloutId {
    RolloutId(Uuid::from_u128(0xb000 + number))
}

pub fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub fn person() -> Principal {
    Principal("user:ada".into())
}

impl Sim {
    /// A target with `n` instances and nothing on it.
    pub fn new(n: u32) -> Self {
        let mut sim = Self {
            state: TargetState::default(),
            log: vec![],
            now: Timestamp::from_second(1_000_000).unwrap(),
            platform: Platform::new(),
            sequence: 0,
        };
        sim.scale(n);
        sim
    }

    /// A target with `n` instances on which rollout 1 is stable.
    pub fn serving(n: u32) -> Self {
        let mut sim = Self::new(n);
        sim.start(crate::plans::direct(1)).unwrap();
        sim.advance(secs(5));
        assert_eq!(sim.state_of(1), State::Succeeded, "{:?}", sim.rollout(1).reason);
        sim
    }

    pub fn scale(&mut self, n: u32) {
        let spec = TargetSpec {
            name: "shop@production".into(),
            instances: n,
            platform: "fake".into(),
            ..TargetSpec::default()
        };
        self.command(Action::Apply(Box::new(spec))).unwrap();
    }

    pub fn start(&mut self, request: StartRequest) -> Result<(), Refusal> {
        self.command(Action::Start(Box::new(request)))
    }

    pub fn command(&mut self, action: Action) -> Result<(), Refusal> {
        self.command_for("because", action)
    }

    pub fn command_for(&mut self, reason: &str, action: Action) -> Result<(), Refusal> {
        let command = Command { by: person(), reason: reason.into(), action };
        let before = self.state.clone();
        let events = decide(&self.state, Input::Command(Box::new(command)), self.now);
        match events {
            Ok(events) => self.commit(events),
            Err(refusal) => {
                assert_eq!(before, self.state);
                return Err(refusal);
            }
        }
        self.settle();
        Ok(())
    }

    pub fn input(&mut self, input: Input) {
        self.only(input);
        self.settle();
    }

    /// Decides and commits, and does not converge.
    pub fn only(&mut self, input: Input) -> usize {
        let events = decide(&self.state, input.clone(), self.now).unwrap();
        let count = events.len();
        self.commit(events);
        let again = decide(&self.state, input, self.now).unwrap();
        assert!(again.is_empty(), "once: replaying an input yields {again:?}");
        count
    }

    /// Decides and commits what counts each time it is said.
    pub fn refused(&mut self, input: Input) {
        let events = decide(&self.state, input, self.now).unwrap();
        self.commit(events);
    }

    fn commit(&mut self, events: Vec<Event>) {
        for event in events {
            let json = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
            let after = evolve(self.state.clone(), &event, self.now).unwrap();
            let broken = invariants::event(&self.state, &event, &after, self.now);
            assert!(broken.is_empty(), "{broken:?} by {event:?}");
            self.state = after;
            self.log.push((event, self.now));
        }
        let broken = invariants::state(&self.state);
        assert!(broken.is_empty(), "{broken:?} after {:?}", self.log.last());
        if let Some(at) = wake_at(&self.state, self.now) {
            assert!(at > self.now);
        }
    }

    /// Converges and observes until nothing changes.
    pub fn settle(&mut self) {
        for _ in 0..500 {
            let before = (self.state.version, self.platform.generation);
            let wanted = desired(&self.state, self.now);
            if self.platform.apply(&wanted, self.now) {
                self.only(Input::Observed(Box::new(self.platform.observe())));
            } else {
                let refused = Input::RouteRefused { generation: wanted.generation, error: "no".into() };
                self.refused(refused);
            }
            if before == (self.state.version, self.platform.generation) {
                return;
            }
        }
        panic!("does not come to rest: {:?}", self.log.iter().rev().take(6).collect::<Vec<_>>());
    }

    /// Observes what a person has changed, then converges.
    pub fn see(&mut self) {
        let seen = self.platform.observe();
        self.input(Input::Observed(Box::new(seen)));
    }

    /// Time passes, timer by timer.
    pub fn advance(&mut self, span: Duration) {
        let end = after(self.now, span);
        loop {
            let due = [wake_at(&self.state, self.now), self.platform.next_ready(self.now)];
            let next = due.into_iter().flatten().min().map_or(end, |at| at.min(end));
            self.now = next;
            self.platform.tick(self.now);
            self.input(Input::Tick);
            if self.now >= end {
                return;
            }
        }
    }

    /// The monitor decides on the running segment.
    pub fn verdict(&mut self, decision: Decision) {
        self.verdict_with(decision, Reason::new("TEST", "as the test says"));
    }

    pub fn verdict_with(&mut self, decision: Decision, reason: Reason) {
        let verdict = self.make_verdict(decision, reason);
        self.input(Input::Verdict(Box::new(verdict)));
    }

    pub fn make_verdict(&mut self, decision: Decision, reason: Reason) -> Verdict {
        self.sequence += 1;
        let spec = analysis(&self.state).expect("an analysis is wanted");
        Verdict {
            rollout: spec.rollout,
            analysis: spec.analysis,
            segment: spec.segment,
            sequence: self.sequence,
            decision,
            reason,
            checks: vec![],
            hard_limit: false,
            decided_at: self.now,
        }
    }

    /// PASS for this segment and time for the bake's minimum.
    pub fn pass(&mut self) {
        self.verdict(Decision::Pass);
        self.advance(secs(10));
    }

    pub fn monitor_up(&mut self, number: u128) {
        self.monitor_up_of(rollout_id(number));
    }

    pub fn monitor_up_of(&mut self, rollout: RolloutId) {
        self.input(Input::MonitorUp { rollout, since: self.now });
    }

    pub fn rollout(&self, number: u128) -> &Rollout {
        &self.state.rollouts[&rollout_id(number)]
    }

    pub fn state_of(&self, number: u128) -> State {
        self.rollout(number).state
    }

    pub fn reason_of(&self, number: u128) -> &str {
        &self.rollout(number).reason.code
    }

    pub fn fleet(&self, number: u128) -> FleetId {
        rollout_id(number).fleet()
    }

    pub fn share(&self, number: u128) -> Percent {
        self.platform.split.share(self.fleet(number))
    }

    pub fn count(&self, number: u128) -> usize {
        self.platform.count(self.fleet(number))
    }

    pub fn ends(&self, number: u128) -> Vec<StepEnd> {
        self.rollout(number).history.iter().map(|it| it.end.clone()).collect()
    }

    /// The kinds of the steps of undoing that ended, in order.
    pub fn undone(&self, number: u128) -> Vec<bellwether_rollout::StepKind> {
        self.rollout(number).history.iter().filter(|it| it.undo).map(|it| it.kind).collect()
    }

    pub fn events_of(&self, number: u128) -> impl Iterator<Item = &RolloutEvent> {
        let wanted = rollout_id(number);
        self.log.iter().filter_map(move |(event, _)| match event {
            Event::Rollout { id, what } if *id == wanted => Some(what),
            _ => None,
        })
    }

    /// The first input of a process that found the rollout under observation.
    pub fn resume(&mut self, last_heard: Timestamp, input: Input) -> usize {
        let events = resume(&self.state, last_heard, input, self.now).unwrap();
        let count = events.len();
        self.commit(events);
        count
    }

    /// A crash: everything but the journal is lost.
    pub fn restart(&mut self) {
        let replayed = replay(TargetState::default(), &self.log).unwrap();
        assert_eq!(replayed, self.state, "replay equals the live state");
        self.state = replayed;
        self.input(Input::Tick);
    }
}
