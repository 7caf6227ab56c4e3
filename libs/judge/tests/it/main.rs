//! The judge against reference values, by simulation, and as a whole.

#![allow(clippy::unwrap_used)]

mod kayenta;
mod levels;
mod measures;
mod mixed;
mod namesakes;
mod probes;
mod properties;
mod reference;
mod revisions;
mod rig;
mod scenarios;
mod simulations;
mod vectors;
