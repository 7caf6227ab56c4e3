//! A process that runs, a child or one that an earlier supervisor has started.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};

use rustix::process::Signal;
use tokio::{
    process::Child,
    time::{interval, timeout},
};

use super::Identity;

/// How often an adopted process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A process that runs.
#[derive(Debug)]
pub struct Running {
    identity: Identity,
    /// None: it was adopted, and only its end can be seen, not how it ended.
    child: Option<Child>,
}

/// How a process ended; nothing is known where it was adopted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

// === impl Running ===

impl Running {
    /// A child of this process; none: it has ended already and was waited for.
    pub fn child(child: Child) -> Option<Self> {
        let pid = i32::try_from(child.id()?).ok()?;
        // a child is there until it was waited for
        Some(Self { identity: Identity::of(pid)?, child: Some(child) })
    }

    /// One that an earlier supervisor has started; none: it has ended.
    pub fn adopt(identity: Identity) -> Option<Self> {
        identity.is_alive().then_some(Self { identity, child: None })
    }

    /// Which process.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Waits for its end. May be dropped and called again.
    pub async fn wait(&mut self) -> Exit {
        if let Some(child) = &mut self.child {
            return child.wait().await.map(Exit::from).unwrap_or_default();
        }
        let mut look = interval(LOOK_EVERY);
        while self.identity.is_alive() {
            look.tick().await;
        }
        Exit::default()
    }

    /// Ends it: SIGTERM, after `grace` SIGKILL, both to its whole group.
    pub async fn end(&mut self, grace: Duration) -> Exit {
        self.identity.signal_group(Signal::TERM);
        let exit = match timeout(grace, self.wait()).await {
            Ok(exit) => exit,
            Err(_) => {
                self.identity.signal_group(Signal::KILL);
                self.wait().await
            }
        };
        self.sweep();
        exit
    }

    /// Ends what it has left behind in its group.
    pub fn sweep(&self) {
        self.identity.signal_group(Signal::KILL);
    }
}

// === impl Exit ===

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        Self { code: status.code(), signal: status.signal() }
    }
}
