//! What happens without anybody asking: starts, soaks, promotions, targets, outcomes.
//!
//! Everything here is level-triggered: it looks at what is there and commits what follows, so that it goes on after a crash
//! at any point. The executor is asked under ids that stay the same, so that asking twice is asking once.

mod evaluate;
mod follow;
mod observe;
mod replan;
mod run;
mod settle;
mod start;
mod steering;
mod targets;

pub(crate) use evaluate::planner_itself;
pub(crate) use observe::{NEEDS_OPERATOR, WAITS_AT_GATE};
pub(crate) use run::run;
