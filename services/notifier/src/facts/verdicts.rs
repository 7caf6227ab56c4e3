//! Changes of the decision of an analysis.

use bellwether_clock::Timestamp;
use bellwether_proto::monitor::v1::{Analysis, Decision, Level, Verdict};

use super::{Said, because, set_target, set_team};
use crate::message::{Message, Phase, Severity, Source};

/// The message of a verdict; none for a refresh, and for a decision that says nothing yet.
pub fn of(verdict: &Verdict, analysis: &Analysis) -> Option<Message> {
    if verdict.sequence <= 0 {
        return None;
    }
    let (fact, said) = said(verdict)?;
    let id = analysis.name.trim_start_matches("analyses/");
    let time = verdict.decide_time.as_ref().and_then(bellwether_resource::time::timestamp);
    let place = format!("{}#{}", analysis.name, verdict.sequence);
    let mut message = Message::new(Source::Monitor, &place, fact, time.unwrap_or(Timestamp::UNIX_EPOCH))
        .ranked(said.class, said.severity)
        .in_phase(said.phase)
        // the executor gives an analysis its rollout's id: both are told in one order
        .about(&format!("rollouts/{id}"));
    set_team(&mut message, analysis.metadata.as_ref());
    set_target(&mut message, &analysis.target);
    message.label("rollout", id);
    let title = format!("{} {}", message.labelled("target"), said.what);
    Some(message.saying(&title, &text(verdict)))
}

fn said(verdict: &Verdict) -> Option<(&'static str, Said)> {
    let (segment, why) = (verdict.segment, because(verdict.reason.as_ref()));
    let progress = |what: String| Said::progress(Phase::During, what);
    let warning = |what: String| Said { severity: Severity::Warning, ..Said::progress(Phase::During, what) };
    Some(match verdict.decision() {
        Decision::Pass => ("VERDICT_PASS", progress(format!("passed segment {segment}{why}"))),
        Decision::Fail => ("VERDICT_FAIL", warning(format!("failed in segment {segment}{why}"))),
        Decision::NoData => ("VERDICT_NO_DATA", warning(format!("has no data in segment {segment}{why}"))),
        Decision::Error => ("VERDICT_ERROR", warning(format!("cannot be judged in segment {segment}{why}"))),
        Decision::Undecided | Decision::Unspecified => return None,
    })
}

/// What was measured where it is not as it should be, else everything.
fn text(verdict: &Verdict) -> String {
    let bad: Vec<_> = verdict.checks.iter().filter(|check| check.level() != Level::Ok).collect();
    let shown = if bad.is_empty() { verdict.checks.iter().collect() } else { bad };
    shown.iter().map(|check| format!("{}: {}", check.id, check.text)).collect::<Vec<_>>().join("\n")
}
