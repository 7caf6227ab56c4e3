//! A real server on loopback.

mod calls;
mod drain;
mod echo;
mod harness;
mod identity;
mod limits;
mod pages;
mod tls;
