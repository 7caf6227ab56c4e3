//! Load shedding: a call that finds no room is refused at once instead of queueing.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

use crate::{Limits, Method, OVERLOADED};

/// Room for calls.
#[derive(Debug)]
pub(crate) struct Load {
    unary: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

// === impl Load ===

impl Load {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            unary: Arc::new(Semaphore::new(limits.unary)),
            streams: Arc::new(Semaphore::new(limits.streams)),
        }
    }

    /// Room for this call until the permit is dropped. What is open to everybody (health) always finds room.
    pub(crate) fn admit(&self, method: &Method) -> Result<Option<OwnedSemaphorePermit>, Status> {
        if method.permission.is_none() && !method.streaming {
            return Ok(None);
        }
        let room = if method.streaming { &self.streams } else { &self.unary };
        let permit = room
            .clone()
            .try_acquire_owned()
            .map_err(|_| OVERLOADED.because("the server is at its limit of concurrent calls"))?;
        Ok(Some(permit))
    }
}
