//! The judge against reference values, by simulation, and as a whole.

mod reference;
mod vectors;
