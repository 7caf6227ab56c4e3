//! What the monitor tries itself: real HTTP, TCP and gRPC on loopback.

mod evidence;
mod given;
mod kinds;
mod owners;
mod resource;
mod rollouts;
mod shop;
mod tls;
