//! The release-planner: requests become immutable plans; admission, approval, promotion.
