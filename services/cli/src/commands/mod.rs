//! One file per group of commands. Each gets the session, its arguments, and prints.

pub mod act;
pub mod analyze;
pub mod apply;
pub mod decide;
pub mod deliveries;
pub mod emergency;
pub mod explain;
pub mod get;
pub mod health;
pub mod init;
pub mod line;
pub mod logs;
pub mod policy;
pub mod power;
pub mod probe;
pub mod release;
pub mod replay;
pub mod resolve;
pub mod shown;
pub mod status;
pub mod token;
pub mod watch;
