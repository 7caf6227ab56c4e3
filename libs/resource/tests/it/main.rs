//! Stores and Watches over real journals.

mod counter;
mod store;
