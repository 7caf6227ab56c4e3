//! Why a command for a target was not carried out.

use thiserror::Error;

use crate::{
    durable::FileError,
    supervisor::{fence::FenceError, routing::RouteError},
};

/// Why a command for a target was not carried out.
#[derive(Debug, Error)]
pub enum TargetError {
    /// This is not the name of a target.
    #[error("{0:?} is not targets/<application>@<environment>")]
    Name(String),
    /// There is no such target.
    #[error("there is no target {0}")]
    Unknown(String),
    /// It is another's, or old.
    #[error(transparent)]
    Fence(#[from] FenceError),
    /// Somebody took the traffic over.
    #[error("the traffic was taken over: {reason}")]
    TakenOver {
        /// Why.
        reason: String,
    },
    /// There is no such fleet.
    #[error("there is no fleet {0}")]
    NoFleet(String),
    /// Nothing of the traffic was taken over.
    #[error("the traffic was not taken over")]
    NotTakenOver,
    /// It could not be written down, so it was not done.
    #[error(transparent)]
    File(#[from] FileError),
    /// The route is not in force.
    #[error(transparent)]
    Route(#[from] RouteError),
}
