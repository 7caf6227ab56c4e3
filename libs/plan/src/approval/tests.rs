use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn somebody(id: &str, kind: ApproverKind, roles: &[&str]) -> Approver {
    Approver { id: id.into(), kind, roles: roles.iter().map(|&r| r.to_owned()).collect() }
}

fn human(id: &str) -> Approver {
    somebody(id, ApproverKind::Human, &["approver"])
}

fn approval(by: &Approver) -> Approval {
    Approval {
        environment: "production".into(),
        plan_digest: PlanDigest::of(&1),
        by: by.clone(),
        comment: String::new(),
        at: NOW,
    }
}

fn state(rule: &ApprovalRule, by: &[Approver], requester: &Approver) -> RuleState {
    let approvals: Vec<_> = by.iter().map(approval).collect();
    evaluate(rule, &approvals, requester, NOW).state
}

#[test]
fn g05_the_requester_does_not_count() {
    let rule = ApprovalRule::people("four-eyes", 1);
    assert_eq!(state(&rule, &[human("alice")], &human("alice")), RuleState::Unmet);
    assert_eq!(state(&rule, &[human("bob")], &human("alice")), RuleState::Met);
    let rule = ApprovalRule { requester_counts: true, ..rule };
    assert_eq!(state(&rule, &[human("alice")], &human("alice")), RuleState::Met);
}

#[test]
fn g06_two_approvals_by_one_person_count_once() {
    let rule = ApprovalRule::people("high-risk", 2);
    assert_eq!(state(&rule, &[human("bob"), human("bob")], &human("alice")), RuleState::Unmet);
    assert_eq!(state(&rule, &[human("bob"), human("carol")], &human("alice")), RuleState::Met);
}

#[test]
fn agents_count_only_where_the_rule_says_so() {
    let agent = somebody("qa-orchestrator", ApproverKind::Agent, &[]);
    let rule = ApprovalRule::people("four-eyes", 1);
    assert_eq!(state(&rule, std::slice::from_ref(&agent), &human("alice")), RuleState::Unmet);
    let rule = ApprovalRule { agents_count: true, ..rule };
    assert_eq!(state(&rule, &[agent], &human("alice")), RuleState::Met);
}

#[test]
fn principals_or_roles_may() {
    let rule = ApprovalRule {
        principals: vec!["dora".into()],
        roles: vec!["operator".into()],
        ..ApprovalRule::people("operations", 1)
    };
    let operator = somebody("oscar", ApproverKind::Human, &["operator"]);
    assert_eq!(state(&rule, &[human("bob")], &human("alice")), RuleState::Unmet);
    assert_eq!(state(&rule, &[operator], &human("alice")), RuleState::Met);
    assert_eq!(state(&rule, &[human("dora")], &human("alice")), RuleState::Met);
}

#[test]
fn among_strangers_on_one_machine_four_eyes_are_not_enforced() {
    let local = somebody("local", ApproverKind::Local, &[]);
    let rule = ApprovalRule::people("high-risk", 2);
    assert_eq!(state(&rule, std::slice::from_ref(&local), &local), RuleState::NotEnforced);
    assert_eq!(state(&rule, &[], &local), RuleState::Unmet);
    assert_eq!(state(&rule, &[local], &human("alice")), RuleState::Unmet, "local is no distinct person");
}

#[test]
fn approvals_run_out() {
    let hour = Duration::from_secs(3600);
    let rule = ApprovalRule { valid_for: Some(hour), ..ApprovalRule::people("four-eyes", 1) };
    let approvals = [approval(&human("bob"))];
    let at = |now| evaluate(&rule, &approvals, &human("alice"), now);
    assert_eq!(at(NOW).state, RuleState::Met);
    assert_eq!(at(NOW).next_change_at, Some(NOW + hour));
    assert_eq!(at(NOW + hour).state, RuleState::Unmet);
}

#[test]
fn risk_adds_to_rules_and_makes_none_of_its_own() {
    let own = [ApprovalRule::people("four-eyes", 1)];
    let ids = |band| rules(&own, band).into_iter().map(|rule| rule.id).collect::<Vec<_>>();
    assert_eq!(ids(Band::Medium), ["four-eyes"]);
    assert_eq!(ids(Band::High), ["four-eyes", "high-risk"]);
    assert_eq!(ids(Band::Critical), ["four-eyes", "critical-risk", "critical-risk-operations"]);
    assert!(rules(&[], Band::Critical).is_empty());
}
