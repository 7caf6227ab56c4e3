//! `bellwether analyze`: a policy against what is there now, without a rollout; or against what was recorded.

use anyhow::Context as _;
use bellwether_proto::{
    executor::v1::Target,
    monitor::v1::{
        Analysis, CheckPoint, CurvePoint, Decision, HealthPolicy, Segment, SegmentKind, StartAnalysisRequest,
        StopAnalysisRequest, StreamVerdictsRequest, Verdict, stream_verdicts_response::Message,
    },
};

use super::{policy, replay};
use crate::{
    args::{AnalyzeArgs, ReplayArgs},
    exit::Exit,
    lookup,
    names::{Reference, Unfit},
    render::{self, Format, checks, plot, style},
    session::Session,
};

/// Looks for a while and prints how every check stands. Exit code 1 when the policy would have failed it.
///
/// # Errors
/// When the file is no policy, the plot cannot be written, or what the server says.
pub async fn run(session: &Session, format: Format, args: &AnalyzeArgs) -> anyhow::Result<Exit> {
    if args.recorded {
        let AnalyzeArgs { thing, policy, plot, .. } = args;
        let (thing, policy, plot) = (thing.clone(), policy.clone(), plot.clone());
        return replay::run(session, format, &ReplayArgs { thing, policy, plot }).await;
    }
    let policy = args.policy.as_deref().map(policy::read).transpose()?.unwrap_or_default();
    let analysis = wanted(session, args, policy).await?;
    let name = analysis.name.clone();
    let request = StartAnalysisRequest { request_id: String::new(), analysis: Some(analysis) };
    session.monitor().start_analysis(request).await?;
    let seen = look(session, &name, args.lasting).await;
    let request = StopAnalysisRequest { request_id: String::new(), name: name.clone() };
    session.monitor().stop_analysis(request).await?;
    let (curve, verdicts) = seen?;
    if let Some(file) = &args.plot {
        plot::write(file, &args.thing, &curve, &verdicts)?;
    }
    let last = verdicts.last().context("nothing was judged in that time")?;
    render::print(format, last, view)?;
    Ok(if last.decision() == Decision::Fail { Exit::Failure } else { Exit::Ok })
}

fn view(verdict: &Verdict) -> String {
    let mut lines = vec![checks::headline(verdict)];
    lines.extend(checks::lines(verdict).into_iter().map(|line| format!("  {line}")));
    lines.join("\n")
}

/// An analysis of its own: what serves against its past, or one fleet against another.
async fn wanted(session: &Session, args: &AnalyzeArgs, policy: HealthPolicy) -> anyhow::Result<Analysis> {
    let target = match args.thing.parse::<Reference>()? {
        Reference::Target(name) => name,
        _ => {
            let text = format!("{} is no target; give one, e.g. shop@production, or --recorded", args.thing);
            return Err(Unfit(text).into());
        }
    };
    let found = lookup::target(session, &target).await?;
    let candidate = match &args.candidate {
        Some(fleet) => fleet.clone(),
        None => found.stable.as_ref().with_context(|| format!("nothing serves on {target} yet"))?.id.clone(),
    };
    let baseline = args.baseline.clone().unwrap_or_default();
    let kind = if baseline.is_empty() { SegmentKind::Full } else { SegmentKind::Split };
    Ok(Analysis {
        name: format!("analyses/{}", session.env().uuid()),
        target,
        candidate_version: version(&found, &candidate),
        baseline_version: version(&found, &baseline),
        candidate_fleet: candidate,
        one_sided_planned: baseline.is_empty(),
        baseline_fleet: baseline,
        policy: Some(policy),
        horizon: Some(style::to_span(args.lasting)),
        // its share is whatever it is
        segment: Some(Segment { index: 1, kind: kind.into(), selected: true, ..Segment::default() }),
        ..Analysis::default()
    })
}

/// For sources that tell versions apart by their names; empty where nobody knows.
fn version(target: &Target, fleet: &str) -> String {
    let kept = target.kept.iter().filter_map(|kept| kept.fleet.as_ref());
    let mut fleets = target.stable.iter().chain(&target.candidate).chain(kept);
    let found = fleets.find(|it| it.id == fleet).and_then(|it| it.spec.as_ref());
    found.map(|spec| spec.version.clone()).unwrap_or_default()
}

/// Every verdict until the time is over, or FAIL, which is final.
async fn look(
    session: &Session,
    name: &str,
    lasting: std::time::Duration,
) -> anyhow::Result<(Vec<CurvePoint>, Vec<Verdict>)> {
    let request = StreamVerdictsRequest { analyses: vec![name.to_owned()], after_sequence: 0 };
    let mut stream = session.monitor().stream_verdicts(request).await?.into_inner();
    let (mut curve, mut verdicts) = (Vec::new(), Vec::new());
    let over = tokio::time::sleep(lasting);
    tokio::pin!(over);
    loop {
        let message = tokio::select! {
            message = stream.message() => message?,
            () = &mut over => break,
        };
        let Some(message) = message else { break };
        if let Some(Message::Verdict(verdict)) = message.message {
            curve.push(point(&verdict, session.now()));
            let failed = verdict.decision() == Decision::Fail;
            verdicts.push(verdict);
            if failed {
                break;
            }
        }
    }
    Ok((curve, verdicts))
}

fn point(verdict: &Verdict, now: jiff::Timestamp) -> CurvePoint {
    let check = |check: &bellwether_proto::monitor::v1::CheckResult| CheckPoint {
        id: check.id.clone(),
        unit: check.unit.clone(),
        candidate: check.candidate,
        baseline: check.baseline,
        effect_low: check.effect_low,
        effect_high: check.effect_high,
        log_evidence: check.log_evidence,
    };
    CurvePoint {
        time: Some(bellwether_proto::Timestamp { seconds: now.as_second(), nanos: now.subsec_nanosecond() }),
        log_evidence: verdict.log_evidence,
        log_evidence_limit: verdict.log_evidence_limit,
        checks: verdict.checks.iter().map(check).collect(),
    }
}
