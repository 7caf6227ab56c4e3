//! The types: specifications, rollouts, what is wanted and what is seen.

mod desired;
mod fleet;
mod ids;
mod incident;
mod percent;
mod policy;
mod problem;
mod reason;
mod rollout;
mod route;
mod run;
mod state;
mod step;
mod strategy;
mod target;
mod validation;
pub mod verdict;

pub use desired::{Desired, DesiredDrain, DesiredFleet, Drained, Exit, Instance, Journey, Observed};
pub use fleet::{Artifact, ArtifactSource, Check, Fleet, FleetSpec, Probe, Resources, Size};
pub use ids::{FleetId, InstanceId, Principal, RolloutId};
pub use incident::Incident;
pub use percent::Percent;
pub use policy::{FailurePolicy, OnNewer, Policies, Reaction, Recovery, RollbackMode, StableUnhealthy};
pub use problem::Problem;
pub use reason::Reason;
pub use rollout::{Kind, Origin, Override, Rollout, StartRequest, State};
pub use route::{Affinity, MatchRoute, MatchRule, Mirror, MirrorRoute, Split, StringMatch};
pub use run::{
    Answer, Clock, Evidence, Hold, HoldKind, HookRun, Monitor, Outcome, Pause, PauseOwner, StepEnd,
    StepRecord, StepRun, after, since,
};
pub use state::{Aftercare, Past, Seen, Stage, TargetState, Trouble};
pub use step::{
    Bake, Call, Gate, GateKind, Hook, OnUnknown, Prepare, Replace, Role, Route, RouteBack, Scale, Step,
    StepKind, Wait,
};
pub use strategy::{BlueGreen, Canary, CanaryStep, Recreate, Rolling, Strategy};
pub use target::{Ingress, Port, Protocol, TargetSpec, Tls};
pub use validation::{ItemKind, ItemStatus, Occasion, ValidationItem};
pub use verdict::{Decision, Level, Verdict};
