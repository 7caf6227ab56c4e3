//! Black-box tests of the real services: scenarios, crash loops, simulation, load.
