//! What the planner refuses calls for.

bellwether_resource::reasons! {
    /// What the planner refuses calls for, beside what every service does.
    pub REASONS;
    /// No plan can be made: the platform, or the environments, do not allow it.
    PLAN_IMPOSSIBLE = FailedPrecondition, "See in the details what is missing, per environment; change the strategy, the platform or the environments.";
    /// The version must never start again.
    VERSION_VETOED = FailedPrecondition, "Release another version.";
    /// The caller's approval counts for none of the rules.
    APPROVAL_DOES_NOT_COUNT = PermissionDenied, "Have somebody approve whom a rule names; see bellwether explain.";
    /// Something still uses it; the details name what.
    IN_USE = FailedPrecondition, "Remove what uses it first; the details name it.";
    /// There is no rollout that the command could be for.
    NO_ROLLOUT = FailedPrecondition, "See bellwether status for what is at work; name an environment.";
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use bellwether_resource::error::page_problems;

    use super::*;

    #[test]
    fn every_reason_has_its_page() {
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
        assert_eq!(page_problems(REASONS, &pages), Vec::<String>::new());
    }
}
