//! The executor: carries rollouts out, durably, and takes them back.
