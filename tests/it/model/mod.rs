//! The rules of epoch and lease as a model whose every state is looked at: what a process that was stopped in the middle
//! can still do when it goes on, to the journal, to a platform that keeps fences and to a router that keeps none, and
//! for how long. The bounds are small: two processes, a few stops, a few moments.
//!
//! Each rule is also left out once, and the checker must then find the harm that it prevents.

mod state;

use stateright::{Checker, Model, Property};

use state::{Call, Life, Process, State};

/// Without a renewal for this long a process that waits takes over.
const LEASE: u8 = 4;
/// A call takes less than this, or is given up.
const CALL: u8 = 2;
/// How often an owner reads the route back.
const CHECK: u8 = 1;
/// When the model ends.
const HORIZON: u8 = 11;
const STOPS: u8 = 2;

/// The rules, each of which can be left out, and what may happen.
#[derive(Clone, Debug)]
struct Rules {
    /// A commit is refused under another epoch than the journal's.
    epoch_checked: bool,
    /// A router is called only while the lease is longer than the call.
    lease_checked: bool,
    /// A new owner lets the calls of the former one end.
    owner_waits: bool,
    /// An owner reads the route back and corrects it.
    reads_back: bool,
    /// The router refuses an older epoch than it has obeyed.
    fenced: bool,
    /// A process may be stopped between its look at the lease and its call.
    stops_in_between: bool,
    /// Calls may be lost on their way.
    lossy: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Tick,
    TakeOver(usize),
    Renew(usize),
    Commit(usize),
    ReadBack(usize),
    CheckLease(usize),
    Send(usize),
    Land(usize),
    Lose(usize),
    Stop(usize),
    Continue(usize),
    Kill(usize),
}

// === impl Rules ===

impl Rules {
    /// Every rule holds, towards a router that keeps no fences.
    const ALL: Self = Self {
        epoch_checked: true,
        lease_checked: true,
        owner_waits: true,
        reads_back: true,
        fenced: false,
        stops_in_between: true,
        lossy: true,
    };

    fn of_process(&self, state: &State, index: usize, actions: &mut Vec<Action>) {
        let it = state.processes[index];
        match it.life {
            Life::Dead => return,
            Life::Stopped => return actions.extend([Action::Continue(index), Action::Kill(index)]),
            Life::Running => actions.push(Action::Kill(index)),
        }
        if state.stops < STOPS && (self.stops_in_between || !it.checked) {
            actions.push(Action::Stop(index));
        }
        if it.epoch == 0 && state.is_free() {
            actions.push(Action::TakeOver(index));
        }
        if it.epoch > 0 {
            actions.push(Action::Commit(index));
        }
        let due = [
            (it.renews(state.now), Action::Renew(index)),
            (it.reads(state.now, self), Action::ReadBack(index)),
            (it.checked, Action::Send(index)),
            (state.calls(&it, self), Action::CheckLease(index)),
        ];
        actions.extend(due.into_iter().filter_map(|(is_due, action)| is_due.then_some(action)));
    }

    /// A process that finds its tenure over ends; the journal itself says so.
    fn commit(&self, state: &mut State, index: usize) {
        let is_stale = state.processes[index].epoch < state.epoch;
        if is_stale && self.epoch_checked {
            state.processes[index].life = Life::Dead;
        }
        state.stale_commit |= is_stale && !self.epoch_checked;
    }

    fn land(&self, state: &mut State, index: usize) {
        let call = state.calls.remove(index);
        let is_stale = call.epoch < state.route;
        if !(is_stale && self.fenced) {
            state.route = call.epoch;
            state.stale_route |= is_stale;
        }
    }
}

fn renew(state: &mut State, index: usize) {
    let now = state.now;
    let it = &mut state.processes[index];
    if it.epoch == state.epoch {
        (it.renewed, state.renewed) = (now, now);
    } else {
        it.life = Life::Dead;
    }
}

fn send(state: &mut State, index: usize) {
    let it = &mut state.processes[index];
    (it.checked, it.wrong) = (false, false);
    state.calls.push(Call { epoch: it.epoch, until: state.now + CALL });
    state.calls.sort_unstable();
}

impl Model for Rules {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::first()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for index in 0..state.processes.len() {
            self.of_process(state, index, actions);
        }
        for index in 0..state.calls.len() {
            actions.push(Action::Land(index));
            if self.lossy {
                actions.push(Action::Lose(index));
            }
        }
        if state.now < HORIZON && state.is_quiet(self) {
            actions.push(Action::Tick);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        match action {
            Action::Tick => state.tick(),
            Action::TakeOver(index) => {
                state.epoch += 1;
                state.renewed = state.now;
                state.processes[index] = Process::owning(state.epoch, state.now);
            }
            Action::Renew(index) => renew(&mut state, index),
            Action::Commit(index) => self.commit(&mut state, index),
            Action::ReadBack(index) => {
                let it = &mut state.processes[index];
                (it.read, it.wrong) = (state.now, it.wrong || state.route != it.epoch);
            }
            Action::CheckLease(index) => state.processes[index].checked = true,
            Action::Send(index) => send(&mut state, index),
            Action::Land(index) => self.land(&mut state, index),
            Action::Lose(index) => drop(state.calls.remove(index)),
            Action::Stop(index) => {
                state.processes[index].life = Life::Stopped;
                state.stops += 1;
            }
            Action::Continue(index) => state.processes[index].life = Life::Running,
            Action::Kill(index) => state.processes[index].life = Life::Dead,
        }
        let now = state.now;
        state.processes.iter_mut().for_each(|it| it.forget(now));
        (state != *before).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(COMMITS, |_, state: &State| !state.stale_commit),
            Property::always(ROUTES, |_, state: &State| !state.stale_route),
            Property::always(CORRECTED, |_, state: &State| state.stale_for <= CHECK + CALL),
            Property::sometimes(TAKEN_OVER, |_, state: &State| state.route > 1),
        ]
    }
}

const COMMITS: &str = "nothing is committed under an older epoch";
const ROUTES: &str = "no route follows that of a newer tenure";
const CORRECTED: &str = "an older route is corrected within a look and a call";
const TAKEN_OVER: &str = "a second owner's route comes into force";

/// What the checker finds: counterexamples to what should always hold, and examples of what should be possible.
fn found(rules: Rules) -> Vec<&'static str> {
    let checker = rules.checker().threads(2).spawn_bfs().join();
    assert!(checker.is_done());
    let mut found: Vec<_> = checker.discoveries().into_keys().filter(|name| *name != TAKEN_OVER).collect();
    assert!(checker.discovery(TAKEN_OVER).is_some(), "the model says nothing where nobody is replaced");
    found.sort_unstable();
    found
}

#[test]
fn a_former_owner_commits_nothing_because_the_epoch_is_checked() {
    let rules = Rules { lossy: false, ..Rules::ALL };
    assert!(!found(rules.clone()).contains(&COMMITS));
    assert!(found(Rules { epoch_checked: false, ..rules }).contains(&COMMITS));
}

#[test]
fn a_platform_with_fences_never_goes_back_whatever_is_left_out() {
    let careless = Rules { lease_checked: false, owner_waits: false, fenced: true, ..Rules::ALL };
    assert!(!found(careless.clone()).contains(&ROUTES));
    assert!(found(Rules { fenced: false, ..careless }).contains(&ROUTES));
}

#[test]
fn a_router_without_fences_is_safe_from_whoever_is_not_stopped_between_look_and_call() {
    let rules = Rules { stops_in_between: false, ..Rules::ALL };
    assert!(!found(rules.clone()).contains(&ROUTES));
    let found_without_a_look = found(Rules { lease_checked: false, ..rules.clone() });
    assert!(found_without_a_look.contains(&ROUTES), "a process that goes on after a stop writes");
    let found_without_waiting = found(Rules { owner_waits: false, ..rules });
    assert!(
        found_without_waiting.contains(&ROUTES),
        "the last call of a process that was killed arrives late"
    );
}

#[test]
fn who_is_stopped_there_can_write_once_and_it_is_corrected_within_a_look_and_a_call() {
    let rules = Rules { lossy: false, ..Rules::ALL };
    assert_eq!(found(rules.clone()), [ROUTES], "it can be written, and not for longer");
    assert!(found(Rules { reads_back: false, ..rules }).contains(&CORRECTED), "unless nobody looks");
}
