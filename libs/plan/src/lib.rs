//! The pure core of the planner: strategy choice, risk, approvals, admission, promotion, the plan and its digest.
//!
//! No I/O, no clock, no randomness: the same inputs give the same plan, byte for byte. The shell
//! (`services/release-planner`) gathers the facts, commits what is decided here and carries it out.
//!
//! - [`make`] turns an [`Application`], its [`Environment`]s and a [`Bundle`] into an immutable [`Plan`].
//! - [`Release`] is what became of it, one [`Stage`] per environment; [`Release::evolve`] is total.
//! - [`admit`] is the only place that decides whether a release may start in an environment.

mod admission;
mod application;
mod approval;
mod bake;
mod bundle;
mod capability;
mod communication;
mod digest;
mod environment;
mod expansion;
mod id;
mod plan;
mod promotion;
mod release;
mod risk;
mod road;
mod rollback;
mod shape;
mod soak;
mod stage;
mod strategy;
mod timeline;

pub use admission::{
    Admission, Condition, ConditionKind, ConditionState, Situation, admit, conditions, next_change_at,
};
pub use application::{Application, ApplicationType, Audience, Criticality, Deployment, Pinned, Tuning};
pub use approval::{Approval, ApprovalRule, ApprovalState, Approver, ApproverKind, RuleState, evaluate};
pub use bake::{Answers, BakeBasis, Forecast, HealthBounds, PlannedBake, Question, Traffic, TrafficBasis};
pub use bundle::{Artifact, ArtifactSource, Bundle, ChangeType, Commit, Migration};
pub use capability::{Capabilities, Capability};
pub use communication::{Message, Phase};
pub use digest::{PlanDigest, canonical};
pub use environment::{Environment, Promotion, Upstreams};
pub use id::{ApplicationId, EnvironmentId, ReleaseId};
pub use plan::{EnvironmentPlan, History, Plan, PlanError, PlanInput, Warning, make};
pub use promotion::{Candidate, Hold, HoldCause, Veto, newest_available};
pub use release::{EvolveError, Release, ReleaseEvent, ReleaseState};
pub use risk::{Band, Contribution, Risk, RiskFactor};
pub use road::{Road, RoadError};
pub use rollback::{RollbackMode, RollbackPlan};
pub use shape::{AskedBake, Shape};
pub use soak::Soak;
pub use stage::{IllegalTransition, Stage, StageState, Steering, TRANSITIONS};
pub use strategy::{Considered, Recipe, StrategyChoice, StrategyKind};
pub use timeline::{Milestone, Quantiles, StepKind, StepTimes};
