//! What there is in the model, and what the rules ask of it.

use super::{CALL, CHECK, LEASE, Rules};

/// Whether a process does anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Life {
    Running,
    /// By SIGSTOP: it does nothing, keeps everything, and does not know how long.
    Stopped,
    /// Its lock on the journal is free.
    Dead,
}

/// A process of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Process {
    pub(super) life: Life,
    /// Its tenure as far as it knows; 0: it waits for one.
    pub(super) epoch: u8,
    /// When its tenure began.
    pub(super) since: u8,
    /// When the renewal began that its lease runs from, on its own steady clock.
    pub(super) renewed: u8,
    /// When it last read the route back.
    pub(super) read: u8,
    /// The route is not as it wants it, as far as it knows.
    pub(super) wrong: bool,
    /// It has checked its lease, and its call is not yet on its way.
    pub(super) checked: bool,
}

/// A call on its way to the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Call {
    pub(super) epoch: u8,
    /// It takes effect before then, or never: its sender gives it up then.
    pub(super) until: u8,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) now: u8,
    /// The journal's epoch.
    pub(super) epoch: u8,
    /// The journal's last renewal.
    pub(super) renewed: u8,
    pub(super) processes: [Process; 2],
    pub(super) calls: Vec<Call>,
    /// Whose route is in force, by epoch.
    pub(super) route: u8,
    /// How often a process was stopped.
    pub(super) stops: u8,
    /// Somebody committed after a newer tenure had begun.
    pub(super) stale_commit: bool,
    /// A route took effect after that of a newer tenure had.
    pub(super) stale_route: bool,
    /// For how long an older tenure's route has been in force under an owner that runs.
    pub(super) stale_for: u8,
}

// === impl Process ===

impl Process {
    pub(super) const fn waiting() -> Self {
        let life = Life::Running;
        Self { life, epoch: 0, since: 0, renewed: 0, read: 0, wrong: false, checked: false }
    }

    pub(super) const fn owning(epoch: u8, now: u8) -> Self {
        Self { epoch, since: now, renewed: now, read: now, wrong: true, ..Self::waiting() }
    }

    /// It runs, and takes itself for the owner.
    pub(super) fn owns(&self) -> bool {
        self.life == Life::Running && self.epoch > 0
    }

    /// Times that lie so far back that it does not matter how far are as one, and so are the dead: fewer states.
    pub(super) fn forget(&mut self, now: u8) {
        match self.life {
            Life::Dead => *self = Self { life: Life::Dead, ..Self::waiting() },
            Life::Running | Life::Stopped if self.epoch > 0 => {
                self.since = self.since.max(now.saturating_sub(CALL));
                self.read = self.read.max(now.saturating_sub(CHECK));
                self.renewed = self.renewed.max(now.saturating_sub(LEASE));
            }
            Life::Running | Life::Stopped => {}
        }
    }

    /// It has to renew its lease.
    pub(super) fn renews(&self, now: u8) -> bool {
        self.owns() && now > self.renewed
    }

    /// It has to look at the route.
    pub(super) fn reads(&self, now: u8, rules: &Rules) -> bool {
        rules.reads_back && self.owns() && now - self.read >= CHECK
    }

    /// A call now has surely ended before the lease has, and none of a former owner can follow it.
    fn may_call(&self, now: u8, rules: &Rules) -> bool {
        let sure = (self.renewed + LEASE).saturating_sub(now) > CALL;
        let alone = self.epoch == 1 || now - self.since >= CALL;
        (sure || !rules.lease_checked) && (alone || !rules.owner_waits)
    }
}

// === impl State ===

impl State {
    /// One owns, the other waits.
    pub(super) fn first() -> Self {
        Self {
            now: 0,
            epoch: 1,
            renewed: 0,
            processes: [Process::owning(1, 0), Process::waiting()],
            calls: Vec::new(),
            route: 0,
            stops: 0,
            stale_commit: false,
            stale_route: false,
            stale_for: 0,
        }
    }

    /// Whether a process may take the journal over: its owner is dead, or has shown no sign of life for a lease.
    pub(super) fn is_free(&self) -> bool {
        let dead = |it: &Process| it.epoch != self.epoch || it.life == Life::Dead;
        self.processes.iter().all(dead) || self.now - self.renewed >= LEASE
    }

    /// A process has to call, and may: one call at a time.
    pub(super) fn calls(&self, it: &Process, rules: &Rules) -> bool {
        let under_way = it.checked || self.calls.iter().any(|call| call.epoch == it.epoch);
        it.owns() && it.wrong && !under_way && it.may_call(self.now, rules)
    }

    /// Nobody has anything to do at this moment, and no call ends with it.
    pub(super) fn is_quiet(&self, rules: &Rules) -> bool {
        let is_busy = |it: &Process| {
            it.renews(self.now)
                || it.reads(self.now, rules)
                || self.calls(it, rules)
                || (it.owns() && it.checked)
        };
        !self.processes.iter().any(is_busy) && self.calls.iter().all(|call| call.until > self.now + 1)
    }

    /// A moment passes.
    pub(super) fn tick(&mut self) {
        let owner = self.processes.iter().find(|it| it.owns() && it.epoch == self.epoch);
        let settled = owner.is_some_and(|it| it.epoch == 1 || self.now - it.since >= CALL);
        let stale = settled && self.route < self.epoch;
        self.stale_for = if stale { self.stale_for + 1 } else { 0 };
        self.now += 1;
    }
}
