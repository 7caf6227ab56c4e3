//! A target: what serves, and is it well.

use std::collections::BTreeMap;

use bellwether_proto::executor::v1::{Problem, Rollout, Target};
use jiff::Timestamp;

use super::{
    rollout::{self, actions, brief},
    style::{self, Tone, paint},
    table,
};
use crate::names::short;

/// The view of one target, a string a line. `newest`: its newest rollout, where it has had one.
pub fn view(target: &Target, newest: Option<&Rollout>, now: Timestamp) -> Vec<String> {
    let mut lines = vec![safety(target, newest, now), headline(target)];
    if target.taken_over {
        lines.push(paint("taken over by hand; nothing converges until it is handed back", Tone::Warn));
    }
    lines.extend(newest.filter(|rollout| rollout.end_time.is_some()).map(|last| ended(last, now)));
    if let Some(why) = &target.needs_operator {
        lines.push(format!("waits      {}", brief(why)));
    }
    for share in &target.split {
        lines.push(format!(
            "traffic    {} {} {}",
            style::bar(share.percent, 30),
            style::percent(share.percent),
            version_of(target, &share.fleet)
        ));
    }
    for instance in &target.instance_states {
        let ready = if instance.ready { paint("ready", Tone::Good) } else { paint("not ready", Tone::Warn) };
        lines.push(format!(
            "instance   {}  {}  {ready}  restarts {}  {}",
            style::tail(&instance.id),
            version_of(target, &instance.fleet),
            instance.restarts,
            instance.address
        ));
    }
    lines.extend(target.problems.iter().map(|problem| self::problem(problem, now)));
    for kept in &target.kept {
        let version = kept.fleet.as_ref().map_or("?", |fleet| version_of(target, &fleet.id));
        let left = kept.keep_until.as_ref().and_then(style::time);
        let left = left.map_or(String::new(), |until| format!(" for {} more", style::between(now, until)));
        lines.push(format!("kept       {version}{left}, ready to take the traffic back"));
    }
    lines.extend(actions(&target.allowed_actions));
    lines
}

/// Whether a version serves there, or is on its way.
pub fn is_used(target: &Target) -> bool {
    target.stable.is_some() || target.candidate.is_some() || !target.active_rollout.is_empty()
}

/// The first line that a person reads.
pub fn safety(target: &Target, newest: Option<&Rollout>, now: Timestamp) -> String {
    if !is_used(target) {
        return format!("{} HAS NO TRAFFIC: nothing was released there yet", short(&target.name));
    }
    let not = if target.traffic_safe { "" } else { "NOT " };
    let since =
        newest.and_then(rollout::since).or(target.metadata.as_ref().and_then(|m| m.create_time.as_ref()));
    let since =
        since.and_then(style::time).map_or(String::new(), |t| format!(" for {}", style::between(t, now)));
    let text = format!("{} TRAFFIC IS {not}SAFE{since}", short(&target.name));
    paint(&text, if target.traffic_safe { Tone::Good } else { Tone::Bad })
}

/// `last       1.0.1 ROLLED_BACK 5m ago (VERDICT_FAIL: …)`.
fn ended(last: &Rollout, now: Timestamp) -> String {
    let why = last.reason.as_ref().map_or(String::new(), |reason| format!(" ({})", brief(reason)));
    format!("last       {}{why}", outcome(last, now))
}

/// `1.0.1 ROLLED_BACK 5m ago`.
fn outcome(last: &Rollout, now: Timestamp) -> String {
    let version = last.spec.as_ref().map_or("?", |spec| spec.version.as_str());
    format!("{version} {} {}", rollout::state(last), style::ago(last.end_time.as_ref(), now))
}

/// `problem    PORT_IN_USE 80f22ac1 for 5m00s: port 8080 is taken → free the port`.
fn problem(problem: &Problem, now: Timestamp) -> String {
    let of = match problem.instance.as_str() {
        "" => String::new(),
        instance => format!(" {}", style::tail(instance)),
    };
    let since = problem.since.as_ref().and_then(style::time);
    let since = since.map_or(String::new(), |since| format!(" for {}", style::between(since, now)));
    let remedy = if problem.remedy.is_empty() { String::new() } else { format!(" → {}", problem.remedy) };
    let text = format!("problem    {}{of}{since}: {}{remedy}", problem.code, problem.text);
    paint(&text, Tone::Warn)
}

fn headline(target: &Target) -> String {
    let stable =
        target.stable.as_ref().and_then(|f| f.spec.as_ref()).map_or("nothing", |s| s.version.as_str());
    let ready = ready(target);
    let at_work = match target.active_rollout.is_empty() {
        true => "no rollout at work".to_owned(),
        false => format!("{} is at work", target.active_rollout),
    };
    format!("stable {stable}, {ready} of {} instances ready, {at_work}", target.instances)
}

/// Instances of stable that are ready: those of a candidate, or of a fleet that is kept, carry nothing of it.
fn ready(target: &Target) -> usize {
    let stable = target.stable.as_ref().map_or("", |fleet| fleet.id.as_str());
    target.instance_states.iter().filter(|instance| instance.ready && instance.fleet == stable).count()
}

fn version_of<'a>(target: &'a Target, fleet: &'a str) -> &'a str {
    let kept = target.kept.iter().filter_map(|k| k.fleet.as_ref());
    target
        .stable
        .iter()
        .chain(&target.candidate)
        .chain(kept)
        .find(|f| f.id == fleet)
        .and_then(|f| f.spec.as_ref())
        .map_or(fleet, |spec| spec.version.as_str())
}

/// Many targets, with the newest rollout of each that has had one.
pub fn list(targets: &[Target], newest: &BTreeMap<String, Rollout>, now: Timestamp) -> String {
    table(
        ["TARGET", "STABLE", "READY", "SAFE", "ROLLOUT", "LAST"],
        targets.iter().map(|target| {
            let last = newest.get(&target.name).filter(|rollout| rollout.end_time.is_some());
            [
                short(&target.name).to_owned(),
                target.stable.as_ref().map_or("-", |f| version_of(target, &f.id)).to_owned(),
                format!("{}/{}", ready(target), target.instances),
                match (is_used(target), target.traffic_safe) {
                    (false, _) => "-",
                    (true, true) => "yes",
                    (true, false) => "NO",
                }
                .to_owned(),
                at_work(target),
                last.map_or_else(|| "-".to_owned(), |last| outcome(last, now)),
            ]
        }),
    )
}

/// `shop@production-17`, `-`, and who else has it in their hands.
fn at_work(target: &Target) -> String {
    match (target.active_rollout.as_str(), target.taken_over) {
        ("", true) => "TAKEN OVER by hand".to_owned(),
        (rollout, true) => format!("{rollout}, TAKEN OVER by hand"),
        ("", false) => "-".to_owned(),
        (rollout, false) => rollout.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use bellwether_proto::{
        common::v1::Reason,
        executor::v1::{Fleet, FleetSpec, Instance, rollout::State},
    };

    use super::*;

    #[test]
    fn what_a_candidate_has_ready_is_not_counted_for_stable() {
        let instance = |fleet: &str, ready| Instance { fleet: fleet.to_owned(), ready, ..Default::default() };
        let target = Target {
            name: "targets/shop@production".to_owned(),
            stable: Some(Fleet { id: "old".to_owned(), ..Default::default() }),
            instances: 2,
            instance_states: vec![instance("old", true), instance("old", false), instance("new", true)],
            ..Default::default()
        };
        let now = Timestamp::UNIX_EPOCH;
        let unused = Target { stable: None, ..target.clone() };
        assert!(view(&unused, None, now)[0].contains("HAS NO TRAFFIC"));
        assert!(list(std::slice::from_ref(&target), &BTreeMap::new(), now).contains("1/2"));
        assert!(view(&target, None, now)[1].contains("1 of 2 instances ready"));
        let taken = Target { taken_over: true, ..target };
        assert!(view(&taken, None, now)[2].contains("taken over by hand"));
        assert!(list(&[taken], &BTreeMap::new(), now).contains("TAKEN OVER"));
    }

    #[test]
    fn what_stands_in_the_way_is_said_with_what_to_do() {
        let problem = Problem {
            code: "PORT_IN_USE".to_owned(),
            instance: "01a20c5e-9457-7e0d-9cb4-3946b2f2c442".to_owned(),
            text: "port 8080 is taken".to_owned(),
            since: Some(Default::default()),
            remedy: "free the port".to_owned(),
            ..Default::default()
        };
        let target = Target { problems: vec![problem], ..Default::default() };
        let now = Timestamp::UNIX_EPOCH + std::time::Duration::from_secs(42);
        let lines = view(&target, None, now);
        assert!(lines.contains(
            &"problem    PORT_IN_USE b2f2c442 for 42s: port 8080 is taken → free the port".to_owned()
        ));
    }

    #[test]
    fn how_the_last_one_ended_is_said_and_since_when_it_is_safe() {
        let target = Target {
            name: "targets/shop@production".to_owned(),
            traffic_safe: true,
            stable: Some(Fleet { id: "old".to_owned(), ..Default::default() }),
            ..Default::default()
        };
        let reason = Reason { code: "VERDICT_FAIL".into(), text: "errors".into(), ..Default::default() };
        let last = Rollout {
            spec: Some(FleetSpec { version: "1.0.1".to_owned(), ..Default::default() }),
            state: State::RolledBack.into(),
            reason: Some(reason),
            end_time: Some(Default::default()),
            ..Default::default()
        };
        let now = Timestamp::UNIX_EPOCH + std::time::Duration::from_secs(300);
        let lines = view(&target, Some(&last), now);
        assert_eq!(lines[0], "shop@production TRAFFIC IS SAFE for 5m00s");
        assert_eq!(lines[2], "last       1.0.1 ROLLED_BACK 5m00s ago (VERDICT_FAIL: errors)");
        let newest = BTreeMap::from([(target.name.clone(), last)]);
        let listed = list(std::slice::from_ref(&target), &newest, now);
        assert!(listed.contains("1.0.1 ROLLED_BACK 5m00s ago"), "{listed}");
    }
}
