//! The one word for "come to an end": of the process, or of the connection that a stream runs on.

use std::time::Duration;

use bellwether_resource::error::DRAINING;
use http::Extensions;
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// Tells long-lived work to end. Cheap to clone.
///
/// # Expected flow
/// A stream handler takes it with [`Shutdown::of`], selects on [`Shutdown::triggered`] beside its events, and ends
/// with [`Shutdown::status`] after having sent its last resume token. The handle of a request also fires when its
/// connection has reached its age, so that streams move to a new connection by themselves.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(CancellationToken);

// === impl Shutdown ===

impl Shutdown {
    /// A handle that nothing has triggered yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells everybody who holds this handle, or a child of it, to end.
    pub fn trigger(&self) {
        self.0.cancel();
    }

    /// Has it been triggered?
    pub fn is_triggered(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Returns when it is triggered.
    pub async fn triggered(&self) {
        self.0.cancelled().await;
    }

    /// A handle that ends with this one, and can end earlier.
    pub fn child(&self) -> Self {
        Self(self.0.child_token())
    }

    /// The handle of a request; one that never fires outside of a [`Server`](crate::Server).
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// What a stream ends with: UNAVAILABLE, to be opened again at once.
    pub fn status() -> Status {
        DRAINING.because("the server ends this stream").retry_after(Duration::ZERO).into()
    }
}
