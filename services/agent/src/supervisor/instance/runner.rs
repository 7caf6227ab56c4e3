//! The task that keeps one instance running.

use std::{convert::Infallible, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use bellwether_clock::{Env, Timestamp};
use tokio::{sync::watch, time::sleep};

use super::{
    check::Judge,
    command,
    handle::View,
    limits,
    log::Log,
    past,
    problem::{Problem, ProblemCode},
    record::{LastExit, Record},
};
use crate::{
    durable,
    supervisor::{
        artifacts::{Artifacts, Pins},
        ports::{Ports, is_free},
        process::{Exit, Identity, Running, find_by_environment},
        wake::Wake,
        wish::Artifact,
    },
};

/// Three ends within this are a crash loop.
const CRASH_WINDOW: Duration = Duration::from_secs(60);
const CRASHES: usize = 3;
/// Between an end and the next start; doubled for each end within the window.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Lines that are kept of an instance that ended.
const LAST_LINES: usize = 200;
/// How often a log's size is looked at.
const ROTATE_EVERY: Duration = Duration::from_secs(5);

/// What all instances share.
#[derive(Debug)]
pub struct Context {
    /// The clock.
    pub env: Env,
    /// Where records lie.
    pub records: PathBuf,
    /// Where logs lie.
    pub logs: PathBuf,
    /// Ports for instances.
    pub ports: Ports,
    /// What can be run.
    pub artifacts: Artifacts,
    /// What fleets were first started with.
    pub pins: Pins,
    /// Woken at each change.
    pub wake: Arc<Wake>,
}

/// What an instance is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Run,
    Stop,
}

/// Keeps one instance running.
pub(super) struct Runner {
    record: Record,
    context: Arc<Context>,
    log: Log,
    view: watch::Sender<View>,
    orders: watch::Receiver<Order>,
    /// The last ends, within the window.
    ends: Vec<Timestamp>,
    /// Its processes that the system has ended for want of memory, as last seen.
    killed_for_memory: u64,
}

/// Why an instance's process is no longer to be waited for.
enum Event {
    Ended(Exit),
    NotAlive,
    Stop,
}

// === impl Runner ===

impl Runner {
    pub(super) fn new(
        record: Record,
        context: Arc<Context>,
        view: watch::Sender<View>,
        orders: watch::Receiver<Order>,
    ) -> Self {
        let log = Log::new(&context.logs, record.id);
        let killed_for_memory = killed_for_memory(&record);
        Self { record, context, log, view, orders, ends: Vec::new(), killed_for_memory }
    }

    /// Runs the instance until it is told to stop; `running` is its process where it has one already.
    pub(super) async fn run(mut self, mut running: Option<Running>) {
        loop {
            let process = match running.take() {
                Some(process) => Ok(process),
                None => self.start().await,
            };
            let stop = match process {
                Ok(process) => self.attend(process).await,
                Err(problem) => {
                    self.not_started(problem).await;
                    self.pause().await
                }
            };
            if stop {
                return self.bury();
            }
        }
    }

    /// Follows a process to its end; whether that was wanted.
    async fn attend(&mut self, mut process: Running) -> bool {
        let event = {
            let watching = watch_health(&self.record, &self.view, &self.context);
            tokio::select! {
                exit = process.wait() => Event::Ended(exit),
                () = watching => Event::NotAlive,
                () = ordered_to_stop(&mut self.orders) => Event::Stop,
                never = rotate(&self.log) => match never {},
            }
        };
        match event {
            Event::Stop => {
                self.publish(|view| view.ready = false);
                process.end(self.record.spec.stop_grace).await;
                return true;
            }
            Event::Ended(exit) => {
                self.publish(|view| view.ready = false);
                process.sweep();
                self.ended(exit).await;
            }
            Event::NotAlive => {
                self.publish(|view| view.ready = false);
                let exit = process.end(self.record.spec.stop_grace).await;
                self.ended(exit).await;
            }
        }
        self.pause().await
    }

    async fn start(&mut self) -> Result<Running, Problem> {
        let artifact = match &self.record.spec.artifact {
            Some(artifact) => Some(self.verified(artifact).await?),
            None => None,
        };
        self.choose_port()?;
        self.record.process = None;
        self.save().await?;
        let mut command = command::build(&self.record, artifact.as_deref(), &self.log)?;
        let started = command.spawn().map_err(|error| {
            let program = command.as_std().get_program().to_string_lossy().into_owned();
            self.problem(ProblemCode::StartFailed, format!("{program}: {error}"))
        })?;
        let Some(running) = Running::child(started) else {
            return Err(self.problem(ProblemCode::StartFailed, "it ended at once".into()));
        };
        self.record.process = Some(running.identity().clone());
        self.record.started = Some(self.context.env.now());
        self.save().await?;
        let limited =
            limits::set(self.record.spec.limits, &self.record.id.to_string(), running.identity().pid);
        let problem = limited.err().map(|text| self.problem(ProblemCode::Limits, text));
        let (address, started) = (Context::address(self.record.port), self.record.started);
        self.publish(|view| {
            view.address = Some(address);
            view.started = started;
            view.problem = problem;
        });
        Ok(running)
    }

    async fn verified(&self, artifact: &Artifact) -> Result<PathBuf, Problem> {
        let Context { artifacts, pins, .. } = &*self.context;
        artifacts.verified(artifact, &self.record, pins).await
    }

    /// The port that it had, if that is still free, so that nobody needs to be told of another.
    fn choose_port(&mut self) -> Result<(), Problem> {
        if self.record.port != 0 && is_free(self.record.port) {
            return Ok(());
        }
        if self.record.port != 0 {
            self.context.ports.give_back(self.record.port);
        }
        let port = self.context.ports.take();
        self.record.port = port.ok_or_else(|| self.problem(ProblemCode::NoPort, "no port is free".into()))?;
        Ok(())
    }

    async fn ended(&mut self, exit: Exit) {
        let (mut log_tail, _) = self.log.tail(LAST_LINES - 1);
        let over = self.over_its_memory();
        // the system gives an instance no time for last words
        log_tail.extend(over.iter().map(|problem| problem.text.clone()));
        let time = Some(self.context.env.now());
        self.record.process = None;
        self.fell(LastExit { code: exit.code, signal: exit.signal, log_tail, time }, over).await;
    }

    /// The problem that the system has ended it because it wanted more memory than it may have, if it has since the last
    /// look.
    fn over_its_memory(&mut self) -> Option<Problem> {
        let killed = killed_for_memory(&self.record);
        let before = std::mem::replace(&mut self.killed_for_memory, killed);
        let limit = self.record.spec.limits.memory_bytes;
        (killed > before).then(|| {
            self.problem(
                ProblemCode::Limits,
                format!("out of memory: it wanted more than its limit of {limit} bytes"),
            )
        })
    }

    /// What cannot be started has ended as well, for everybody who counts ends; its last words are why. What the host
    /// lacks (a port, room on the disk) is no fault of the instance.
    async fn not_started(&mut self, problem: Problem) {
        match problem.code {
            ProblemCode::StartFailed | ProblemCode::ArtifactMissing | ProblemCode::ArtifactDigest => {
                let log_tail = vec![format!("it cannot be started: {}", problem.text)];
                let time = Some(self.context.env.now());
                self.fell(LastExit { code: None, signal: None, log_tail, time }, Some(problem)).await;
            }
            ProblemCode::PortInUse
            | ProblemCode::NoPort
            | ProblemCode::Limits
            | ProblemCode::CrashLoop
            | ProblemCode::GatewayDown
            | ProblemCode::RouteRefused
            | ProblemCode::Disk => self.publish(|view| view.problem = Some(problem)),
        }
    }

    async fn fell(&mut self, last_exit: LastExit, problem: Option<Problem>) {
        self.record.restarts += 1;
        self.record.last_exit = Some(last_exit.clone());
        self.ends.retain(|end| self.context.env.since(*end) < CRASH_WINDOW);
        self.ends.push(self.context.env.now());
        let (restarts, crash_looping) = (self.record.restarts, self.ends.len() >= CRASHES);
        let problem = self.save().await.err().or(problem);
        self.publish(|view| {
            view.restarts = restarts;
            view.last_exit = Some(last_exit);
            view.crash_looping = crash_looping;
            view.problem = problem;
        });
    }

    /// Waits before the next start; whether it was told to stop meanwhile.
    async fn pause(&mut self) -> bool {
        let doublings = u32::try_from(self.ends.len().saturating_sub(1)).unwrap_or(u32::MAX).min(8);
        let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
        tokio::select! {
            () = sleep(pause) => false,
            () = ordered_to_stop(&mut self.orders) => true,
        }
    }

    /// It is over: nothing is left but its log, which is kept for those who ask why.
    fn bury(self) {
        if let Err(error) = durable::remove(&Record::path(&self.context.records, self.record.id)) {
            tracing::error!(%error, "an instance's record stays");
        }
        limits::remove(&self.record.id.to_string());
        past::keep(&self.context.logs, &self.record, self.context.env.now());
        self.context.ports.give_back(self.record.port);
        self.publish(|view| view.gone = true);
    }

    async fn save(&self) -> Result<(), Problem> {
        let saved = self.record.save(&self.context.records).await;
        saved.map_err(|error| self.problem(ProblemCode::Disk, error.to_string()))
    }

    fn problem(&self, code: ProblemCode, text: String) -> Problem {
        Problem::new(code, &self.record.fleet, text)
    }

    fn publish(&self, change: impl FnOnce(&mut View)) {
        self.view.send_modify(change);
        self.context.wake.wake(&self.record.target);
    }
}

/// Asks the instance; returns when it must be replaced.
async fn watch_health(record: &Record, view: &watch::Sender<View>, context: &Context) {
    let address = Context::address(record.port);
    let ready = async {
        let mut judge = Judge::new(record.spec.ready.clone());
        loop {
            let before = view.borrow().ready;
            if let Some(ready) = judge.ask(address).await.filter(|ready| *ready != before) {
                view.send_modify(|view| {
                    view.ready = ready;
                    view.crash_looping &= !ready;
                });
                context.wake.wake(&record.target);
            }
            judge.rest(before).await;
        }
    };
    let live = async {
        let Some(check) = &record.spec.live else {
            return std::future::pending().await;
        };
        let mut judge = Judge::new(check.clone());
        // until it was well once it is starting, not dead
        while judge.ask(address).await != Some(true) {
            judge.rest(true).await;
        }
        while judge.ask(address).await != Some(false) {
            judge.rest(true).await;
        }
    };
    tokio::select! {
        () = ready => {}
        () = live => {}
    }
}

/// Its processes that the system has ended for want of memory.
fn killed_for_memory(record: &Record) -> u64 {
    if record.spec.limits.memory_bytes == 0 { 0 } else { limits::killed_for_memory(&record.id.to_string()) }
}

async fn ordered_to_stop(orders: &mut watch::Receiver<Order>) {
    // a supervisor that is gone gives no orders: then the instance is left as it is
    if orders.wait_for(|order| *order == Order::Stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn rotate(log: &Log) -> Infallible {
    loop {
        sleep(ROTATE_EVERY).await;
        if let Err(error) = log.rotate() {
            tracing::warn!(%error, "a log cannot be rotated");
        }
    }
}

// === impl Context ===

impl Context {
    /// Where an instance with this port listens.
    pub fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    /// The process of an instance that an earlier supervisor has started, if it still runs.
    pub fn adopt(record: &Record) -> Option<Running> {
        let identity = record.process.clone().or_else(|| {
            let pid = find_by_environment(command::INSTANCE, &record.id.to_string())?;
            Identity::of(pid)
        });
        Running::adopt(identity?)
    }
}
