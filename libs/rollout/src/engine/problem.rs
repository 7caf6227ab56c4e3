//! What the platform names as the reason why the candidate does not run.

use super::Ctx;
use crate::model::{Problem, Reason, since};

/// A problem that lasts is a deploy failure once it has been there for the grace time.
pub(super) fn blocked(ctx: &Ctx) -> Option<Reason> {
    let begin = ctx.rollout.blocked_since?;
    let problem = ctx.state.problem(ctx.candidate()).filter(|it| it.lasts())?;
    let span = since(begin, ctx.now);
    let over = span >= ctx.policies().readiness_grace;
    over.then(|| of(problem, "BLOCKED").with("seconds", span.as_secs()))
}

/// The platform's reason in place of what was only seen from outside, where it names one.
pub(super) fn explained(ctx: &Ctx, seen: Reason) -> Reason {
    let Some(problem) = ctx.state.problem(ctx.candidate()) else { return seen };
    let values = seen.values.into_iter();
    values.fold(of(problem, &seen.code), |reason, (name, value)| reason.with(&name, value))
}

fn of(problem: &Problem, failure: &str) -> Reason {
    let text = [problem.message.as_str(), problem.remedy.as_str()];
    let text: Vec<_> = text.into_iter().filter(|it| !it.is_empty()).collect();
    let reason = Reason::new(&problem.code, text.join(" \u{2014} ")).with("failure", failure);
    let instance = problem.instance.map(|it| ("instance", it.to_string()));
    let remedy = Some(("remedy", problem.remedy.clone())).filter(|(_, it)| !it.is_empty());
    instance.into_iter().chain(remedy).fold(reason, |reason, (name, value)| reason.with(name, value))
}
