//! Between the contract and the domain.

mod application;
mod bake;
mod bundle;
mod capability;
mod deployment;
mod environment;
mod health;
mod hold;
mod plan;
mod principal;
mod reasons;
mod release;
mod spec;
mod steps;
mod strategy;

pub(crate) use application::{application, application_message};
pub(crate) use bundle::{bundle, bundle_message};
pub(crate) use capability::capabilities;
pub(crate) use deployment::merged;
pub(crate) use environment::{environment, environment_message};
pub(crate) use health::declared;
pub(crate) use hold::hold_message;
pub(crate) use plan::plan_message;
pub(crate) use principal::{approver, principal_message};
pub(crate) use release::{condition_message, release_message};
pub(crate) use spec::{PinnedSpec, start_request, target_message};
pub(crate) use strategy::kind_of;
