//! Makes each target what its state wants.
//!
//! Level-triggered: the loop is woken, takes no input, and works on the newest wish. A wish that a newer one has
//! overtaken is given up in the middle of its call, so that a rollback waits for nothing. Every call carries the fence:
//! a platform that keeps it refuses whatever a former owner, or a call that was given up, still asks for.

use std::time::Duration;

use bellwether_clock::Timestamp;
use bellwether_platform::{Driver, Error, Fence};
use bellwether_rollout::{Desired, Effect, Input, Step, TargetState, desired, effects};
use tracing::{Instrument as _, info_span};

use crate::{
    record::Note,
    shell::{Executor, State, Stop},
    targets::{TargetEntry, Targets},
};

/// A call that takes longer is given up and made again.
const CALL: Duration = Duration::from_secs(5);
/// The same for a driver that cannot refuse a former owner.
const UNFENCED_CALL: Duration = Duration::from_secs(2);
/// How often a wish is compared with what was seen, and an unfenced route read back.
const CHECK: Duration = Duration::from_secs(1);
/// The same for a target that is as it should be, on a driver that tells of every change.
const IDLE: Duration = Duration::from_secs(5);
/// Between two attempts: from this…
const FIRST: Duration = Duration::from_millis(100);
/// …to this.
const LAST: Duration = Duration::from_secs(5);

/// Converges one target.
struct Converger<'e> {
    executor: &'e Executor,
    target: String,
    /// The generation that was asked for last, successfully.
    asked: Option<u64>,
    /// Calls in a row that failed.
    failures: u32,
    /// Whether its driver keeps fences; none: not known yet.
    fenced: Option<bool>,
    started: Timestamp,
}

/// Why a call was not made, or came to nothing.
enum Failed {
    /// The driver's error.
    Driver(Error),
    /// This process does not surely own the journal for as long as the call may take.
    Lease,
    /// No answer in time.
    Slow,
}

/// Converges until the process ends.
pub(crate) async fn run(executor: &Executor, mut state: State) {
    let target = Targets::name(&state.borrow().stream).to_owned();
    let (started, newest) = (executor.env().now(), state.clone());
    let mut converger = Converger { executor, target, asked: None, failures: 0, fenced: None, started };
    loop {
        let entry = state.borrow_and_update().clone();
        let wish =
            Desired { journeys: entry.state.journeys(), ..desired(&entry.state.core, executor.env().now()) };
        let wait = tokio::select! {
            biased;
            ended = overtaken(&mut state, &wish) => match ended {
                true => return,
                false => continue,
            },
            wait = converger.turn(&newest, &entry, &wish) => wait,
        };
        tokio::select! {
            ended = overtaken(&mut state, &wish) => if ended { return },
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Returns when something else is wanted; true when the process ends.
async fn overtaken(state: &mut State, wish: &Desired) -> bool {
    loop {
        if state.changed().await.is_err() {
            return true;
        }
        let entry = state.borrow_and_update();
        let core = &entry.state.core;
        if core.desired_since != wish.generation || core.hands_off() != wish.hands_off {
            return false;
        }
    }
}

// === impl Converger ===

impl Converger<'_> {
    /// Does what is to be done now; how long to wait before the next turn unless the wish changes.
    async fn turn(&mut self, state: &State, entry: &TargetEntry, wish: &Desired) -> Duration {
        let (platform, router) = &entry.state.driver;
        let Some(driver) = self.executor.drivers().get(platform, router) else {
            tracing::error!(target = %self.target, %platform, "there is no such driver");
            return LAST;
        };
        if effects(&entry.state.core).contains(&Effect::HandBack)
            && let Err(error) = driver.hand_back(&self.target).await
        {
            return self.failed(state, wish, Failed::Driver(error)).await;
        }
        let fenced = self.is_fenced(&driver).await;
        if wish.hands_off || !entry.exists() {
            return CHECK;
        }
        if !fenced {
            self.read_back(state, &driver).await;
        }
        if self.asked == Some(wish.generation) && holds(&state.borrow().state.core) {
            return if fenced { IDLE } else { CHECK };
        }
        match self.call(&driver, wish, fenced).instrument(self.span(entry)).await {
            Ok(()) => {
                self.executor.metrics().called("converge", "ok");
                (self.asked, self.failures) = (Some(wish.generation), 0);
                self.read_back(state, &driver).await;
                CHECK
            }
            Err(failed) => self.failed(state, wish, failed).await,
        }
    }

    async fn call(&self, driver: &Driver, wish: &Desired, fenced: bool) -> Result<(), Failed> {
        let limit = if fenced { CALL } else { self.unfenced_limit()? };
        let called = driver.converge(&self.target, wish, self.fence(wish.generation));
        match tokio::time::timeout(limit, called).await {
            Ok(done) => done.map_err(Failed::Driver),
            Err(_) => Err(Failed::Slow),
        }
    }

    /// A driver that cannot tell owners apart is called only while this process surely is the owner, and not before a
    /// call of the former one has surely ended: it made none after its lease had lapsed.
    fn unfenced_limit(&self) -> Result<Duration, Failed> {
        let sure = self.executor.journal().lease_left() > UNFENCED_CALL;
        let alone = self.executor.env().since(self.started) >= UNFENCED_CALL
            || self.executor.journal().epoch().number <= 1;
        if sure && alone { Ok(UNFENCED_CALL) } else { Err(Failed::Lease) }
    }

    async fn is_fenced(&mut self, driver: &Driver) -> bool {
        if self.fenced.is_none() {
            self.fenced = driver.capabilities().await.ok().map(|it| it.fenced);
        }
        self.fenced.unwrap_or(false)
    }

    /// What is there now becomes input at once.
    async fn read_back(&self, state: &State, driver: &Driver) {
        match tokio::time::timeout(CALL, driver.observe(&self.target)).await {
            Ok(Ok(observed)) => {
                let input = Input::Observed(Box::new(observed));
                self.executor.deliver(state, input, Note::default()).await;
            }
            Ok(Err(error)) => tracing::warn!(target = %self.target, %error, "the target cannot be read back"),
            Err(_) => tracing::warn!(target = %self.target, "the target was not read back in time"),
        }
    }

    /// Tells what a failure means; how long to wait.
    async fn failed(&mut self, state: &State, wish: &Desired, failed: Failed) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let outcome = match &failed {
            Failed::Lease => return FIRST,
            Failed::Slow => "slow",
            Failed::Driver(error) => self.consider(state, wish, error).await,
        };
        self.executor.metrics().called("converge", outcome);
        let wait = FIRST.saturating_mul(1 << self.failures.min(6)).min(LAST);
        self.executor.env().jitter(wait, 20)
    }

    async fn consider(&self, state: &State, wish: &Desired, error: &Error) -> &'static str {
        tracing::warn!(target = %self.target, %error, generation = wish.generation, "the target did not converge");
        match error {
            Error::Fenced { held, given } if held.journal_id == given.journal_id => {
                self.outranked(held, given);
                "fenced"
            }
            Error::Fenced { .. } | Error::Rejected { .. } | Error::Unsupported { .. } => {
                let input = Input::RouteRefused { generation: wish.generation, error: error.to_string() };
                self.executor.deliver(state, input, Note::default()).await;
                "refused"
            }
            Error::TakenOver { .. } => "taken_over",
            Error::Unavailable { .. } => "unavailable",
        }
    }

    /// A platform that has obeyed a later tenure than this one: either this process has been replaced, or its journal
    /// is older than what the platform has seen.
    fn outranked(&self, held: &Fence, given: &Fence) {
        if held.epoch <= given.epoch {
            // a wish of this very process that was overtaken
            return;
        }
        let lost = self.executor.journal().lease_left().is_zero();
        let older = Stop::JournalOlderThanPlatform { platform: held.epoch, ours: given.epoch };
        self.executor.stopper().because(if lost { Stop::Fenced } else { older });
    }

    fn fence(&self, generation: u64) -> Fence {
        let journal = self.executor.journal();
        Fence { journal_id: journal.id().0, epoch: journal.epoch().number, generation }
    }

    /// In the trace of the rollout that is at work.
    fn span(&self, entry: &TargetEntry) -> tracing::Span {
        let core = &entry.state.core;
        let step = core.active().and_then(|it| it.current()).map(Step::kind);
        let span = info_span!("converge", target = %self.target, generation = core.desired_since, ?step);
        self.executor.continue_trace(&span, entry);
        span
    }
}

/// Whether the target was seen as it is wanted.
fn holds(core: &TargetState) -> bool {
    core.applied() && core.observed.split.as_ref() == Some(&core.split)
}
