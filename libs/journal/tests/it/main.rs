//! The journal's tests on real files and processes.

mod conformance;
