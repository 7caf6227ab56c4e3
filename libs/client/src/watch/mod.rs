//! Following a stream for ever.

mod follow;
mod messages;
mod seen;
mod step;

pub use follow::{Watch, WatchEvent};
pub use step::{WatchMessage, WatchResource, WatchStep};
