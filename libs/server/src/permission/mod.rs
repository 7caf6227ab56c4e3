//! What a method asks for, and who holds it.

mod methods;
mod roles;

pub use bellwether_proto::common::v1::Permission;
pub use methods::{Method, Methods, MethodsError};
pub use roles::{Role, holds};
