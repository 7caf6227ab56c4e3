//! `bellwether replay`: when would another policy have decided?

use bellwether_proto::monitor::v1::{Replay, ReplayRecordingRequest, ReplayRecordingResponse, Verdict};
use jiff::Timestamp;

use super::policy;
use crate::{
    args::ReplayArgs,
    exit::Exit,
    lookup,
    names::Reference,
    render::{self, Format, checks, plot, style},
    session::Session,
};

/// Judges what was recorded of a rollout under another policy.
///
/// # Errors
/// When the file is no policy, the plot cannot be written, or what the server says.
pub async fn run(session: &Session, format: Format, args: &ReplayArgs) -> anyhow::Result<Exit> {
    let request = ReplayRecordingRequest {
        name: analysis(session, &args.thing).await?,
        policy: args.policy.as_deref().map(policy::read).transpose()?,
        curves: args.plot.is_some(),
        ..ReplayRecordingRequest::default()
    };
    let mut answer = session.monitor().replay_recording(request).await?.into_inner();
    if let (Some(file), Some(replay)) = (&args.plot, answer.replays.first_mut()) {
        plot::write(file, &args.thing, &std::mem::take(&mut replay.curve), &replay.verdicts)?;
    }
    render::print(format, &answer, view)?;
    Ok(Exit::Ok)
}

/// The analysis of what people name.
///
/// # Errors
/// When there is no such rollout.
pub async fn analysis(session: &Session, thing: &str) -> anyhow::Result<String> {
    if thing.starts_with("analyses/") {
        return Ok(thing.to_owned());
    }
    let rollout = lookup::rollout(session, &thing.parse::<Reference>()?).await?;
    Ok(rollout.name.replacen("rollouts/", "analyses/", 1))
}

/// What would have been decided beside what was, and how every check stood at the end.
pub fn view(answer: &ReplayRecordingResponse) -> String {
    let Some(replay) = answer.replays.first() else { return "nothing was recorded".to_owned() };
    let began = began(replay, &answer.verdicts);
    let mut lines = vec!["under this policy".to_owned()];
    lines.extend(decisions(&replay.verdicts, began));
    lines.push("at the time".to_owned());
    lines.extend(decisions(&answer.verdicts, began));
    if let Some(last) = &replay.last {
        lines.push("at the end".to_owned());
        lines.extend(checks::lines(last).into_iter().map(|line| format!("  {line}")));
    }
    lines.join("\n")
}

/// The first moment that anything is known of.
fn began(replay: &Replay, verdicts: &[Verdict]) -> Option<Timestamp> {
    replay.verdicts.iter().chain(verdicts).filter_map(decided).min()
}

fn decided(verdict: &Verdict) -> Option<Timestamp> {
    verdict.decide_time.as_ref().and_then(style::time)
}

fn decisions(verdicts: &[Verdict], began: Option<Timestamp>) -> Vec<String> {
    if verdicts.is_empty() {
        return vec!["  nothing was decided".to_owned()];
    }
    let line = |verdict: &Verdict| {
        let after = began.zip(decided(verdict)).map(|(began, at)| style::between(began, at));
        format!("  +{:<8} {}", after.unwrap_or_default(), checks::headline(verdict))
    };
    verdicts.iter().map(line).collect()
}
