//! One run of a probe.

mod grpc;
mod http;
mod judge;
mod secrets;
mod tcp;

use std::{error::Error, sync::Arc, time::Duration};

use bellwether_clock::{Env, Timestamp};
use bellwether_egress::{AddressPolicy, BuildError, Client, Limits};

use super::spec::{Access, Kind, Spec};
use crate::sources::Secrets;

/// Bytes of an answer's body that are read.
pub const MOST_BODY: usize = 256 * 1024;
/// Of a text about a failure.
const MOST_TEXT: usize = 500;

/// What runs are made with. Cheap to clone.
#[derive(Clone)]
pub struct Tools {
    client: Client,
    secrets: Arc<Secrets>,
    env: Env,
    /// What servers are checked against, PEM; None: the system's.
    roots: Option<Arc<[u8]>>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// Where it went.
    pub address: String,
    /// How long it took.
    pub took: Duration,
    /// Steps that were answered.
    pub steps: Vec<Answered>,
    /// What was not as expected; None: nothing.
    pub failure: Option<Failure>,
}

/// A step that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Its id.
    pub id: String,
    /// The status.
    pub status: u16,
    /// Until the end of the answer.
    pub latency: Duration,
}

/// What was not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The step; empty: there are none.
    pub step: String,
    /// Expected and found, in one sentence.
    pub text: String,
}

// === impl Tools ===

impl Tools {
    /// Calls where the policy permits it. Servers are checked against `roots`, PEM; None: the system's.
    ///
    /// # Errors
    /// Where the operating system refuses what a client is made of, or the roots are none.
    pub fn new(
        policy: AddressPolicy,
        secrets: Arc<Secrets>,
        roots: Option<&[u8]>,
        env: Env,
    ) -> Result<Self, BuildError> {
        let limits = Limits { answer_bytes: MOST_BODY, ..Limits::default() };
        let client = match roots {
            Some(roots) => Client::trusting(policy, limits, roots)?,
            None => Client::new(policy, limits)?,
        };
        Ok(Self { client, secrets, env, roots: roots.map(Arc::from) })
    }

    /// The surroundings.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// Tries a probe by this access, for at most as long as it may take.
    pub async fn run(&self, spec: &Spec, access: &Access) -> Attempt {
        let at = self.env.now();
        let kind = access.address.as_ref().map_or_else(|| spec.kind.clone(), |address| spec.kind.at(address));
        let mut steps = Vec::new();
        let tried = async {
            match &kind {
                Kind::Http(journey) => self.walk(spec, journey, &access.headers, &mut steps).await,
                Kind::Tcp(address) => self.connect(address).await.map(drop).map_err(Failure::whole),
                Kind::Grpc(grpc) => self.check(spec, grpc, &access.headers).await.map_err(Failure::whole),
            }
        };
        let tried = tokio::time::timeout(spec.timeout, tried).await;
        let failure = match tried {
            Ok(tried) => tried.err(),
            Err(_) => {
                Some(Failure { step: at_work(&kind, steps.len()), text: too_late(&kind, spec.timeout) })
            }
        };
        Attempt { at, address: kind.address(), took: self.env.since(at), steps, failure }
    }
}

/// The step that was at work when the time was over.
fn at_work(kind: &Kind, answered: usize) -> String {
    match kind {
        Kind::Http(journey) => journey.steps.get(answered).map(|step| step.id.clone()).unwrap_or_default(),
        Kind::Tcp(_) | Kind::Grpc(_) => String::new(),
    }
}

fn too_late(kind: &Kind, timeout: Duration) -> String {
    match kind {
        Kind::Http(_) => format!("no whole answer within the {timeout:?} that the run may take"),
        Kind::Tcp(_) => format!("no connection within {timeout:?}"),
        Kind::Grpc(_) => format!("no answer within {timeout:?}"),
    }
}

// === impl Failure ===

impl Failure {
    /// Of a probe without steps.
    fn whole(text: String) -> Self {
        Self { step: String::new(), text: shortened(&text) }
    }

    /// Of a step.
    fn of(step: &str, text: String) -> Self {
        Self { step: step.to_owned(), text: shortened(&text) }
    }

    /// With the step, for people.
    pub fn told(&self) -> String {
        match self.step.as_str() {
            "" => self.text.clone(),
            step => format!("step {step}: {}", self.text),
        }
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MOST_TEXT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// An error with what is behind it.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = cause.source();
    }
    text
}
