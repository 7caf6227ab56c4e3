//! Lines of instances, the last ones and those that come.

use std::{collections::BTreeMap, pin::Pin, sync::Arc, time::Duration};

use bellwether_clock::{Env, spawn};
use bellwether_proto::agent::v1::TailLogsResponse;
use bellwether_resource::time;
use bellwether_server::Shutdown;
use futures::Stream;
use tokio::{sync::mpsc, time::sleep};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use uuid::Uuid;

use crate::supervisor::{Past, Tail, Target};

/// How often new lines are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Lines that wait for a slow reader; then nothing more is read.
const WAITING: usize = 256;

/// The answer of TailLogs.
pub type LogStream = Pin<Box<dyn Stream<Item = Result<TailLogsResponse, Status>> + Send>>;

/// Which lines.
pub struct Wanted {
    /// Of this fleet; empty: of all.
    pub fleet: String,
    /// Of this instance; empty: of all.
    pub instance: String,
    /// Of each instance, the last ones.
    pub lines: usize,
    /// New ones as they come.
    pub follow: bool,
}

struct Reader {
    target: Arc<Target>,
    wanted: Wanted,
    env: Env,
    sender: mpsc::Sender<Result<TailLogsResponse, Status>>,
    tails: BTreeMap<Uuid, (String, Tail)>,
}

/// Tells the lines.
pub fn tail(target: Arc<Target>, wanted: Wanted, env: Env, shutdown: Shutdown) -> LogStream {
    let (sender, receiver) = mpsc::channel(WAITING);
    let last_word = sender.clone();
    let mut reader = Reader { target, wanted, env, sender, tails: BTreeMap::new() };
    spawn("tail logs", async move {
        tokio::select! {
            _ = reader.run() => {}
            () = last_word.closed() => {}
            () = shutdown.triggered() => {
                // a reader that is gone needs no last word
                let _ = last_word.try_send(Err(Shutdown::status()));
            }
        }
    });
    Box::pin(ReceiverStream::new(receiver))
}

// === impl Wanted ===

impl Wanted {
    fn names(&self, id: Uuid, fleet: &str) -> bool {
        (self.fleet.is_empty() || self.fleet == fleet)
            && (self.instance.is_empty() || self.instance == id.to_string())
    }
}

// === impl Reader ===

impl Reader {
    /// To the end of what there is, or for ever; none: the other side is gone.
    async fn run(&mut self) -> Option<()> {
        self.past().await?;
        loop {
            self.find().await?;
            if !self.wanted.follow {
                return Some(());
            }
            sleep(LOOK_EVERY).await;
            let mut news = Vec::new();
            for (id, (fleet, tail)) in &mut self.tails {
                news.push((*id, fleet.clone(), tail.read()));
            }
            for (id, fleet, lines) in news {
                self.tell(id, &fleet, lines, true).await?;
            }
        }
    }

    /// Instances that are gone, where the fleet or the instance was named. Where none was, and nothing runs, those of
    /// the fleet that ran last.
    async fn past(&mut self) -> Option<()> {
        let present = self.target.logs().await;
        let named = !self.wanted.fleet.is_empty() || !self.wanted.instance.is_empty();
        if !named && !present.is_empty() {
            return Some(());
        }
        let past = self.target.past_logs();
        let last = past.last().filter(|_| !named).map(|past| past.fleet.clone());
        for Past { id, fleet, log, .. } in past {
            let gone = !present.iter().any(|(present, ..)| *present == id);
            if gone && self.wanted.names(id, &fleet) && last.as_ref().is_none_or(|last| *last == fleet) {
                let (lines, _) = log.tail(self.wanted.lines);
                self.tell(id, &fleet, lines, false).await?;
            }
        }
        Some(())
    }

    /// Begins with instances that are new.
    async fn find(&mut self) -> Option<()> {
        for (id, fleet, log) in self.target.logs().await {
            if self.wanted.names(id, &fleet) && !self.tails.contains_key(&id) {
                let (lines, tail) = log.tail(self.wanted.lines);
                self.tails.insert(id, (fleet.clone(), tail));
                self.tell(id, &fleet, lines, false).await?;
            }
        }
        Some(())
    }

    async fn tell(&self, id: Uuid, fleet: &str, lines: Vec<String>, new: bool) -> Option<()> {
        for line in lines {
            let time = new.then(|| time::to_timestamp(self.env.now()));
            let line = TailLogsResponse { instance: id.to_string(), fleet: fleet.to_owned(), line, time };
            self.sender.send(Ok(line)).await.ok()?;
        }
        Some(())
    }
}
