//! The supervisor's side of a gateway's control socket.

use std::{
    net::SocketAddr,
    os::fd::{BorrowedFd, OwnedFd},
    path::PathBuf,
    time::Duration,
};

use thiserror::Error;
use tokio::{net::UnixStream, time::timeout};

use super::{Command, Frame, FrameError, Reply, Status, read_frame, write_frame};
use crate::gateway::{Sample, SessionSample, Table};

/// A gateway answers each command in milliseconds; one that does not within this is stuck.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Speaks to one gateway. Each call opens a connection of its own: calls are rare and must not queue.
#[derive(Clone, Debug)]
pub struct Client {
    path: PathBuf,
}

/// What a gateway has counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counted {
    /// Changes with each start of a gateway: its counters begin at zero.
    pub incarnation: String,
    /// One for each instance, route revision and kind of traffic.
    pub samples: Vec<Sample>,
    /// Grows whenever the [sessions](Client::sessions) have; 0: there are none.
    pub growth: u64,
}

/// Why a gateway did not do what it was told.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Nothing listens on the socket: the gateway is gone.
    #[error("the gateway is not reachable")]
    Unreachable(#[source] std::io::Error),
    /// The conversation broke.
    #[error("the conversation with the gateway broke")]
    Broken(#[from] FrameError),
    /// It did not answer in time.
    #[error("the gateway did not answer within {} s", ANSWER_WITHIN.as_secs())]
    Silent,
    /// It answered something that cannot be read or does not belong to the command.
    #[error("the gateway's answer makes no sense: {0}")]
    Strange(String),
    /// It refused, and changed nothing.
    #[error("the gateway refused: {0}")]
    Refused(String),
}

// === impl Client ===

impl Client {
    /// To the gateway whose control socket is at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Gives it the sockets to accept on.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn listen(&self, sockets: &[(SocketAddr, BorrowedFd<'_>)]) -> Result<(), ClientError> {
        let addresses = sockets.iter().map(|(address, _)| *address).collect();
        let fds: Vec<_> = sockets.iter().map(|(_, fd)| *fd).collect();
        self.expect_done(&Command::Listen { addresses }, &fds).await
    }

    /// Fetches the sockets that it accepts on.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn listeners(&self) -> Result<Vec<(SocketAddr, OwnedFd)>, ClientError> {
        match self.ask(&Command::Listeners, &[]).await? {
            (Reply::Listeners { addresses }, fds) if addresses.len() == fds.len() => {
                Ok(addresses.into_iter().zip(fds).collect())
            }
            (other, _) => Err(strange(&other)),
        }
    }

    /// Routes by `table`; returns what is routed then, read back.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn apply(&self, table: &Table, persist: bool) -> Result<Status, ClientError> {
        self.expect_status(&Command::Apply { table: Box::new(table.clone()), persist }).await
    }

    /// What is routed now.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.expect_status(&Command::Status).await
    }

    /// The counters.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn samples(&self) -> Result<Counted, ClientError> {
        match self.ask(&Command::Samples, &[]).await? {
            (Reply::Samples { incarnation, samples, growth }, _) => {
                Ok(Counted { incarnation, samples, growth })
            }
            (other, _) => Err(strange(&other)),
        }
    }

    /// The sessions of fleets whose sessions have grown after the growth `since`, and up to which growth that is.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn sessions(&self, since: u64) -> Result<(u64, Vec<SessionSample>), ClientError> {
        match self.ask(&Command::Sessions { since }, &[]).await? {
            (Reply::Sessions { growth, sessions }, _) => Ok((growth, sessions)),
            (other, _) => Err(strange(&other)),
        }
    }

    /// Tells it to accept no more and to end when what is open is finished, or after `within`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn retire(&self, within: Duration) -> Result<(), ClientError> {
        let within_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        self.expect_done(&Command::Retire { within_ms }, &[]).await
    }

    async fn expect_done(&self, command: &Command, fds: &[BorrowedFd<'_>]) -> Result<(), ClientError> {
        match self.ask(command, fds).await? {
            (Reply::Done, _) => Ok(()),
            (other, _) => Err(strange(&other)),
        }
    }

    async fn expect_status(&self, command: &Command) -> Result<Status, ClientError> {
        match self.ask(command, &[]).await? {
            (Reply::Status(status), _) => Ok(*status),
            (other, _) => Err(strange(&other)),
        }
    }

    async fn ask(
        &self,
        command: &Command,
        fds: &[BorrowedFd<'_>],
    ) -> Result<(Reply, Vec<OwnedFd>), ClientError> {
        let frame =
            timeout(ANSWER_WITHIN, self.exchange(command, fds)).await.map_err(|_| ClientError::Silent)??;
        let reply =
            serde_json::from_slice(&frame.body).map_err(|error| ClientError::Strange(error.to_string()))?;
        match reply {
            Reply::Refused { reason } => Err(ClientError::Refused(reason)),
            reply => Ok((reply, frame.fds)),
        }
    }

    async fn exchange(&self, command: &Command, fds: &[BorrowedFd<'_>]) -> Result<Frame, ClientError> {
        let body = serde_json::to_vec(command).map_err(|error| ClientError::Strange(error.to_string()))?;
        let stream = UnixStream::connect(&self.path).await.map_err(ClientError::Unreachable)?;
        write_frame(&stream, &body, fds).await?;
        read_frame(&stream).await?.ok_or(ClientError::Broken(FrameError::Truncated))
    }
}

fn strange(reply: &Reply) -> ClientError {
    ClientError::Strange(format!("{reply:?}").chars().take(80).collect())
}
