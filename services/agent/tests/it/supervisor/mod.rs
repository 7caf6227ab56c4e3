//! The supervisor as a process, with its gateway and instances.

mod converge;
mod crash;
mod logs;
mod restart;
mod samples;
