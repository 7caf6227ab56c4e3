//! Who must approve, and whether they have.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Band, EnvironmentId, PlanDigest};

/// Who must approve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRule {
    /// A name for people.
    pub id: String,
    /// How many distinct principals.
    pub count: u32,
    /// These may.
    pub principals: Vec<String>,
    /// Whoever has one of these roles may. Without principals and roles everybody may.
    pub roles: Vec<String>,
    /// Agents and services count as well as people.
    pub agents_count: bool,
    /// The requester counts as well.
    pub requester_counts: bool,
    /// An approval holds this long; `None`: until it is voided.
    pub valid_for: Option<Duration>,
}

/// What kind of principal somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ApproverKind {
    /// A person.
    Human,
    /// An agent that acts by itself.
    Agent,
    /// A service or a machine.
    Service,
    /// Whoever is on this machine. Never a distinct person.
    Local,
}

/// Somebody, as the transport established them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Approver {
    /// Their name.
    pub id: String,
    /// What they are.
    pub kind: ApproverKind,
    /// Their roles.
    pub roles: Vec<String>,
}

/// An approval of one plan in one environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Where.
    pub environment: EnvironmentId,
    /// Of what.
    pub plan_digest: PlanDigest,
    /// By whom.
    pub by: Approver,
    /// What they said.
    pub comment: String,
    /// When.
    pub at: Timestamp,
}

/// How a rule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RuleState {
    /// Met.
    Met,
    /// Not met.
    Unmet,
    /// Approved on this machine where nobody is distinct: it opens, and four eyes cannot be shown.
    NotEnforced,
}

/// How a rule stands, with those who count for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalState {
    /// How it stands.
    pub state: RuleState,
    /// Who counts, by name.
    pub counted: Vec<String>,
    /// When the first of them runs out.
    pub next_change_at: Option<Timestamp>,
}

/// How `rule` stands, given the approvals of *this* plan in *this* environment.
pub fn evaluate<'a>(
    rule: &ApprovalRule,
    approvals: impl IntoIterator<Item = &'a Approval>,
    requester: &Approver,
    now: Timestamp,
) -> ApprovalState {
    let mut counted: BTreeMap<&str, Option<Timestamp>> = BTreeMap::new();
    let mut local = false;
    for approval in approvals.into_iter().filter(|approval| rule.holds(approval, now)) {
        local |= approval.by.kind == ApproverKind::Local && rule.names(&approval.by);
        if rule.counts(&approval.by, requester) {
            counted.insert(&approval.by.id, rule.ends(approval));
        }
    }
    let enough = counted.len() >= usize::try_from(rule.count).unwrap_or(usize::MAX);
    let state = match (enough, local && requester.kind == ApproverKind::Local) {
        (true, _) => RuleState::Met,
        (false, true) => RuleState::NotEnforced,
        (false, false) => RuleState::Unmet,
    };
    ApprovalState {
        state,
        next_change_at: counted.values().flatten().min().copied(),
        counted: counted.into_keys().map(str::to_owned).collect(),
    }
}

/// The environment's rules and those that the risk adds. An environment without rules stays without.
pub(crate) fn rules(own: &[ApprovalRule], band: Band) -> Vec<ApprovalRule> {
    let mut rules = own.to_vec();
    if !own.is_empty() {
        match band {
            Band::Low | Band::Medium => {}
            Band::High => rules.push(ApprovalRule::people("high-risk", 2)),
            Band::Critical => {
                rules.push(ApprovalRule::people("critical-risk", 2));
                let roles = vec!["operator".to_owned()];
                rules.push(ApprovalRule { roles, ..ApprovalRule::people("critical-risk-operations", 1) });
            }
        }
    }
    rules
}

// === impl ApprovalRule ===

impl ApprovalRule {
    /// `count` people, none of them the requester.
    pub fn people(id: &str, count: u32) -> Self {
        Self {
            id: id.to_owned(),
            count,
            principals: Vec::new(),
            roles: Vec::new(),
            agents_count: false,
            requester_counts: false,
            valid_for: None,
        }
    }

    /// Whether an approval by `approver` counts for a release of `requester`.
    pub fn counts(&self, approver: &Approver, requester: &Approver) -> bool {
        let kind = match approver.kind {
            ApproverKind::Human => true,
            ApproverKind::Agent | ApproverKind::Service => self.agents_count,
            ApproverKind::Local => false,
        };
        kind && self.names(approver) && (self.requester_counts || approver.id != requester.id)
    }

    /// Whether an approval by `approver` opens it at all: by counting, or because nobody is distinct here.
    pub fn accepts(&self, approver: &Approver, requester: &Approver) -> bool {
        let nobody_is_distinct =
            approver.kind == ApproverKind::Local && requester.kind == ApproverKind::Local;
        nobody_is_distinct || self.counts(approver, requester)
    }

    /// What it asks for, for people.
    pub fn describe(&self) -> String {
        let who = match (self.agents_count, self.count) {
            (false, 1) => "1 person".to_owned(),
            (false, n) => format!("{n} people"),
            (true, 1) => "1 person or agent".to_owned(),
            (true, n) => format!("{n} people or agents"),
        };
        let mut text = format!("{}: {who}", self.id);
        let named: Vec<_> = self.principals.iter().chain(&self.roles).map(String::as_str).collect();
        if !named.is_empty() {
            text.push_str(&format!(" of {}", named.join(", ")));
        }
        if !self.requester_counts {
            text.push_str(" other than the requester");
        }
        text
    }

    /// `local` may do everything; whether it counts is another question.
    fn names(&self, approver: &Approver) -> bool {
        let anybody = self.principals.is_empty() && self.roles.is_empty();
        anybody
            || approver.kind == ApproverKind::Local
            || self.principals.contains(&approver.id)
            || approver.roles.iter().any(|role| self.roles.contains(role))
    }

    fn ends(&self, approval: &Approval) -> Option<Timestamp> {
        self.valid_for.and_then(|valid| approval.at.checked_add(valid).ok())
    }

    fn holds(&self, approval: &Approval, now: Timestamp) -> bool {
        self.ends(approval).is_none_or(|end| now < end)
    }
}

#[cfg(test)]
mod tests;
