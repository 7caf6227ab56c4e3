//! Scenarios under their numbers, as far as the pure core can show them.

mod basics;
