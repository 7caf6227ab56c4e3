//! A real server on loopback.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod audit;
mod calls;
mod cors;
mod drain;
mod echo;
mod harness;
mod identity;
mod limits;
mod pages;
mod process;
mod tls;
