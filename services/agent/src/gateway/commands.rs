//! The gateway's side of its control socket.

use std::{os::fd::AsFd, sync::Arc, time::Duration};

use bellwether_clock::spawn;
use tokio::net::{UnixListener, UnixStream};

use super::{listeners::Listeners, state::State};
use crate::control::{Command, Frame, FrameError, Reply, Status, read_frame, write_frame};

/// What commands act on.
#[derive(Clone, Debug)]
pub struct Commands {
    /// Everything shared.
    pub state: Arc<State>,
    /// The listening sockets.
    pub listeners: Arc<Listeners>,
}

// === impl Commands ===

impl Commands {
    /// Serves the control socket for ever.
    pub async fn serve(self, socket: UnixListener) {
        loop {
            match socket.accept().await {
                Ok((stream, _)) => {
                    let commands = self.clone();
                    spawn("control", async move {
                        if let Err(error) = commands.converse(&stream).await {
                            tracing::warn!(%error, "a conversation on the control socket broke");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept on the control socket");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    async fn converse(&self, stream: &UnixStream) -> Result<(), FrameError> {
        while let Some(frame) = read_frame(stream).await? {
            let (reply, sockets) = self.perform(frame).await;
            let body = serde_json::to_vec(&reply).map_err(std::io::Error::other)?;
            let fds: Vec<_> = sockets.iter().map(AsFd::as_fd).collect();
            write_frame(stream, &body, &fds).await?;
        }
        Ok(())
    }

    async fn perform(&self, frame: Frame) -> (Reply, Vec<std::os::fd::OwnedFd>) {
        let command = match serde_json::from_slice(&frame.body) {
            Ok(command) => command,
            Err(error) => return (refused(&error), Vec::new()),
        };
        let reply = match command {
            Command::Listen { addresses } if addresses.len() == frame.fds.len() => {
                let sockets = addresses.into_iter().zip(frame.fds).collect();
                self.listeners.set(sockets).map_or_else(|error| refused(&error), |()| Reply::Done)
            }
            Command::Listen { .. } => refused(&"not one socket for each address"),
            Command::Listeners => match self.listeners.sockets() {
                Ok(sockets) => {
                    let (addresses, sockets) = sockets.into_iter().unzip();
                    return (Reply::Listeners { addresses }, sockets);
                }
                Err(error) => refused(&error),
            },
            Command::Apply { table, persist } => match self.state.apply(*table, persist).await {
                Ok(status) => Reply::Status(Box::new(self.with_listeners(status))),
                Err(error) => refused(&chain(&error)),
            },
            Command::Status => Reply::Status(Box::new(self.with_listeners(self.state.status()))),
            Command::Samples => Reply::Samples {
                incarnation: self.state.incarnation.clone(),
                samples: self.state.accounting.samples(),
                growth: self.state.sessions.growth(),
            },
            Command::Sessions { since } => {
                let (growth, sessions) = self.state.sessions.since(since);
                Reply::Sessions { growth, sessions }
            }
            Command::Retire { within_ms } => {
                self.listeners.stop();
                self.state.retiring.begin(Duration::from_millis(within_ms));
                Reply::Done
            }
        };
        (reply, Vec::new())
    }

    fn with_listeners(&self, status: Status) -> Status {
        Status { listening: self.listeners.addresses(), ..status }
    }
}

fn refused(reason: &dyn std::fmt::Display) -> Reply {
    Reply::Refused { reason: reason.to_string() }
}

/// An error with its sources: the other side has only this text.
fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |error| error.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}
