//! What a target can be told. Everything is written down before it is done.

use bellwether_clock::Timestamp;
use jiff::SignedDuration;

use super::{Observed, State, Target, TargetError, file::File, file::TakenOver};
use crate::{
    control::TargetStatus,
    durable,
    supervisor::{
        fence::Fence,
        routing::RouteError,
        wish::{RouteWish, Wish},
    },
};

/// Deadlines that differ by less are the same.
const SAME_DEADLINE: SignedDuration = SignedDuration::from_secs(1);

// === impl Target ===

impl Target {
    /// Takes a wish. It is durable when this returns, and worked on until the next one.
    ///
    /// # Errors
    /// A fence that is not obeyed; the traffic was taken over; the disk's.
    pub async fn converge(&self, fence: Fence, wish: Wish) -> Result<Observed, TargetError> {
        let mut state = self.state.lock().await;
        let generation = fence.generation;
        let take = |file: &mut File| {
            let before = std::mem::replace(&mut file.wish, wish);
            for (fleet, until) in &mut file.wish.drains {
                *until = deadline(before.drains.get(fleet).copied(), *until);
            }
            file.converged = generation;
        };
        self.admit(&mut state, fence, take).await?;
        let fleets: Vec<&str> = state.file.wish.fleets.iter().map(|fleet| fleet.id.as_str()).collect();
        if let Err(error) = self.context.pins.keep(&self.name, &fleets).await {
            // what is remembered for too long refuses nothing: fleets have ids of their own
            tracing::warn!(%error, "digests of fleets that are gone stay");
        }
        self.pass(&mut state).await;
        Ok(self.observe())
    }

    /// Changes only the route; returns when the gateway has confirmed it.
    ///
    /// # Errors
    /// Those of `converge`; the gateway does not confirm it.
    pub async fn route(&self, fence: Fence, route: RouteWish) -> Result<TargetStatus, TargetError> {
        let mut state = self.state.lock().await;
        self.known(&state)?;
        self.admit(&mut state, fence, |file| file.wish.route = route).await?;
        self.confirm(&mut state).await
    }

    /// Gives a fleet no new request from now on.
    ///
    /// # Errors
    /// Those of `converge`; there is no such fleet.
    pub async fn drain(&self, fence: Fence, fleet: String, until: Timestamp) -> Result<(), TargetError> {
        let mut state = self.state.lock().await;
        self.known(&state)?;
        if state.file.wish.fleet(&fleet).is_none() {
            return Err(TargetError::NoFleet(fleet));
        }
        let begin = |file: &mut File| {
            let until = deadline(file.wish.drains.get(&fleet).copied(), until);
            file.wish.drains.insert(fleet, until);
        };
        self.admit(&mut state, fence, begin).await?;
        self.pass(&mut state).await;
        Ok(())
    }

    /// Routes everything to one fleet, past the executor; by default to the trusted one. Where none is known, what is
    /// routed stays as it is.
    ///
    /// # Errors
    /// There is no such fleet; the disk's; the gateway does not confirm it (it stays taken over then).
    pub async fn take_over(
        &self,
        fleet: Option<String>,
        reason: String,
    ) -> Result<TargetStatus, TargetError> {
        let mut state = self.state.lock().await;
        self.known(&state)?;
        if let Some(fleet) = fleet.as_ref().filter(|fleet| state.file.wish.fleet(fleet).is_none()) {
            return Err(TargetError::NoFleet(fleet.clone()));
        }
        let fleet = fleet.or_else(|| state.file.stable().map(str::to_owned));
        let revision = state.file.route().revision + 1;
        let since = self.context.env.now();
        let taken = TakenOver { fleet, revision, reason, since, handed_back: false };
        self.write(&mut state, |file| file.taken_over = Some(taken)).await?;
        self.confirm(&mut state).await
    }

    /// The version that people know a fleet by; empty: there is no such fleet.
    pub async fn version(&self, fleet: &str) -> String {
        let state = self.state.lock().await;
        state.file.wish.fleet(fleet).map(|fleet| fleet.spec.version.clone()).unwrap_or_default()
    }

    /// Lets the executor work on the target again.
    ///
    /// # Errors
    /// Nothing was taken over; the disk's.
    pub async fn hand_back(&self, reason: &str) -> Result<(), TargetError> {
        let mut state = self.state.lock().await;
        if state.taken_over().is_none() {
            return Err(TargetError::NotTakenOver);
        }
        tracing::info!(target = self.name, reason, "handed back");
        let give = |file: &mut File| file.taken_over.iter_mut().for_each(|taken| taken.handed_back = true);
        self.write(&mut state, give).await?;
        self.pass(&mut state).await;
        Ok(())
    }

    /// What is only a part of a wish needs one.
    fn known(&self, state: &State) -> Result<(), TargetError> {
        match state.unreadable {
            Some(_) => Err(TargetError::Unknown(self.name.clone())),
            None => Ok(()),
        }
    }

    async fn admit(
        &self,
        state: &mut State,
        fence: Fence,
        change: impl FnOnce(&mut File),
    ) -> Result<(), TargetError> {
        state.file.fence.admit(&fence)?;
        if let Some(taken) = state.taken_over() {
            return Err(TargetError::TakenOver { reason: taken.reason.clone() });
        }
        let change = |file: &mut File| {
            change(file);
            file.fence = fence;
            file.taken_over = None;
        };
        self.write(state, change).await?;
        state.unreadable = None;
        Ok(())
    }

    async fn write(&self, state: &mut State, change: impl FnOnce(&mut File)) -> Result<(), TargetError> {
        let mut file = state.file.clone();
        change(&mut file);
        if file != state.file {
            durable::save(&self.path, &file).await?;
            state.file = file;
        }
        Ok(())
    }

    async fn confirm(&self, state: &mut State) -> Result<TargetStatus, TargetError> {
        self.push(state).await?;
        state.route_applied = state.file.fence.generation;
        self.publish(state);
        // what else follows from it need not be waited for
        self.context.wake.wake(&self.name);
        Ok(state.confirmed.clone().ok_or(RouteError::Down)?)
    }
}

/// A drain's deadline that was told before stays: what comes again is the time that is left, measured anew, and a
/// deadline that moves by milliseconds would be a new route each time.
fn deadline(before: Option<Timestamp>, now: Timestamp) -> Timestamp {
    before.filter(|before| before.duration_since(now).abs() < SAME_DEADLINE).unwrap_or(now)
}

// === impl State ===

impl State {
    /// Who took the traffic over, if it was not handed back.
    pub(super) fn taken_over(&self) -> Option<&TakenOver> {
        self.file.taken_over.as_ref().filter(|taken| !taken.handed_back)
    }
}
