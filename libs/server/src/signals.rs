//! SIGINT and SIGTERM: the first drains, the second exits at once.

use std::io;

use bellwether_clock::spawn;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Shutdown;

/// Exit code after a second signal.
const KILLED: i32 = 130;

/// Triggers `shutdown` at the first SIGINT or SIGTERM; exits with 130 at the second.
///
/// # Errors
/// I/O errors: the handlers cannot be installed.
pub fn on_signals(shutdown: Shutdown) -> io::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    drop(spawn("signals", async move {
        next(&mut interrupt, &mut terminate).await;
        tracing::info!("stopping; a second signal exits at once");
        shutdown.trigger();
        next(&mut interrupt, &mut terminate).await;
        std::process::exit(KILLED);
    }));
    Ok(())
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => (),
        _ = terminate.recv() => (),
    }
}
