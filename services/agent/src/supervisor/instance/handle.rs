//! What the rest of the supervisor sees of an instance.

use std::{net::SocketAddr, sync::Arc};

use bellwether_clock::{Timestamp, spawn};
use tokio::sync::watch;

use super::{
    problem::Problem,
    record::{LastExit, Record},
    runner::{Context, Order, Runner},
};
use crate::supervisor::process::Running;

/// An instance at work.
#[derive(Debug)]
pub struct Handle {
    /// What it is.
    pub record: Record,
    /// It was told to end.
    stopping: bool,
    orders: watch::Sender<Order>,
    view: watch::Receiver<View>,
}

/// What can be seen of an instance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// It may get traffic.
    pub ready: bool,
    /// Its process has ended for good, and nothing of it is left.
    pub gone: bool,
    /// Where it listens; none before its first start.
    pub address: Option<SocketAddr>,
    /// How often it ended by itself and was started again.
    pub restarts: u32,
    /// It ended three times within a minute.
    pub crash_looping: bool,
    /// How it last ended by itself.
    pub last_exit: Option<LastExit>,
    /// When it was started last.
    pub started: Option<Timestamp>,
    /// Why it does not run as it should.
    pub problem: Option<Problem>,
}

// === impl Handle ===

impl Handle {
    /// Starts an instance; `adopted` is its process where an earlier supervisor has started it, and `ready` whether
    /// it had traffic then.
    pub fn start(record: Record, adopted: Option<(Running, bool)>, context: Arc<Context>) -> Self {
        let (orders, order) = watch::channel(Order::Run);
        let (publish, view) = watch::channel(View {
            ready: adopted.as_ref().is_some_and(|(_, ready)| *ready),
            address: adopted.is_some().then(|| Context::address(record.port)),
            restarts: record.restarts,
            last_exit: record.last_exit.clone(),
            started: record.started,
            ..View::default()
        });
        let running = adopted.map(|(running, _)| running);
        let runner = Runner::new(record.clone(), context, publish, order);
        spawn("instance", runner.run(running));
        Self { record, stopping: false, orders, view }
    }

    /// What can be seen now.
    pub fn view(&self) -> View {
        self.view.borrow().clone()
    }

    /// Ends it. Nothing may be routed to it any more.
    pub fn stop(&mut self) {
        self.stopping = true;
        self.orders.send_replace(Order::Stop);
    }

    /// Waits until its process has ended for good.
    pub async fn gone(&mut self) {
        // without its task nothing of it is left to wait for
        let _ = self.view.wait_for(|view| view.gone).await;
    }

    /// Whether it was told to end.
    pub fn is_stopping(&self) -> bool {
        self.stopping
    }
}
