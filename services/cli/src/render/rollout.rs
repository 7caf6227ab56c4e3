//! A rollout as a person on call reads it: is traffic safe, since when, what is it waiting for, what can I do.

use bellwether_proto::{
    common::v1::{AllowedAction, Reason},
    executor::v1::{Rollout, Share, StepStatus, rollout::State, step_status},
};
use jiff::Timestamp;

use super::{
    checks,
    style::{self, Tone, paint},
    table,
};
use crate::names::short;

/// The view of one rollout, a string a line.
pub fn view(rollout: &Rollout, now: Timestamp) -> Vec<String> {
    let mut lines = vec![safety(rollout, now), headline(rollout, now)];
    if let Some(reason) = &rollout.reason {
        lines.push(format!("why        {}", brief(reason)));
    }
    let over = rollout.end_time.is_some();
    if !over {
        lines.push(format!("traffic    {}", split(rollout)));
    }
    lines.push(format!("steps      {}", steps(rollout)));
    if !over {
        lines.push(format!("instances  {}", instances(rollout)));
    }
    for waiting in &rollout.waiting_on {
        let until = waiting.until.as_ref().and_then(style::time);
        let until = until.map_or(String::new(), |t| format!(", at most {} more", style::between(now, t)));
        let who = if waiting.who.is_empty() { String::new() } else { format!(" (by {})", waiting.who) };
        lines.push(format!("waits for  {}{who}{until}", waiting.text));
    }
    for pause in &rollout.pauses {
        let who = pause.principal.as_ref().map_or("?", |p| p.id.as_str());
        lines.push(format!(
            "paused     by {who} {}: {}",
            style::ago(pause.since.as_ref(), now),
            pause.reason
        ));
    }
    if let Some(verdict) = &rollout.verdict {
        lines.push(format!("verdict    {}", checks::headline(verdict)));
        lines.extend(checks::lines(verdict).into_iter().map(|line| format!("           {line}")));
    }
    for item in &rollout.validation {
        let result = style::state(item.result().as_str_name(), "RESULT_");
        lines.push(format!("validated  {:<16} {result}  {}", item.id, item.text));
    }
    lines.extend(actions(&rollout.allowed_actions));
    lines
}

/// The first line that a person reads.
fn safety(rollout: &Rollout, now: Timestamp) -> String {
    let since = since(rollout).and_then(style::time);
    let since = since.map_or(String::new(), |since| format!(" (state since {})", style::between(since, now)));
    if rollout.traffic_safe {
        paint(&format!("TRAFFIC IS SAFE{since}"), Tone::Good)
    } else {
        paint(&format!("TRAFFIC IS NOT SAFE{since}"), Tone::Bad)
    }
}

/// Since when the traffic is as it is: the start of the step at work, or the end.
pub fn since(rollout: &Rollout) -> Option<&bellwether_proto::Timestamp> {
    let step = current_step(rollout).and_then(|step| step.start_time.as_ref());
    step.filter(|_| rollout.end_time.is_none()).or(rollout.end_time.as_ref())
}

fn headline(rollout: &Rollout, now: Timestamp) -> String {
    let version = rollout.spec.as_ref().map_or("?", |spec| spec.version.as_str());
    let started = rollout.metadata.as_ref().and_then(|m| m.create_time.as_ref());
    format!(
        "{}  {}  {}  {}  started {}",
        paint(&rollout.display_name, Tone::Strong),
        version,
        state(rollout),
        style::percent(rollout.progress_percent),
        style::ago(started, now)
    )
}

/// The state's name in its colour.
pub fn state(rollout: &Rollout) -> String {
    let name = style::state(rollout.state().as_str_name(), "STATE_");
    let tone = match rollout.state() {
        State::Succeeded => Tone::Good,
        State::RolledBack | State::RollingBack => Tone::Bad,
        State::NeedsOperator | State::Recovering => Tone::Warn,
        State::Unspecified | State::Pending | State::Running | State::Superseded | State::Cancelled => {
            Tone::Strong
        }
    };
    paint(&name, tone)
}

/// `CODE: text`, for where the values would hide everything else.
pub fn brief(reason: &Reason) -> String {
    format!("{}: {}", reason.code, reason.text)
}

/// `CODE: text (value 3, limit 2)`.
pub fn reason(reason: &Reason) -> String {
    let mut values: Vec<String> =
        reason.values.iter().map(|(name, value)| format!("{name} {value}")).collect();
    values.sort();
    match values.is_empty() {
        true => brief(reason),
        false => format!("{} ({})", brief(reason), values.join(", ")),
    }
}

fn split(rollout: &Rollout) -> String {
    let candidate = fleet_of(rollout);
    let seen = share(&rollout.split_observed, candidate);
    let wanted = share(&rollout.split_wanted, candidate);
    let mut text = format!("{} candidate {}", style::bar(seen, 30), style::percent(seen));
    if (seen - wanted).abs() > 0.05 {
        text.push_str(&format!(", on its way to {}", style::percent(wanted)));
    }
    text
}

fn share(shares: &[Share], fleet: &str) -> f64 {
    shares.iter().filter(|s| s.fleet == fleet).map(|s| s.percent).sum()
}

/// A fleet's id is that of the rollout that made it.
fn fleet_of(rollout: &Rollout) -> &str {
    short(&rollout.name)
}

fn steps(rollout: &Rollout) -> String {
    rollout.steps.iter().map(step).collect::<Vec<_>>().join("  ")
}

fn step(step: &StepStatus) -> String {
    match step.state() {
        step_status::State::Done => paint(&format!("✔ {}", step.name), Tone::Good),
        step_status::State::Active => paint(&format!("▶ {}", step.name), Tone::Strong),
        step_status::State::Failed => paint(&format!("✘ {}", step.name), Tone::Bad),
        step_status::State::Skipped => paint(&format!("» {}", step.name), Tone::Faint),
        step_status::State::Pending | step_status::State::Unspecified => {
            paint(&format!("· {}", step.name), Tone::Faint)
        }
    }
}

fn current_step(rollout: &Rollout) -> Option<&StepStatus> {
    usize::try_from(rollout.step_index).ok().and_then(|index| rollout.steps.get(index))
}

fn instances(rollout: &Rollout) -> String {
    let count = |candidate: bool| {
        let of_side = rollout.instances.iter().filter(|i| (i.fleet == fleet_of(rollout)) == candidate);
        let (all, ready) = of_side.fold((0, 0), |(all, ready), i| (all + 1, ready + usize::from(i.ready)));
        format!("{ready}/{all}")
    };
    let restarts: i32 = rollout.instances.iter().map(|i| i.restarts).sum();
    let restarts = if restarts > 0 { format!(", {restarts} restarts") } else { String::new() };
    format!("candidate {} ready, others {} ready{restarts}", count(true), count(false))
}

/// What can be done now, with the command.
pub fn actions(actions: &[AllowedAction]) -> Vec<String> {
    actions
        .iter()
        .map(|action| format!("you can    {:<48} {}", action.command, paint(&action.effect, Tone::Faint)))
        .collect()
}

/// Many rollouts.
pub fn list(rollouts: &[Rollout], now: Timestamp) -> String {
    table(
        ["ROLLOUT", "VERSION", "STATE", "STEP", "CANDIDATE", "SAFE", "AGE", "WHY"],
        rollouts.iter().map(|rollout| {
            let started = rollout.metadata.as_ref().and_then(|m| m.create_time.as_ref());
            [
                rollout.display_name.clone(),
                rollout.spec.as_ref().map_or_else(String::new, |spec| spec.version.clone()),
                style::state(rollout.state().as_str_name(), "STATE_"),
                current_step(rollout).map_or_else(|| "-".to_owned(), |step| step.name.clone()),
                style::percent(share(&rollout.split_observed, fleet_of(rollout))),
                if rollout.traffic_safe { "yes" } else { "NO" }.to_owned(),
                style::ago(started, now),
                rollout.reason.as_ref().map_or_else(String::new, |r| r.code.clone()),
            ]
        }),
    )
}

#[cfg(test)]
mod tests {
    use bellwether_proto::executor::v1::Instance;

    use super::*;

    fn rollout() -> Rollout {
        let share = |fleet: &str, percent| Share { fleet: fleet.to_owned(), percent };
        let step = |name: &str, state: step_status::State| StepStatus {
            name: name.to_owned(),
            state: state.into(),
            ..Default::default()
        };
        Rollout {
            name: "rollouts/new".to_owned(),
            display_name: "shop@production-17".to_owned(),
            traffic_safe: true,
            state: State::Running.into(),
            steps: vec![
                step("Route 10 %", step_status::State::Done),
                step("Bake", step_status::State::Active),
            ],
            step_index: 1,
            split_wanted: vec![share("new", 25.0), share("old", 75.0)],
            split_observed: vec![share("new", 10.0), share("old", 90.0)],
            instances: vec![
                Instance { fleet: "new".to_owned(), ready: true, ..Default::default() },
                Instance { fleet: "old".to_owned(), ready: false, restarts: 2, ..Default::default() },
            ],
            ..Default::default()
        }
    }

    #[test]
    fn the_first_line_says_whether_traffic_is_safe() {
        let safe = view(&rollout(), Timestamp::UNIX_EPOCH);
        assert!(safe[0].starts_with("TRAFFIC IS SAFE"), "{}", safe[0]);
        let unsafe_one = Rollout { traffic_safe: false, ..rollout() };
        assert!(view(&unsafe_one, Timestamp::UNIX_EPOCH)[0].starts_with("TRAFFIC IS NOT SAFE"));
    }

    #[test]
    fn split_steps_and_instances_are_those_of_the_rollout() {
        let text = view(&rollout(), Timestamp::UNIX_EPOCH).join("\n");
        assert!(text.contains("candidate 10 %, on its way to 25 %"), "{text}");
        assert!(text.contains("✔ Route 10 %  ▶ Bake"), "{text}");
        assert!(text.contains("candidate 1/1 ready, others 0/1 ready, 2 restarts"), "{text}");
    }

    #[test]
    fn what_is_over_has_no_split_of_its_own() {
        let over = Rollout { end_time: Some(Default::default()), ..rollout() };
        let text = view(&over, Timestamp::UNIX_EPOCH).join("\n");
        assert!(!text.contains("traffic  ") && !text.contains("instances  "), "{text}");
    }

    #[test]
    fn a_list_has_a_row_for_each() {
        let text = list(&[rollout(), rollout()], Timestamp::UNIX_EPOCH);
        assert_eq!(text.lines().count(), 3);
        assert!(text.contains("RUNNING") && text.contains("10 %"), "{text}");
    }
}
