//! The pure core of the executor: targets, strategies as recipes, the step machine, desired and observed state.
