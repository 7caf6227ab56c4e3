//! Between the contract and the domain; nothing else in this crate converts.

mod fields;
mod input;
mod names;
mod output;
mod verdict;

pub(crate) use fields::{Fields, read};
