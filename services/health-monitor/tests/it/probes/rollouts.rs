//! What probes mean to the verdict on a rollout.

use std::time::Duration;

use bellwether_proto::monitor::v1::{self as pb, Decision, SegmentKind, stream_verdicts_response::Message};

use super::{
    given::{apply, visit},
    shop::{Asked, Reply, Shop, page, status},
};
use crate::harness::{Monitor, Source, TARGET, Verdicts, analysis, full, place, split};

const NAME: &str = "analyses/a";

/// By the header that a match rule of the route would look at.
fn by_version(new: fn() -> Reply) -> impl Fn(&Asked) -> Reply {
    move |asked| match asked.headers.get("x-version").map(String::as_str) {
        Some("new") => new(),
        _ => page("well"),
    }
}

fn broken() -> Reply {
    status(500)
}

fn well() -> Reply {
    page("well")
}

fn version(name: &str, reach: pb::ProbeReach) -> Option<pb::ProbeAccess> {
    let headers = [("x-version".to_owned(), name.to_owned())].into();
    Some(pb::ProbeAccess { headers, reach: reach.into(), ..Default::default() })
}

fn check(verdict: &pb::Verdict) -> Option<&pb::CheckResult> {
    verdict.checks.iter().find(|check| check.id == "probe-checkout")
}

fn code(verdict: &pb::Verdict) -> &str {
    verdict.reason.as_ref().map_or("", |reason| reason.code.as_str())
}

/// The next change with this reason.
async fn until(verdicts: &mut Verdicts, wanted: &str) -> pb::Verdict {
    loop {
        let change = verdicts.change().await;
        if code(&change) == wanted {
            return change;
        }
    }
}

/// Enough good requests on both sides for the numbers alone to pass.
async fn good_traffic(monitor: &mut Monitor, source: &mut Source) {
    for _ in 0..25 {
        monitor.second(source, (200, 0), (200, 0)).await;
    }
}

async fn health(monitor: &mut Monitor) -> pb::Health {
    let request = pb::GetHealthRequest { target: TARGET.into() };
    monitor.client.get_health(request).await.unwrap().into_inner().health.unwrap()
}

/// A journey that reaches the candidate whatever the split.
fn at_the_candidate(shop: &Shop) -> pb::Probe {
    pb::Probe {
        candidate: version("new", pb::ProbeReach::Always),
        ..visit("checkout", &shop.url(), "/", Default::default())
    }
}

#[tokio::test]
async fn pass_waits_for_a_journey_at_the_candidate() {
    let (dir, shop) = (place(), Shop::open(by_version(broken)).await);
    let mut monitor = Monitor::start(dir.path()).await;
    let checkout = pb::Probe {
        failures: 2,
        candidate: version("new", pb::ProbeReach::Always),
        baseline: version("old", pb::ProbeReach::Unspecified),
        ..visit("checkout", &shop.url(), "/", Default::default())
    };
    apply(&mut monitor.client, checkout).await.unwrap();
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    let mut verdicts = monitor.verdicts(&[NAME], 0).await;
    good_traffic(&mut monitor, &mut Source::new(1)).await;
    let red = until(&mut verdicts, "PROBE_FAILED").await;
    assert_eq!(red.decision(), Decision::Undecided);
    let found = check(&red).unwrap();
    assert_eq!((found.decision(), found.role()), (Decision::Fail, pb::CheckRole::Blocking));
    assert_eq!((found.candidate, found.baseline), (Some(100.0), Some(0.0)), "{found:?}");
    assert!(found.text.contains("step look: status 500, expected 200 to 299; 0 of "), "{}", found.text);
    let place = format!(" at {}/: step look: ", shop.url());
    assert!(found.text.contains(" in a row, the last ") && found.text.contains(&place), "{}", found.text);
    assert_eq!(red.reason.as_ref().unwrap().values["probe"], "checkout");
    let told = health(&mut monitor).await;
    let [told] = told.probes.as_slice() else { panic!("{told:?}") };
    let [failure] = told.at_versions.as_slice() else { panic!("{told:?}") };
    assert_eq!(
        (told.name.as_str(), failure.analysis.as_str(), failure.fleet.as_str()),
        ("probes/checkout", NAME, "new")
    );
    let run = failure.run.as_ref().unwrap();
    assert_eq!((run.failed_step.as_str(), run.steps[0].status), ("look", 500), "{run:?}");
    assert_eq!(run.address, format!("{}/", shop.url()));
    assert!(run.text == "status 500, expected 200 to 299" && run.time.is_some(), "{run:?}");
    assert_eq!(told.last_failure, None, "at its own address it is well");
    assert!(red.warnings.iter().any(|it| it.code == "PROBE_FAILED"));
    shop.change(by_version(well));
    let passed = until(&mut verdicts, "ALL_PASSED").await;
    assert_eq!((passed.decision(), check(&passed).unwrap().decision()), (Decision::Pass, Decision::Pass));
    // what was given stays
    shop.change(by_version(broken));
    let seen = loop {
        if let Some(Message::Verdict(verdict)) = verdicts.next().await.unwrap()
            && check(&verdict).is_some_and(|it| it.decision() == Decision::Fail)
        {
            break verdict;
        }
    };
    assert_eq!((seen.decision(), seen.sequence), (Decision::Pass, 0));
    drop(verdicts);
    let now = monitor.stop().await;
    let mut monitor = Monitor::start_at(dir.path(), now).await;
    let kept = monitor.verdict(NAME).await;
    assert_eq!((kept.decision(), code(&kept)), (Decision::Pass, "ALL_PASSED"), "across a restart as well");
    monitor.stop().await;
}

#[tokio::test]
async fn at_its_own_address_it_is_the_candidate_that_has_all_traffic() {
    let (dir, shop) = (place(), Shop::open(|_| status(500)).await);
    let mut monitor = Monitor::start(dir.path()).await;
    apply(&mut monitor.client, visit("checkout", &shop.url(), "/", Default::default())).await.unwrap();
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    let mut verdicts = monitor.verdicts(&[NAME], 0).await;
    let mut source = Source::new(1);
    good_traffic(&mut monitor, &mut source).await;
    let passed = until(&mut verdicts, "ALL_PASSED").await;
    assert_eq!(check(&passed), None, "nobody knows which version answers it");
    monitor.enter(NAME, full(2)).await.unwrap();
    assert_eq!(check(&monitor.verdict(NAME).await).unwrap().decision(), Decision::Undecided, "not tried yet");
    let mut source = Source::new(2);
    for _ in 0..25 {
        monitor.second(&mut source, (400, 0), (0, 0)).await;
    }
    let red = until(&mut verdicts, "PROBE_FAILED").await;
    assert_eq!((red.decision(), red.segment), (Decision::Undecided, 2));
    shop.change(|_| page("well"));
    let passed = until(&mut verdicts, "ALL_PASSED").await;
    assert_eq!((passed.segment, check(&passed).unwrap().decision()), (2, Decision::Pass));
    monitor.stop().await;
}

#[tokio::test]
async fn on_the_preview_route_the_candidate_is_tried_where_the_preview_is() {
    let dir = place();
    let (shop, preview) = (Shop::open(|_| page("well")).await, Shop::open(|_| status(404)).await);
    let mut monitor = Monitor::start(dir.path()).await;
    let candidate = pb::ProbeAccess { address: preview.url(), ..Default::default() };
    let checkout =
        pb::Probe { candidate: Some(candidate), ..visit("checkout", &shop.url(), "/", Default::default()) };
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    apply(&mut monitor.client, checkout).await.unwrap();
    assert_eq!(check(&monitor.verdict(NAME).await), None, "the preview leads nowhere yet");
    let segment =
        pb::Segment { kind: SegmentKind::Preview.into(), candidate_share_percent: 0.0, ..split(2, 0.0) };
    monitor.enter(NAME, segment).await.unwrap();
    monitor.clock.advance(Duration::from_secs(3));
    let mut verdicts = monitor.verdicts(&[NAME], 0).await;
    let mut source = Source::new(2);
    source.candidate.0.traffic = pb::TrafficKind::Preview.into();
    monitor.second(&mut source, (1, 0), (100, 0)).await;
    let red = until(&mut verdicts, "PROBE_FAILED").await;
    let found = check(&red).unwrap();
    assert_eq!((found.decision(), found.candidate_samples > 0), (Decision::Fail, true));
    assert!(!preview.asked().is_empty());
    monitor.stop().await;
}

#[tokio::test]
async fn what_is_advisory_or_gone_is_not_waited_for() {
    let (dir, shop) = (place(), Shop::open(|_| status(500)).await);
    let mut monitor = Monitor::start(dir.path()).await;
    let checkout = pb::Probe {
        candidate: version("new", pb::ProbeReach::Always),
        ..visit("checkout", &shop.url(), "/", Default::default())
    };
    let advice =
        pb::Probe { name: "advice".into(), role: pb::CheckRole::Advisory.into(), ..checkout.clone() };
    apply(&mut monitor.client, checkout).await.unwrap();
    apply(&mut monitor.client, advice).await.unwrap();
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    let mut verdicts = monitor.verdicts(&[NAME], 0).await;
    good_traffic(&mut monitor, &mut Source::new(1)).await;
    until(&mut verdicts, "PROBE_FAILED").await;
    let request =
        pb::DeleteProbeRequest { name: "checkout".into(), reason: "moved".into(), ..Default::default() };
    monitor.client.delete_probe(request).await.unwrap();
    let passed = until(&mut verdicts, "ALL_PASSED").await;
    assert_eq!(check(&passed), None);
    let advice = passed.checks.iter().find(|check| check.id == "probe-advice").unwrap();
    assert_eq!(advice.role(), pb::CheckRole::Advisory);
    monitor.stop().await;
}

#[tokio::test]
async fn where_traffic_is_too_little_policy_may_go_on_once_the_journey_is_green() {
    let (dir, shop) = (place(), Shop::open(by_version(broken)).await);
    let mut monitor = Monitor::start(dir.path()).await;
    apply(&mut monitor.client, at_the_candidate(&shop)).await.unwrap();
    let mut lenient = analysis("a", split(1, 50.0));
    lenient.policy.as_mut().unwrap().pass_by_policy = Some(true);
    monitor.start_analysis(lenient).await;
    let mut verdicts = monitor.verdicts(&[NAME], 0).await;
    let mut source = Source::new(1);
    for _ in 0..5 {
        monitor.second(&mut source, (2, 0), (2, 0)).await;
    }
    until(&mut verdicts, "PROBE_FAILED").await;
    shop.change(by_version(well));
    let may = until(&mut verdicts, "PASS_BY_POLICY").await;
    assert_eq!((may.decision(), check(&may).unwrap().decision()), (Decision::Undecided, Decision::Pass));
    monitor.stop().await;
}

#[tokio::test]
async fn a_restart_forgets_no_journey_that_pass_waits_for() {
    let (dir, shop) = (place(), Shop::open(by_version(broken)).await);
    let mut monitor = Monitor::start(dir.path()).await;
    apply(&mut monitor.client, at_the_candidate(&shop)).await.unwrap();
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    let mut verdicts = monitor.verdicts(&[NAME], 0).await;
    good_traffic(&mut monitor, &mut Source::new(1)).await;
    let red = until(&mut verdicts, "PROBE_FAILED").await;
    drop(verdicts);
    let now = monitor.stop().await;
    // the numbers alone would pass, from the first moment on
    let mut monitor = Monitor::start_at(dir.path(), now).await;
    let mut verdicts = monitor.verdicts(&[NAME], red.sequence).await;
    loop {
        let Some(Message::Verdict(verdict)) = verdicts.next().await.unwrap() else { continue };
        assert_eq!(verdict.decision(), Decision::Undecided, "{verdict:?}");
        if check(&verdict).unwrap().candidate_samples > 0 {
            break;
        }
    }
    shop.change(by_version(well));
    until(&mut verdicts, "ALL_PASSED").await;
    monitor.stop().await;
}
