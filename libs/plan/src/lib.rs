//! The pure core of the planner: risk, strategy choice, admission, promotion.
