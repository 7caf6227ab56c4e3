//! The judge against reference values, by simulation, and as a whole.

mod reference;
mod rig;
mod scenarios;
mod simulations;
mod vectors;
