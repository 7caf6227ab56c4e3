//! The fake against the conformance kit, and what only the fake can do.

mod fake;
mod kit;
