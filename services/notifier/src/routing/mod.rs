//! Who gets what: the tree of routes and the receivers at its ends, compiled from `notifier.v1.Routing`.

mod compile;
mod matcher;
mod receiver;
mod tree;

use std::collections::BTreeMap;

use bellwether_proto::notifier::v1 as proto;
use bellwether_resource::{Violations, error::Problem};

pub use matcher::{Matcher, MatcherError};
pub use receiver::{Channel, Rate, Receiver, SecretRef, Webhook};
pub use tree::{Hit, Node};

/// The labels of a message.
pub type Labels = BTreeMap<String, String>;

/// A routing that is in force, or could be.
#[derive(Clone, Debug)]
pub struct Routing {
    /// As it was given; the metadata is the outbox's business.
    pub source: proto::Routing,
    /// The destinations, by name.
    pub receivers: BTreeMap<String, Receiver>,
    /// The tree.
    pub root: Node,
}

// === impl Routing ===

impl Routing {
    /// Reads it in a request; whether it is right is for the violations to say.
    pub fn read(violations: &mut Violations, source: proto::Routing) -> Self {
        compile::compile(violations, source)
    }

    /// Compiles it.
    ///
    /// # Errors
    /// `INVALID_FIELDS` with every violation in it.
    pub fn compile(source: proto::Routing) -> Result<Self, Problem> {
        let mut violations = Violations::new();
        let routing = Self::read(&mut violations, source);
        violations.finish().map(|()| routing)
    }

    /// Everything to the log.
    pub fn to_log() -> Self {
        let name = "log".to_owned();
        let channel = proto::receiver::Channel::Log(proto::LogChannel {});
        let receiver = proto::Receiver { name: name.clone(), channel: Some(channel), rate_limit: None };
        let route = proto::Route { receiver: name.clone(), ..Default::default() };
        Self {
            source: proto::Routing { metadata: None, receivers: vec![receiver], route: Some(route) },
            receivers: BTreeMap::from([(name.clone(), Receiver::log(&name))]),
            root: Node::catch_all(&name),
        }
    }

    /// The receivers of a message with these labels, each once, in the order of the tree. Never empty.
    pub fn route(&self, labels: &Labels) -> Vec<Hit> {
        self.root.route(labels)
    }
}
