//! The release-planner: requests become immutable plans; admission, approval, promotion.

mod actions;
mod book;
mod convert;
mod metadata;
