//! Conditions on approvals.

use super::{Condition, ConditionKind, ConditionState, Subject};
use crate::{ApprovalRule, ApproverKind, RuleState, evaluate};

// === impl Subject ===

impl Subject<'_> {
    /// One condition per rule.
    pub(super) fn approvals(&self) -> Vec<Condition> {
        self.part.approvals.iter().map(|rule| self.approved(rule)).collect()
    }

    fn approved(&self, rule: &ApprovalRule) -> Condition {
        let release = self.situation.release;
        let found = evaluate(rule, release.valid_approvals(self.environment), &release.requester, self.now);
        let by = if found.counted.is_empty() { "nobody".to_owned() } else { found.counted.join(", ") };
        let condition = Condition::new(ConditionKind::Approval, "APPROVAL", rule.describe())
            .met(by.clone())
            .changes_at(found.next_change_at);
        match found.state {
            RuleState::Met => condition,
            RuleState::NotEnforced => Condition {
                code: "FOUR_EYES_NOT_ENFORCED",
                state: ConditionState::NotEnforced,
                actual: "approved on this machine, where nobody is distinct; bellwether token create makes people \
                         distinct"
                    .to_owned(),
                ..condition
            },
            RuleState::Unmet => condition.unmet(self.missing(by), self.remedy()),
        }
    }

    fn missing(&self, by: String) -> String {
        let former = self.situation.release.approvals.iter().any(|approval| {
            approval.environment == *self.environment
                && approval.plan_digest != self.situation.release.plan_digest
        });
        if former { format!("{by}; approvals of a former plan are void") } else { by }
    }

    fn remedy(&self) -> String {
        let release = self.situation.release;
        let command = format!("bellwether approve releases/{} -e {}", release.id, self.environment);
        match release.requester.kind {
            ApproverKind::Human | ApproverKind::Agent | ApproverKind::Service => command,
            ApproverKind::Local => format!("{command} (by whom is not enforced without tokens)"),
        }
    }
}
