//! The gateway: a reverse proxy that splits requests between the fleets of a target and counts what becomes of them.

mod accounting;
mod affinity;
mod answer;
mod attempt;
mod body;
mod classify;
mod commands;
mod compile;
mod connection;
mod entry;
mod exchange;
mod headers;
mod histogram;
mod listeners;
mod matching;
mod mirror;
mod passed;
mod pool;
mod proxy;
mod replay;
mod retire;
mod route;
mod run;
mod seldom;
mod sessions;
mod split;
mod state;
mod table;
mod tls;
mod tunnel;
mod upgrade;
mod upstream;
mod websocket;
mod worker;

#[cfg(test)]
mod foreign;

pub use accounting::{JourneySample, Key, MAX_JOURNEYS, Sample, Traffic};
pub use histogram::Buckets;
pub use run::{Options, run};
pub use sessions::{SessionSample, SessionsOf};
pub(crate) use state::table_on_disk;
pub use table::{
    Affinity, Balance, ErrorRules, Fleet, HeaderMatch, Ingress, Instance, Journey, Mirror, Policy, Preview,
    PreviewBy, Protocol, RequestMatch, Rule, SessionKey, Share, Table, Target, Tls, ValueMatch,
};
