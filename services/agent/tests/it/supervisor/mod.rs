//! The supervisor as a process, with its gateway and instances.

mod converge;
mod crash;
mod limits;
mod logs;
mod outage;
mod problems;
mod restart;
mod samples;
mod sessions;
mod start;
