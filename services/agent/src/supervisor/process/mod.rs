//! Processes that outlive the one that started them.

mod identity;
mod running;
mod system;

pub use identity::Identity;
pub use running::{Exit, Running};
pub use system::find_by_environment;
