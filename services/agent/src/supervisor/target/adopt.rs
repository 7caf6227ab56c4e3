//! A target as an earlier supervisor has left it.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use tokio::sync::{Mutex, watch};

use super::{Observed, State, Target, file::File, file_name};
use crate::{
    durable::FileError,
    supervisor::{
        instance::{Context, Handle, LastExit, Log, Record},
        routing::Gateway,
    },
};

/// Lines that are kept of an instance that ended unseen.
const LAST_LINES: usize = 200;

// === impl Target ===

impl Target {
    /// With what lies on disk of it, and its instances: those that still run are taken over as they are, the others
    /// are started anew. Nothing is routed differently by that. Where the file could not be read, nothing is stopped or
    /// routed until the next wish comes: what was wished for is not known, and nothing was not.
    pub async fn open(
        file: File,
        unreadable: Option<FileError>,
        records: Vec<Record>,
        directory: &Path,
        context: Arc<Context>,
        gateway: Arc<Gateway>,
    ) -> Arc<Self> {
        let routed = gateway.routed(&file.name).await;
        let fleets = routed.iter().flat_map(|target| target.fleets.values());
        let with_traffic: BTreeSet<&str> = fleets
            .flat_map(|fleet| &fleet.instances)
            .filter(|instance| instance.drain_until.is_none())
            .map(|instance| instance.id.as_str())
            .collect();
        let mut state = State::default();
        for record in records {
            let ready = with_traffic.contains(record.id.to_string().as_str());
            state.instances.insert(record.id, take_over(record, ready, &context));
        }
        let (name, path) = (file.name.clone(), directory.join(file_name(&file.name)));
        state.file = file;
        state.unreadable = unreadable.map(|error| error.to_string());
        let observed = watch::Sender::new(Observed { target: name.clone(), ..Observed::default() });
        let target = Arc::new(Self { name, path, context, gateway, state: Mutex::new(state), observed });
        target.look_after();
        target
    }

    /// A target that was not known.
    pub async fn new(
        name: &str,
        directory: &Path,
        context: Arc<Context>,
        gateway: Arc<Gateway>,
    ) -> Arc<Self> {
        let file = File { name: name.to_owned(), ..File::default() };
        Self::open(file, None, Vec::new(), directory, context, gateway).await
    }
}

fn take_over(mut record: Record, ready: bool, context: &Arc<Context>) -> Handle {
    context.ports.note(record.port);
    let running = Context::adopt(&record);
    if let Some(running) = running {
        record.process = Some(running.identity().clone());
        return Handle::start(record, Some((running, ready)), context.clone());
    }
    if record.process.take().is_some() {
        let (log_tail, _) = Log::new(&context.logs, record.id).tail(LAST_LINES);
        record.restarts += 1;
        record.last_exit = Some(LastExit { log_tail, time: Some(context.env.now()), ..LastExit::default() });
    }
    Handle::start(record, None, context.clone())
}
