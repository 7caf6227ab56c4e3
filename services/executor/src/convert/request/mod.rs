//! Commands and questions as callers send them.

mod operate;
mod read;
mod start;
mod target;

pub(crate) use operate::{OnRollout, abort, advance, gate, pause, permit, resume, rollback};
pub(crate) use read::{
    ListRollouts, ListTargets, OF_ROLLOUTS, OF_TARGETS, rollout_name, rollout_value, target_name,
    target_value,
};
pub(crate) use start::start;
pub(crate) use target::{Interrupted, OnTarget, apply, delete, hand_back, interruption};
