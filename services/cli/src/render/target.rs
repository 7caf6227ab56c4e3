//! A target: what serves, and is it well.

use bellwether_proto::executor::v1::Target;
use jiff::Timestamp;

use super::{
    rollout::{actions, brief},
    style::{self, Tone, paint},
    table,
};
use crate::names::short;

/// The view of one target, a string a line.
pub fn view(target: &Target, now: Timestamp) -> Vec<String> {
    let mut lines = vec![safety(target), headline(target)];
    if let Some(why) = &target.needs_operator {
        lines.push(format!("waits      {}", brief(why)));
    }
    if target.taken_over {
        lines.push(paint("taken over by hand; nothing converges until it is handed back", Tone::Warn));
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
    for kept in &target.kept {
        let version = kept.fleet.as_ref().map_or("?", |fleet| version_of(target, &fleet.id));
        let left = kept.keep_until.as_ref().and_then(style::time);
        let left = left.map_or(String::new(), |until| format!(" for {} more", style::between(now, until)));
        lines.push(format!("kept       {version}{left}, ready to take the traffic back"));
    }
    lines.extend(actions(&target.allowed_actions));
    lines
}

fn safety(target: &Target) -> String {
    let text =
        format!("{} TRAFFIC IS {}SAFE", short(&target.name), if target.traffic_safe { "" } else { "NOT " });
    paint(&text, if target.traffic_safe { Tone::Good } else { Tone::Bad })
}

fn headline(target: &Target) -> String {
    let stable =
        target.stable.as_ref().and_then(|f| f.spec.as_ref()).map_or("nothing", |s| s.version.as_str());
    let ready = ready(target);
    let rollout = match target.active_rollout.is_empty() {
        true => "no rollout at work".to_owned(),
        false => format!("{} is at work", target.active_rollout),
    };
    format!("stable {stable}, {ready} of {} instances ready, {rollout}", target.instances)
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

/// Many targets.
pub fn list(targets: &[Target]) -> String {
    table(
        ["TARGET", "STABLE", "READY", "SAFE", "ROLLOUT"],
        targets.iter().map(|target| {
            [
                short(&target.name).to_owned(),
                target.stable.as_ref().map_or("-", |f| version_of(target, &f.id)).to_owned(),
                format!("{}/{}", ready(target), target.instances),
                if target.traffic_safe { "yes" } else { "NO" }.to_owned(),
                if target.active_rollout.is_empty() { "-".to_owned() } else { target.active_rollout.clone() },
            ]
        }),
    )
}

#[cfg(test)]
mod tests {
    use bellwether_proto::executor::v1::{Fleet, Instance};

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
        assert!(list(std::slice::from_ref(&target)).contains("1/2"));
        assert!(view(&target, Timestamp::UNIX_EPOCH)[1].contains("1 of 2 instances ready"));
    }
}
