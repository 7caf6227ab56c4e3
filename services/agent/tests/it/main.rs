//! Tests over real processes and real sockets.

#[path = "../server/app.rs"]
mod app;
#[cfg(test)]
mod driver;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod supervisor;
