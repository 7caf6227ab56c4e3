//! Runs of probes as a check of their own.

use bellwether_judge::{
    Analysis, Decision, History, ProbeRun, Segment, SegmentKind, Settings, Side, Why,
    settings::{CheckKind, CheckSpec, Declared, ErrorRate, Probes, Role},
    sim::Random,
    verdict::CheckReport,
};
use jiff::Timestamp;

use crate::rig::{full, history, split};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const DECLARED: Declared = Declared { per_hour: 360.0, runs: 0, failed: 0 };

fn settings(role: Role, probes: Option<Declared>) -> Settings {
    let errors = CheckSpec::new("errors", Role::Blocking, CheckKind::ErrorRate(ErrorRate::default()));
    let runs = CheckSpec::new("probes", role, CheckKind::Probes(Probes::default()));
    Settings { checks: vec![errors, runs], probes, ..Settings::default() }
}

fn analysis(settings: Settings, segment: Segment) -> Analysis {
    Analysis::new(settings, "new".into(), "old".into(), history(), segment, NOW)
}

fn run(probe: &str, side: Side, failed: bool, compared: bool) -> ProbeRun<'_> {
    ProbeRun { probe, side, failed, compared }
}

/// One run at both versions.
fn both(analysis: &mut Analysis, probe: &str, candidate: bool, baseline: bool) {
    analysis.tried(run(probe, Side::Candidate, candidate, true));
    analysis.tried(run(probe, Side::Baseline, baseline, true));
}

fn report(analysis: &mut Analysis, id: &str) -> Option<CheckReport> {
    analysis.report(NOW).checks.into_iter().find(|check| check.id == id)
}

/// Runs until it fails; at most 200.
fn until_fail(analysis: &mut Analysis, mut one: impl FnMut(&mut Analysis)) -> Option<usize> {
    (1..=200).find(|_| {
        one(analysis);
        analysis.assess(NOW).decision == Decision::Fail
    })
}

#[test]
fn what_fails_at_the_candidate_alone_fails_it_without_any_user() {
    let mut compared = analysis(settings(Role::Guard, Some(DECLARED)), split(0.1));
    let pairs = until_fail(&mut compared, |it| both(it, "checkout", true, false)).unwrap();
    assert!((8..30).contains(&pairs), "{pairs}");
    let found = report(&mut compared, "probes").unwrap();
    assert_eq!((found.decision, found.candidate, found.baseline), (Decision::Fail, Some(100.0), Some(0.0)));
    assert_eq!((found.candidate_samples, found.baseline_samples), (pairs as u64, pairs as u64));
    assert!(found.interval.unwrap().lower > 1.25 && found.log_evidence >= found.log_limit, "{found:?}");
    assert_eq!(compared.assess(NOW).why, Why::CheckFailed);

    let mut alone = analysis(settings(Role::Guard, Some(DECLARED)), full(1, 1));
    let runs = until_fail(&mut alone, |it| it.tried(run("checkout", Side::Candidate, true, false))).unwrap();
    assert!((5..15).contains(&runs), "{runs}");
    let found = report(&mut alone, "probes-alone").unwrap();
    assert_eq!((found.decision, found.threshold), (Decision::Fail, Some(5.0)));
    assert!(found.text.starts_with(&format!("probes: {runs} of {runs} on the candidate")), "{}", found.text);
}

#[test]
fn what_fails_at_both_is_no_evidence() {
    let mut shared = analysis(settings(Role::Guard, Some(DECLARED)), split(0.1));
    assert_eq!(until_fail(&mut shared, |it| both(it, "checkout", true, true)), None);
    let found = report(&mut shared, "probes").unwrap();
    assert!(found.log_evidence < 0.0 && found.candidate_samples == 200, "{found:?}");
}

#[test]
fn only_runs_of_one_probe_are_compared_with_each_other_and_the_newest_at_each_version() {
    let mut mixed = analysis(settings(Role::Guard, Some(DECLARED)), split(0.1));
    for _ in 0..50 {
        mixed.tried(run("login", Side::Baseline, false, true));
        mixed.tried(run("checkout", Side::Candidate, true, true));
    }
    assert_eq!(report(&mut mixed, "probes").unwrap().candidate_samples, 0);
    mixed.tried(run("checkout", Side::Baseline, false, true));
    let found = report(&mut mixed, "probes").unwrap();
    assert_eq!((found.candidate_samples, found.baseline_samples), (1, 1));
}

#[test]
fn without_probes_at_the_start_nothing_of_it_weighs() {
    let mut none = analysis(settings(Role::Guard, None), split(0.1));
    let errors = Settings { checks: settings(Role::Guard, None).checks[..1].to_vec(), ..Settings::default() };
    let mut plain = analysis(errors, split(0.1));
    assert_eq!(until_fail(&mut none, |it| both(it, "checkout", true, false)), None);
    assert_eq!(report(&mut none, "probes"), None);
    let limit = |it: &mut Analysis| report(it, "errors").unwrap().log_limit;
    assert_eq!(limit(&mut none), limit(&mut plain));
    let mut advice = analysis(settings(Role::Advisory, Some(DECLARED)), split(0.1));
    assert_eq!(until_fail(&mut advice, |it| both(it, "checkout", true, false)), None);
    assert!(report(&mut advice, "probes").unwrap().candidate_samples > 0);
    assert_eq!(limit(&mut advice), limit(&mut plain));
}

#[test]
fn where_it_blocks_a_segment_passes_only_where_they_are_shown_to_be_well() {
    let preview = Segment { kind: SegmentKind::Preview, index: 1, ..Segment::NOWHERE };
    let only = |role| {
        let given = settings(role, Some(DECLARED));
        Settings { checks: given.checks[1..].to_vec(), one_sided: true, ..given }
    };
    let mut blocking = analysis(only(Role::Blocking), preview);
    assert_eq!(blocking.assess(NOW).why, Why::NoTraffic);
    let runs = (1..=400).find(|_| {
        blocking.tried(run("checkout", Side::Candidate, false, false));
        blocking.assess(NOW).decision == Decision::Pass
    });
    // ln 20 against a threshold of 5 %, at half of the weight
    assert!(runs.is_some_and(|runs| (60..250).contains(&runs)), "{runs:?}");
    let mut guard = analysis(only(Role::Guard), preview);
    (0..400).for_each(|_| guard.tried(run("checkout", Side::Candidate, false, false)));
    assert_eq!(guard.assess(NOW).decision, Decision::Undecided, "nothing is asked to pass");
}

/// At the margin: equal versions that both fail in a tenth of all runs.
#[test]
fn equal_versions_are_hardly_ever_failed() {
    let failed = (0..400u64).filter(|seed| {
        let mut random = Random::new(*seed);
        let mut fails = move || random.uniform() < 0.1;
        let mut equal = Analysis::new(
            settings(Role::Guard, Some(DECLARED)),
            "new".into(),
            "old".into(),
            History::default(),
            split(0.5),
            NOW,
        );
        until_fail(&mut equal, |it| {
            let (candidate, baseline) = (fails(), fails());
            both(it, "checkout", candidate, baseline);
        })
        .is_some()
    });
    assert!(failed.count() <= 4);
}

#[test]
fn what_was_taken_survives_its_row() {
    let mut before = analysis(settings(Role::Guard, Some(DECLARED)), split(0.1));
    before.tried(run("checkout", Side::Candidate, true, true));
    let row = serde_json::to_string(&before).unwrap();
    let mut after: Analysis = serde_json::from_str(&row).unwrap();
    assert_eq!(after, before);
    after.tried(run("checkout", Side::Baseline, false, true));
    assert_eq!(report(&mut after, "probes").unwrap().candidate_samples, 1);
}
