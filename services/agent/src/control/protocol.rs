//! What is said over a gateway's control socket.

use std::{collections::BTreeMap, net::SocketAddr};

use serde::{Deserialize, Serialize};

use crate::gateway::{Affinity, Mirror, Preview, Rule, Sample, SessionSample, Share, Table};

/// What the supervisor asks of a gateway.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Accept on exactly these sockets from now on; they travel with the frame, in this order.
    Listen {
        /// The address that each socket is bound to, as the routing table names it.
        addresses: Vec<SocketAddr>,
    },
    /// Hand out the sockets that are accepted on.
    Listeners,
    /// Route by this table from now on.
    Apply {
        /// The whole table.
        table: Box<Table>,
        /// Whether it becomes the table on disk; a gateway that is being replaced leaves that to its successor.
        persist: bool,
    },
    /// Tell what is routed now.
    Status,
    /// Tell the counters.
    Samples,
    /// Tell the sessions of fleets whose sessions have grown.
    Sessions {
        /// The growth that was told last; 0: everything.
        since: u64,
    },
    /// Accept no more, finish what is open, then end.
    Retire {
        /// Milliseconds until what is still open is cut.
        within_ms: u64,
    },
}

/// What a gateway answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// To `Listen` and `Retire`.
    Done,
    /// To `Listeners`: the addresses; the sockets travel with the frame, in this order.
    Listeners {
        /// The address that each socket is bound to.
        addresses: Vec<SocketAddr>,
    },
    /// To `Apply` and `Status`: what is routed now, read back from the table in use.
    Status(Box<Status>),
    /// To `Samples`.
    Samples {
        /// Changes with each start of a gateway: its counters begin at zero.
        incarnation: String,
        /// One for each instance and route revision.
        samples: Vec<Sample>,
        /// Grows whenever sessions have; 0: there are none.
        #[serde(default)]
        growth: u64,
    },
    /// To `Sessions`.
    Sessions {
        /// Up to which growth.
        growth: u64,
        /// One for each fleet and route revision that has grown.
        sessions: Vec<SessionSample>,
    },
    /// The command was not carried out, and nothing was changed.
    Refused {
        /// Why.
        reason: String,
    },
}

/// What a gateway routes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Changes with each start of a gateway.
    pub incarnation: String,
    /// The version of the table in use.
    pub version: u64,
    /// The addresses that are accepted on.
    pub listening: Vec<SocketAddr>,
    /// Client connections now open.
    pub connections: usize,
    /// By target name.
    pub targets: BTreeMap<String, TargetStatus>,
    /// By instance uuid; also those that left the table while requests are open.
    pub instances: BTreeMap<String, InstanceStatus>,
}

/// What a gateway routes for one target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TargetStatus {
    /// The route revision in use.
    pub revision: u64,
    /// The split in use; empty: every request is answered with 503.
    pub split: Vec<Share>,
    /// The rules in use.
    pub rules: Vec<Rule>,
    /// The mirror in use.
    pub mirror: Option<Mirror>,
    /// The affinity in use.
    pub affinity: Option<Affinity>,
    /// The previews in use.
    pub preview: Vec<Preview>,
}

/// What goes to one instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceStatus {
    /// Requests and streams now open towards it.
    pub in_flight: usize,
    /// Requests and streams that a drain's deadline cut.
    pub cut_by_drain: u64,
}
