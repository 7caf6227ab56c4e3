//! Load at fixed times, whatever becomes of it (an open loop): each answer is measured from when its request was due, so
//! that one that waited for the one before it counts its waiting (no coordinated omission).
//!
//! A thread of its own with a timer of its own: a runtime's timer of one millisecond sends what is due in that time at
//! once, and what is measured then is how long such a burst takes to be worked off; and a runtime's threads wait for
//! the cores behind what they measure. Where the system lets it, the thread goes before others, as a client on another
//! machine would; what it takes of the cores it still takes.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::fd::OwnedFd,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use bellwether_clock::{Env, Timestamp};
use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, CreateFlags, Event, EventData, EventFlags},
    fs::Timespec,
    time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime},
};
use tokio::sync::oneshot;

use super::answer::{REQUEST, is_whole};
use crate::stats::millis;

/// The lowest of all niceness.
const FIRST: i32 = -20;
/// Answers that come later than this after the end are not waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// What falls into one of these is due at its end. A finer timer takes more of the cores than the requests do.
const TICK: Duration = Duration::from_micros(250);
/// The timer among the connections.
const TIMER: u64 = u64::MAX;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Load {
    /// Where; connections are dealt to them in turn.
    pub to: Vec<SocketAddr>,
    /// Connections, one request at a time on each.
    pub connections: usize,
    /// Requests per second, evenly spread over time and over the connections.
    pub rps: f64,
    /// For so long.
    pub span: Duration,
}

/// What came of it, in milliseconds.
#[derive(Debug, Default)]
pub struct Latencies {
    /// Of each answer, from when its request was due.
    pub took: Vec<f64>,
    /// Of each request whose connection was free, from when it was due until it was sent: what the generator adds.
    pub late: Vec<f64>,
}

/// Puts the load on.
///
/// # Errors
/// A connection fails; an answer is not what it should be, or does not come.
pub async fn run(load: Load, env: Env) -> anyhow::Result<Latencies> {
    let (done, result) = oneshot::channel();
    let generate = move || {
        // refused to those who are nobody in particular; then it competes with what it measures
        let _ = rustix::process::setpriority_process(None, FIRST);
        // whoever waits for the result is there until it comes
        let _ = done.send(Generator::new(&load, env).and_then(|mut it| it.run(&load)));
    };
    std::thread::Builder::new().name("load".to_owned()).spawn(generate)?;
    result.await.context("the generator's thread ended")?
}

struct Generator {
    env: Env,
    start: Timestamp,
    epoll: OwnedFd,
    timer: OwnedFd,
    connections: Vec<Connection>,
    found: Latencies,
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// When the request that is under way was due.
    asked: Option<Duration>,
    /// Those that wait behind it.
    waiting: VecDeque<Duration>,
}

/// When a request is due, from the start: at the end of the tick that it falls into.
fn due(number: u32, rps: f64) -> Duration {
    let ticks = (f64::from(number) / (rps * TICK.as_secs_f64())).floor() + 1.0;
    TICK.mul_f64(ticks)
}

// === impl Generator ===

impl Generator {
    fn new(load: &Load, env: Env) -> anyhow::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK)?;
        let epoll = epoll::create(CreateFlags::empty())?;
        epoll::add(&epoll, &timer, EventData::new_u64(TIMER), EventFlags::IN)?;
        let mut connections = Vec::new();
        for (number, address) in (0..).zip(load.to.iter().cycle().take(load.connections)) {
            let connection = Connection::open(*address)?;
            epoll::add(&epoll, &connection.stream, EventData::new_u64(number), EventFlags::IN)?;
            connections.push(connection);
        }
        Ok(Self { start: env.now(), env, epoll, timer, connections, found: Latencies::default() })
    }

    fn run(&mut self, load: &Load) -> anyhow::Result<Latencies> {
        let all = (load.span.as_secs_f64() * load.rps) as u32;
        let every = Timespec::try_from(TICK)?;
        let ticks = Itimerspec { it_interval: every, it_value: every };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &ticks)?;
        self.start = self.env.now();
        let mut events: Vec<Event> = Vec::with_capacity(load.connections + 1);
        let mut sent = 0;
        while sent < all || self.connections.iter().any(|it| it.asked.is_some()) {
            events.clear();
            epoll::wait(&self.epoll, spare_capacity(&mut events), None)?;
            // answers first: they make room for what is due
            for event in &events {
                self.happened(event.data.u64())?;
            }
            let now = self.now();
            while sent < all && due(sent, load.rps) <= now {
                self.ask(sent as usize % load.connections, due(sent, load.rps))?;
                sent += 1;
            }
            ensure!(now < load.span + PATIENCE, "answers do not come");
        }
        Ok(std::mem::take(&mut self.found))
    }

    fn now(&self) -> Duration {
        self.env.since(self.start)
    }

    fn ask(&mut self, number: usize, due: Duration) -> anyhow::Result<()> {
        let now = self.now();
        let connection = self.connections.get_mut(number).context("no such connection")?;
        if connection.asked.is_some() {
            connection.waiting.push_back(due);
            return Ok(());
        }
        self.found.late.push(millis(now.saturating_sub(due)));
        connection.send(due)
    }

    fn happened(&mut self, what: u64) -> anyhow::Result<()> {
        if what == TIMER {
            // how often it rang does not matter: the clock says what is due
            rustix::io::read(&self.timer, &mut [0; 8])?;
            return Ok(());
        }
        let connection = self.connections.get_mut(usize::try_from(what)?).context("no such connection")?;
        let Some(asked) = connection.answer()? else { return Ok(()) };
        self.found.took.push(millis(self.env.since(self.start).saturating_sub(asked)));
        match connection.waiting.pop_front() {
            Some(due) => connection.send(due),
            None => Ok(()),
        }
    }
}

// === impl Connection ===

impl Connection {
    fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, buffer: Vec::new(), asked: None, waiting: VecDeque::new() })
    }

    fn send(&mut self, due: Duration) -> anyhow::Result<()> {
        self.asked = Some(due);
        // one request at a time always finds room in the socket
        Ok(self.stream.write_all(REQUEST)?)
    }

    /// When the request was due whose answer is whole now; none: it is not.
    fn answer(&mut self) -> anyhow::Result<Option<Duration>> {
        let mut bytes = [0; 4096];
        match self.stream.read(&mut bytes) {
            Ok(0) => bail!("the connection was closed"),
            Ok(read) => self.buffer.extend_from_slice(bytes.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        if !is_whole(&self.buffer)? {
            return Ok(None);
        }
        self.buffer.clear();
        Ok(self.asked.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_due_at_the_ends_of_ticks() {
        // two for each tick
        let rps = 2.0 / TICK.as_secs_f64();
        assert_eq!([0, 1, 2, 3, 4].map(|number| due(number, rps)), [1, 1, 2, 2, 3].map(|ticks| TICK * ticks));
    }
}
