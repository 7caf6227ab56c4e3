//! Runs of probes as evidence: a check of their own, with no user anywhere.

use std::time::Duration;

use bellwether_proto::monitor::v1::{self as pb, Decision, SegmentKind};

use super::{
    given::{apply, visit},
    shop::{Asked, Reply, Shop, page, status},
};
use crate::harness::{Monitor, PATIENCE, analysis, place, split};

const NAME: &str = "analyses/a";
/// So many are tried at once: evidence comes with runs, and each comes again after a second.
const PROBES: usize = 12;

fn broken_where_new(asked: &Asked) -> Reply {
    let new = asked.headers.get("x-version").is_some_and(|version| version == "new");
    if new { status(500) } else { page("well") }
}

fn version(name: &str, reach: pb::ProbeReach) -> Option<pb::ProbeAccess> {
    let headers = [("x-version".to_owned(), name.to_owned())].into();
    Some(pb::ProbeAccess { headers, reach: reach.into(), ..Default::default() })
}

/// Journeys that reach both versions whatever the split.
async fn declare(monitor: &mut Monitor, shop: &Shop) {
    for index in 1..=PROBES {
        let probe = pb::Probe {
            candidate: version("new", pb::ProbeReach::Always),
            baseline: version("old", pb::ProbeReach::Unspecified),
            ..visit(&format!("checkout-{index}"), &shop.url(), "/", Default::default())
        };
        apply(&mut monitor.client, probe).await.unwrap();
    }
}

fn check(verdict: &pb::Verdict, id: &str) -> Option<pb::CheckResult> {
    verdict.checks.iter().find(|check| check.id == id).cloned()
}

/// Second after second, until the verdict is as wanted. Nobody sends anything.
async fn until(monitor: &mut Monitor, wanted: impl Fn(&pb::Verdict) -> bool) -> pb::Verdict {
    let mut verdicts = monitor.verdicts(&[NAME], 0).await;
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            monitor.clock.advance(Duration::from_secs(1));
            let verdict = monitor.verdict(NAME).await;
            if wanted(&verdict) {
                return verdict;
            }
            // what the runs of this second say; in some there are none
            let _ = tokio::time::timeout(Duration::from_millis(50), verdicts.next()).await;
        }
    });
    found.await.expect("the verdict is not as wanted")
}

fn with_role(role: pb::CheckRole) -> pb::HealthPolicy {
    let kind = Some(pb::check::Kind::Probes(pb::ProbesCheck::default()));
    let check = pb::Check { id: "journeys".into(), role: role.into(), kind };
    let preset = pb::Preset::Web.into();
    pb::HealthPolicy { preset, checks: vec![check], ..analysis("a", split(1, 50.0)).policy.unwrap() }
}

async fn replayed(monitor: &mut Monitor, policy: Option<pb::HealthPolicy>) -> pb::Replay {
    let request = pb::ReplayRecordingRequest { name: NAME.into(), policy, ..Default::default() };
    monitor.client.replay_recording(request).await.unwrap().into_inner().replays.remove(0)
}

#[tokio::test]
async fn a_journey_that_fails_at_the_candidate_takes_it_back_without_any_user() {
    let (dir, shop) = (place(), Shop::open(broken_where_new).await);
    let mut monitor = Monitor::start(dir.path()).await;
    declare(&mut monitor, &shop).await;
    let begun = monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    let declared = begun.probes.unwrap();
    assert_eq!((declared.names.len(), declared.names[0].as_str()), (PROBES, "probes/checkout-1"));
    let failed = until(&mut monitor, |verdict| verdict.decision() == Decision::Fail).await;
    let reason = failed.reason.as_ref().unwrap();
    assert_eq!(reason.code, "CHECK_FAILED", "{reason:?}");
    assert!(reason.text.contains("step look: status 500, expected 200 to 299"), "{}", reason.text);
    assert!(reason.values["probes.last"].starts_with("probe checkout-"), "{reason:?}");
    let found = check(&failed, "probes").unwrap();
    assert_eq!((found.decision(), found.role()), (Decision::Fail, pb::CheckRole::Guard));
    assert_eq!((found.candidate, found.baseline), (Some(100.0), Some(0.0)), "{found:?}");
    assert!(found.candidate_samples >= 8 && found.candidate_samples == found.baseline_samples, "{found:?}");
    assert!(found.effect_low.unwrap() > 1.5 && found.log_evidence >= found.log_evidence_limit, "{found:?}");

    let again = replayed(&mut monitor, None).await;
    let last = again.last.unwrap();
    assert_eq!(last.decision(), Decision::Fail, "{last:?}");
    assert_eq!(check(&last, "probes").unwrap().decision(), Decision::Fail);
    let advice = replayed(&mut monitor, Some(with_role(pb::CheckRole::Advisory))).await;
    assert!(advice.verdicts.iter().all(|verdict| verdict.decision() != Decision::Fail));
    let shown = check(&advice.last.unwrap(), "journeys").unwrap();
    assert_eq!((shown.role(), shown.candidate), (pb::CheckRole::Advisory, Some(100.0)));
    monitor.stop().await;
}

#[tokio::test]
async fn what_fails_at_both_versions_is_no_evidence_and_a_restart_keeps_the_count() {
    let (dir, shop) = (place(), Shop::open(|_| status(500)).await);
    let mut monitor = Monitor::start(dir.path()).await;
    declare(&mut monitor, &shop).await;
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    let many = |verdict: &pb::Verdict| check(verdict, "probes").unwrap().candidate_samples >= 24;
    let before = check(&until(&mut monitor, many).await, "probes").unwrap();
    assert!(before.log_evidence < 0.0 && before.decision() == Decision::Undecided, "{before:?}");
    assert_eq!((before.candidate, before.baseline), (Some(100.0), Some(100.0)));
    let now = monitor.stop().await;
    let mut monitor = Monitor::start_at(dir.path(), now).await;
    let more = before.candidate_samples + 12;
    let on = |verdict: &pb::Verdict| check(verdict, "probes").unwrap().candidate_samples >= more;
    let after = check(&until(&mut monitor, on).await, "probes").unwrap();
    assert!(after.log_evidence < 0.0 && after.baseline_samples >= more, "{after:?}");
    monitor.stop().await;
}

#[tokio::test]
async fn with_nothing_to_compare_with_a_preview_is_held_against_a_threshold() {
    let (dir, shop) = (place(), Shop::open(|_| page("well")).await);
    let preview = Shop::open(|_| status(404)).await;
    let mut monitor = Monitor::start(dir.path()).await;
    for index in 1..=PROBES {
        let candidate = pb::ProbeAccess { address: preview.url(), ..Default::default() };
        let probe = pb::Probe {
            candidate: Some(candidate),
            ..visit(&format!("checkout-{index}"), &shop.url(), "/", Default::default())
        };
        apply(&mut monitor.client, probe).await.unwrap();
    }
    let segment = pb::Segment { kind: SegmentKind::Preview.into(), ..split(1, 0.0) };
    let first = pb::Analysis { baseline_fleet: String::new(), ..analysis("a", segment) };
    monitor.start_analysis(first).await;
    let failed = until(&mut monitor, |verdict| verdict.decision() == Decision::Fail).await;
    let found = check(&failed, "probes-alone").unwrap();
    assert_eq!(
        (found.decision(), found.candidate, found.threshold),
        (Decision::Fail, Some(100.0), Some(5.0))
    );
    assert_eq!(check(&failed, "probes"), None, "there is no baseline");
    monitor.stop().await;
}

#[tokio::test]
async fn as_advice_it_only_warns_and_pass_waits_as_ever() {
    let (dir, shop) = (place(), Shop::open(broken_where_new).await);
    let mut monitor = Monitor::start(dir.path()).await;
    declare(&mut monitor, &shop).await;
    let policy = Some(with_role(pb::CheckRole::Advisory));
    monitor.start_analysis(pb::Analysis { policy, ..analysis("a", split(1, 50.0)) }).await;
    let many = |verdict: &pb::Verdict| check(verdict, "journeys").unwrap().candidate_samples >= 60;
    let warned = until(&mut monitor, many).await;
    assert_ne!(warned.decision(), Decision::Fail);
    assert_eq!(check(&warned, "journeys").unwrap().level(), pb::Level::Warn);
    assert!(warned.warnings.iter().any(|it| it.code == "PROBE_FAILED"), "{:?}", warned.warnings);
    monitor.stop().await;
}
