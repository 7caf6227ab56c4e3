//! Swapping instances of one fleet for those of another, in place: never more than n + surge wanted, never fewer
//! than n − unavailable ready, and no share above what is ready.

use super::{Ctx, route};
use crate::{
    event::Event,
    model::{FleetId, Percent, Replace, Route, Size, Step},
};

struct Swap<'a> {
    ctx: &'a Ctx<'a>,
    from: FleetId,
    to: FleetId,
    goal: u32,
    n: u32,
    /// n in the lower bounds.
    settled: u32,
    surge: u32,
    unavailable: u32,
}

/// One move towards the goal of the running batch.
pub(super) fn forward(ctx: &Ctx, base: FleetId, step: Replace) -> Vec<Event> {
    let goal = ctx.rollout.replaced.of(ctx.state.instances());
    Swap::new(ctx, base, ctx.candidate(), goal, step).next()
}

/// What n has shrunk under is corrected at any time, also while somebody holds the step.
pub(super) fn capped(ctx: &Ctx) -> Vec<Event> {
    let (Some(base), Some(step)) = (ctx.base(), replacing(ctx)) else { return Vec::new() };
    if ctx.rollout.started_at.is_none() {
        return Vec::new();
    }
    let (from, to) = if ctx.rollout.undoing() { (ctx.candidate(), base) } else { (base, ctx.candidate()) };
    let goal = ctx.rollout.replaced.of(ctx.state.instances());
    Swap::new(ctx, from, to, goal, step).cap().into_iter().collect()
}

/// The step by which instances are swapped in place, where they are.
pub(super) fn replacing(ctx: &Ctx) -> Option<Replace> {
    ctx.rollout.steps.iter().find_map(|step| if let Step::Replace(it) = step { Some(*it) } else { None })
}

/// One move back.
pub(super) fn back(ctx: &Ctx, base: FleetId, step: Replace) -> Vec<Event> {
    let swap = Swap::new(ctx, ctx.candidate(), base, ctx.state.instances(), step);
    let moves = swap.next();
    let sized = ctx.state.fleets.get(&base).is_some_and(|it| it.size == Size::FULL);
    if moves.is_empty() && !sized && ctx.state.wanted(base) == swap.n {
        return vec![Event::FleetSized { fleet: base, size: Size::FULL }];
    }
    moves
}

/// Whether the batch is ready and has its share.
pub(super) fn swapped(ctx: &Ctx, base: FleetId) -> bool {
    let n = ctx.state.instances();
    let goal = ctx.rollout.replaced.of(n);
    let (to, state) = (ctx.candidate(), ctx.state);
    state.wanted(to) == goal
        && state.ready(to) >= goal
        && state.wanted(base) == n - goal
        && state.existing(base) <= n - goal
        && state.split.share(to) >= share_of(goal, n)
        && state.route_confirmed()
}

/// The share of traffic that `count` of n instances have.
fn share_of(count: u32, n: u32) -> Percent {
    Percent::ratio(count, n.max(1))
}

// === impl Swap ===

impl<'a> Swap<'a> {
    fn new(ctx: &'a Ctx<'a>, from: FleetId, to: FleetId, goal: u32, step: Replace) -> Self {
        let n = ctx.state.instances();
        let count = |size: Size| size.count(n, Percent::ZERO);
        let (surge, unavailable) = (count(step.max_surge), count(step.max_unavailable));
        // a target of one instance can only be swapped with one more
        let surge = if surge == 0 && (unavailable == 0 || n <= 1) { 1 } else { surge };
        Self { ctx, from, to, goal, n, settled: ctx.state.settled.min(n), surge, unavailable }
    }

    fn next(&self) -> Vec<Event> {
        self.cap()
            .or_else(|| self.grow())
            .or_else(|| self.shift())
            .or_else(|| self.shrink())
            .into_iter()
            .collect()
    }

    fn wanted(&self, fleet: FleetId) -> u32 {
        self.ctx.state.wanted(fleet)
    }

    /// Instances that are there or will be.
    fn room_taken(&self, fleet: FleetId) -> u32 {
        self.wanted(fleet).max(self.ctx.state.existing(fleet))
    }

    /// Fewer instances where n has shrunk under them.
    fn cap(&self) -> Option<Event> {
        let (from, to) = (self.wanted(self.from), self.wanted(self.to));
        let excess = (from + to).saturating_sub(self.n + self.surge);
        let fewer = from.saturating_sub(excess);
        let (fleet, count) =
            if self.allowed(fewer) { (self.from, fewer) } else { (self.to, to.saturating_sub(excess)) };
        (excess > 0).then_some(Event::FleetSized { fleet, size: Size::Count(count) })
    }

    /// More instances, as far as the surge allows: the new ones, then old ones where n has grown.
    fn grow(&self) -> Option<Event> {
        let room =
            (self.n + self.surge).saturating_sub(self.room_taken(self.to) + self.room_taken(self.from));
        let sized = |fleet, target: u32| {
            let count = self.wanted(fleet);
            let more = target.min(count + room);
            (more > count).then_some(Event::FleetSized { fleet, size: Size::Count(more) })
        };
        sized(self.to, self.goal).or_else(|| sized(self.from, self.n - self.goal))
    }

    /// Traffic follows the instances that are ready. As long as nothing was seen of what was wanted last, some that look ready
    /// may have been told to stop.
    fn shift(&self) -> Option<Event> {
        let state = self.ctx.state;
        if !state.applied() {
            return None;
        }
        let (ready_to, ready_from) = (state.ready(self.to).min(self.goal), state.ready(self.from));
        let enough = ready_to > 0 && ready_to + self.unavailable >= self.settled;
        let alone = ready_from == 0 && ready_to > 0;
        let share = if enough || alone { Percent::FULL } else { share_of(ready_to, self.settled) };
        let share = if self.goal < self.n { share.min(share_of(self.goal, self.n)) } else { share };
        if share <= state.split.share(self.to) {
            return None;
        }
        let candidate = if self.to == self.ctx.candidate() { share } else { share.rest() };
        let split = route::split(self.ctx, &Route::share(candidate), Some(candidate));
        route::wanted(self.ctx, split, None)
    }

    /// Fewer of the old ones, as far as the ready ones and the traffic allow.
    fn shrink(&self) -> Option<Event> {
        let state = self.ctx.state;
        let count = self.wanted(self.from);
        let target = self.n - self.goal;
        if count <= target || !state.route_confirmed() {
            return None;
        }
        let fewer = (target..count).find(|fewer| self.allowed(*fewer))?;
        Some(Event::FleetSized { fleet: self.from, size: Size::Count(fewer) })
    }

    /// Platforms stop instances that are not ready first.
    fn allowed(&self, fewer: u32) -> bool {
        let state = self.ctx.state;
        // one that a person has started, or that is to be stopped, is not counted on
        let ready_to = state.ready(self.to).min(self.wanted(self.to));
        let ready_from = state.ready(self.from);
        let left = ready_from.min(fewer);
        let least = self.settled.saturating_sub(self.unavailable);
        // instances that are missing will be back: they are not given away either
        let available = ready_to + fewer >= least && (ready_to + left >= least || left == ready_from);
        let share = state.split.share(self.from);
        let carried = share.is_zero()
            || (fewer > 0 && (left == ready_from || share.of(self.settled) <= left + self.unavailable));
        available && carried
    }
}
