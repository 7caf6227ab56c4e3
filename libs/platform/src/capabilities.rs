//! What a platform and a router can do, checked when a plan is made.

use bellwether_rollout::{Percent, Policies, Replace, Role, Route, Scale, Step};
use serde::{Deserialize, Serialize};

/// What a driver can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// Shares between 0 % and 100 %.
    pub weights: bool,
    /// Match rules on headers, cookies, methods and paths.
    pub header_match: bool,
    /// Copies of requests.
    pub mirror: bool,
    /// Sticky sessions.
    pub affinity: bool,
    /// The split can be read back.
    pub confirm: bool,
    /// Open connections can be drained.
    pub drain: bool,
    /// More instances than n at a time.
    pub surge: bool,
    /// A preview ingress.
    pub preview: bool,
    /// Older fences are refused.
    pub fenced: bool,
}

/// What a plan needs and the platform does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// The name of the capability (`header_match`).
    pub capability: String,
    /// What needs it (`steps[3]`).
    pub needed_by: String,
}

/// One need of a plan.
struct Need {
    name: &'static str,
    has: bool,
    by: String,
}

// === impl Capabilities ===

impl Capabilities {
    /// Everything.
    pub const ALL: Self = Self {
        weights: true,
        header_match: true,
        mirror: true,
        affinity: true,
        confirm: true,
        drain: true,
        surge: true,
        preview: true,
        fenced: true,
    };

    /// What the steps of a plan for `n` instances need and is not there; all of it, each capability once.
    /// `first`: nothing serves yet, so nothing runs beside the candidate.
    pub fn missing(&self, steps: &[Step], policies: &Policies, n: u32, first: bool) -> Vec<Missing> {
        let emptied = steps.iter().position(|step| matches!(step, Step::Route(Route { percent: None, .. })));
        let alone = |index| first || emptied.is_some_and(|at| index > at);
        let by_step =
            steps.iter().enumerate().flat_map(|(index, step)| self.step(index, step, n, alone(index)));
        let mut missing: Vec<Missing> = Vec::new();
        for need in by_step.chain(self.policy(policies)).filter(|need| !need.has) {
            if missing.iter().all(|it| it.capability != need.name) {
                missing.push(Missing { capability: need.name.into(), needed_by: need.by });
            }
        }
        missing
    }

    /// A platform that runs instances, beside a router of its own.
    #[must_use]
    pub const fn with_router(self, router: Self) -> Self {
        Self {
            surge: self.surge,
            fenced: self.fenced && router.fenced,
            weights: router.weights,
            header_match: router.header_match,
            mirror: router.mirror,
            affinity: router.affinity,
            confirm: router.confirm,
            drain: router.drain,
            preview: router.preview,
        }
    }

    fn step(&self, index: usize, step: &Step, n: u32, alone: bool) -> Vec<Need> {
        let need = |name, has| Need { name, has, by: format!("steps[{index}]") };
        if let Step::Route(route) = step {
            self.route(route).into_iter().map(|(name, has)| need(name, has)).collect()
        } else if let Step::Replace(Replace { max_surge, .. }) = step {
            let surge = (max_surge.count(n, Percent::ZERO) > 0).then(|| need("surge", self.surge));
            surge.into_iter().chain([need("weights", self.weights || n <= 1)]).collect()
        } else if matches!(step, Step::Scale(Scale { fleet: Role::Candidate, .. })) && !alone {
            vec![need("surge", self.surge)]
        } else {
            Vec::new()
        }
    }

    fn route(&self, route: &Route) -> Vec<(&'static str, bool)> {
        let partial = route.percent.is_some_and(|it| !it.is_zero() && it < Percent::FULL);
        let needs = [
            (true, "confirm", self.confirm),
            (partial, "weights", self.weights),
            (!route.matches.is_empty(), "header_match", self.header_match),
            (route.mirror.is_some(), "mirror", self.mirror),
            (route.preview, "preview", self.preview),
        ];
        needs.into_iter().filter(|(needed, ..)| *needed).map(|(_, name, has)| (name, has)).collect()
    }

    fn policy(&self, policies: &Policies) -> Vec<Need> {
        let sticky = policies.affinity.is_some();
        let affinity =
            sticky.then(|| Need { name: "affinity", has: self.affinity, by: "policies.affinity".into() });
        let drains = !policies.drain.is_zero();
        let drain = drains.then(|| Need { name: "drain", has: self.drain, by: "policies.drain".into() });
        affinity.into_iter().chain(drain).collect()
    }
}

#[cfg(test)]
mod tests {
    use bellwether_rollout::{Affinity, MatchRule, Mirror, Size};

    use super::*;

    #[test]
    fn r38_everything_that_is_missing_is_named_once() {
        let mirror = Some(Mirror { percent: Percent::FULL, unsafe_methods: false });
        let steps = [
            Scale::candidate(Size::FULL),
            Step::Route(Route {
                percent: Some(Percent::ZERO),
                matches: vec![MatchRule::default()],
                mirror,
                preview: true,
            }),
            Step::Route(Route::share(Percent::new(10))),
            Step::Route(Route::share(Percent::new(20))),
        ];
        let policies = Policies { affinity: Some(Affinity::default()), ..Policies::default() };
        let missing = Capabilities::default().missing(&steps, &policies, 4, false);
        let names: Vec<_> = missing.iter().map(|it| it.capability.as_str()).collect();
        let all = ["surge", "confirm", "header_match", "mirror", "preview", "weights", "affinity", "drain"];
        assert_eq!(names, all);
        assert_eq!(missing[5].needed_by, "steps[2]");
        assert_eq!(Capabilities::ALL.missing(&steps, &policies, 4, false), []);
    }

    #[test]
    fn what_cannot_run_twice_needs_no_surge() {
        let nobody = Step::Route(Route { percent: None, ..Route::default() });
        let steps = [nobody, Scale::candidate(Size::FULL), Step::Route(Route::share(Percent::FULL))];
        let policies = Policies { drain: std::time::Duration::ZERO, ..Policies::default() };
        let only_confirm = Capabilities { confirm: true, ..Capabilities::default() };
        assert_eq!(only_confirm.missing(&steps, &policies, 4, false), []);
        assert_eq!(only_confirm.missing(&steps[1..], &policies, 4, true), []);
        assert_eq!(only_confirm.missing(&steps[1..], &policies, 4, false)[0].capability, "surge");
    }
}
